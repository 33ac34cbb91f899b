"""The HTTP API: one table of routes, one form of errors, and a guard in front of all routes."""
