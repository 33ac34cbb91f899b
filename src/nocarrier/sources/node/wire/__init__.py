"""The protocol between nodes: bytes in, events out.

No sockets, no clock, no tasks. Read `state` for which side sends what when, `messages` for what can be sent, and
`connection` for how to drive it.
"""

from nocarrier.sources.node.wire.claims import LocalPeer, Rejection, RemotePeer, Role
from nocarrier.sources.node.wire.connection import Connection
from nocarrier.sources.node.wire.handshake import AdmissionRules, Terms
from nocarrier.sources.node.wire.messages import PeerAddress, Welcome
from nocarrier.sources.node.wire.state import State

__all__ = [
    "AdmissionRules",
    "Connection",
    "LocalPeer",
    "PeerAddress",
    "Rejection",
    "RemotePeer",
    "Role",
    "State",
    "Terms",
    "Welcome",
]
