"""Two nodes side by side: can they talk, and if not, why not?

Works on what `client` has read, and does no I/O itself.
"""
