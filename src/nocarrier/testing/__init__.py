"""The test kit that ships with nocarrier: what an embedding program needs to make dials fail on purpose."""
