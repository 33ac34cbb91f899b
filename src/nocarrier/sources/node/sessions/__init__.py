"""Sessions with peers: the handshake, the life of one session, and the table of all.

Knows no peer book.
"""
