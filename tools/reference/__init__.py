"""The pages of the reference, each made from a table in the code."""
