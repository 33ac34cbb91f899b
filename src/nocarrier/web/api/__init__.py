"""HTTP: one table of routes, one shape of errors, and the guard in front of them."""
