"""The version of nocarrier, for every room that tells it."""

VERSION = "0.1.0"
