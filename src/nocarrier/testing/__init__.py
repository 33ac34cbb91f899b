"""The test kit that ships: what a program that embeds nocarrier needs to make dials fail on purpose."""
