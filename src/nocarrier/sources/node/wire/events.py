"""What a connection reports to its owner. Texts in the events may come from the peer: bounded, and hostile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire.claims import RemotePeer
from nocarrier.sources.node.wire.messages import DialBackOutcome, PeerAddress, Welcome


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeCompleted:
    """Both sides have proved who they are and accept each other. A session begins."""

    remote: RemotePeer
    version: int
    """The newest protocol version that both support."""
    welcome: Welcome
    """What the other side says about our address, and the peers it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeFailed:
    """There will be no session. Send what is left to send, then close."""

    reason: Reason
    detail: str
    """For people; empty if reason and evidence say everything."""
    evidence: Evidence
    """`stated_by` says whose verdict the reason is. `ours` and `theirs` hold what does not match:

    ====================  =========================================================
    self_dial_blocked     node_id, boot_id (hex; another one: two nodes use one key)
    version_mismatch      min, max; or wire, if the framing already differs
    genesis_mismatch      network, genesis
    clock_skew            clock_unix
    peer_id_mismatch      node_id: the expected and the proven one
    ====================  =========================================================
    """
    remote: RemotePeer | None
    """What it says about itself, once it has sent its Hello."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialedBack:
    """Both sides of a dial-back have sent their Hello, and that is all. Send what is left to send, then close."""

    remote: RemotePeer
    """What the other side says about itself; nothing is proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingReceived:
    """The other side asked whether we are there; the Pong is queued."""

    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PongReceived:
    """The other side answered a Ping, or claims to: the caller knows which nonces it sent."""

    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersRequested:
    """The other side wants a peer list; answer with `send_peer_list`, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersReceived:
    """The other side named peers, asked or not."""

    peers: tuple[PeerAddress, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialBackRequested:
    """The other side wants to know whether `port` leads to it, on the IP address from which it is connected.

    Answer with `send_dial_back_result`, or not at all.
    """

    nonce: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DialBackAnswered:
    """The other side says what became of a dial-back: the caller knows which nonces it sent."""

    nonce: int
    outcome: DialBackOutcome
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodbyeReceived:
    """The other side ended the session."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMessage:
    """A message of a type that this version does not know; it was ignored."""

    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolViolation:
    """The other side broke the protocol in the session; a Goodbye is queued and nothing more is read."""

    detail: str


WireEvent: TypeAlias = (
    HandshakeCompleted
    | HandshakeFailed
    | DialedBack
    | PingReceived
    | PongReceived
    | PeersRequested
    | PeersReceived
    | DialBackRequested
    | DialBackAnswered
    | GoodbyeReceived
    | UnknownMessage
    | ProtocolViolation
)
