"""The test kit that ships: what a program that embeds nocarrier needs to provoke failing dials itself."""
