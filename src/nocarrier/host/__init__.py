"""What this machine's kernel knows: sockets, routes, limits, counters, and how late our event loop is.

Dials nothing. Never imports `dialing` or `tracking`.
"""
