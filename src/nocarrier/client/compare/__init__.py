"""Two nodes side by side: can they talk, and if not, why not? Pure: works on what `client` has read."""
