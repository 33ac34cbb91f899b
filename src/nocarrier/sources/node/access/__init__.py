"""Who may be a peer: identities, tickets and bans.

Opens no connection.
"""
