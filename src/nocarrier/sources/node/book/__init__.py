"""The peer book: the addresses that this node knows, who introduced them, and what became of each.

Opens no connection.
"""
