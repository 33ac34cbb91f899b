"""Which nodes may be peers: identities, tickets and bans.

Opens no connection.
"""
