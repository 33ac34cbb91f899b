"""HTTP: one table of routes, one shape of errors, and the guard before them."""
