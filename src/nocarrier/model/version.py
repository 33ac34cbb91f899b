"""The version of nocarrier, for every package that shows it."""

VERSION = "0.1.0"
