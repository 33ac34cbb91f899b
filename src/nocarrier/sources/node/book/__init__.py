"""The peer book: the addresses we know, who introduced them, and what became of each. Opens no connection."""
