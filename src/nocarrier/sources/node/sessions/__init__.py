"""Sessions with peers: the handshake, the life of one session, and the table of all sessions.

Does not know the peer book.
"""
