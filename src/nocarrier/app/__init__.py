"""Wiring: the one place where trackers, nodes, doctors and servers meet. Nothing below imports it."""
