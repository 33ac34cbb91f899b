"""Wiring: the one place where trackers, nodes, doctors and servers meet.

None of the parts that it wires imports it.
"""
