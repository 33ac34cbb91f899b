"""The peer book: the addresses that this node knows, which peer introduced each, and what became of it.

Opens no connection.
"""
