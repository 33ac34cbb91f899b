"""What a running node shows of itself, as plain values, and the port by which views ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from nocarrier.model.taxonomy import Phase, Reason, Source


class Direction(StrEnum):
    """Who dialed a session."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class BookState(StrEnum):
    """How promising a peer of the book is."""

    HOT = "hot"
    """Connected, or succeeded within five minutes and not failing."""
    WARM = "warm"
    """Succeeded before."""
    COLD = "cold"
    """Never succeeded."""


HOT_FOR_S = 300.0
"""A peer that succeeded this short a time ago and has not failed since is most likely still there (the mission)."""


def book_state(*, connected: bool, last_success_unix: float | None, streak: int, now_unix: float) -> BookState:
    """How promising a peer is; a success from the future (a clock that was set back) is not recent."""
    if connected:
        return BookState.HOT
    if last_success_unix is None:
        return BookState.COLD
    recent = 0 <= now_unix - last_success_unix <= HOT_FOR_S
    return BookState.HOT if recent and streak == 0 else BookState.WARM


class DialOutcome(StrEnum):
    """How one dial ended."""

    CONNECTED = "connected"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedPeer:
    """One live session."""

    addr: str
    """Where the peer can be dialed, as far as is known; for an inbound peer without a listen port, its source."""
    node_id: str
    direction: Direction
    source: Source | None
    via: str | None
    connected_at_unix: float
    protocol_version: int
    user_agent: str
    latency_s: float | None
    """Round-trip time of the last ping."""
    last_received_unix: float
    p2p_port: int | None
    http_port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInfo:
    """Who this node is and how it is set."""

    node_id: str
    version: str
    network: str
    genesis: str
    protocol_version: int
    min_protocol_version: int
    p2p_port: int
    http_port: int | None
    advertised_p2p: str | None
    """host:port that peers are told, or that they told us; None: not known yet."""
    ipv4_only: bool
    lan_mode: bool
    target_peers: int
    max_peers: int
    started_at_unix: float
    offline: bool
    """Whether the evidence says that this machine has no usable network."""
    offline_because: str | None
    inbound_rejections: dict[str, int] = field(default_factory=dict)
    """How often an inbound connection did not become a session, by reason."""


@dataclass(frozen=True, slots=True)
class PeerBookCounts:
    """Addresses in the peer book by state."""

    hot: int = 0
    warm: int = 0
    cold: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPeer:
    """One address of the peer book, with its standing."""

    addr: str
    state: BookState
    connected: bool
    source: Source
    via: str | None
    node_id: str | None
    first_seen_unix: float
    last_success_unix: float | None
    last_failure_unix: float | None
    streak: int
    last_reason: Reason | None
    next_attempt_unix: float | None
    because: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DialResult:
    """What became of one dial, for the one who asked for it."""

    peer_addr: str
    outcome: DialOutcome
    reason: Reason | None
    phase: Phase | None
    detail: str | None
    duration_s: float | None
    node_id: str | None


class NodePort(Protocol):
    """What views, API and CLI may ask of a node."""

    @property
    def revision(self) -> int:
        """Changes whenever anything below may have changed; cheap to compare."""

    @property
    def ready(self) -> bool:
        """Whether the node listens and maintains its connections."""

    def info(self) -> NodeInfo:
        """Who this node is."""

    def connected_peers(self) -> list[ConnectedPeer]:
        """The live sessions, oldest first."""

    def book_counts(self) -> PeerBookCounts:
        """The peer book in numbers."""

    def book_peers(self) -> list[BookPeer]:
        """The peer book, hot first."""

    async def connect(self, addr: str) -> DialResult:
        """Dial `addr` by hand: source direct, backoff passed, not penalised. Never raises for the peer's faults."""
