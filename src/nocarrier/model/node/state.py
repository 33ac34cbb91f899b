"""What a running node shows of itself, as plain values, and the port by which views ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nocarrier.model.node.counters import DialBackCount, Refusal
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.model.wording.word import DefinedWord, Word


class Direction(DefinedWord):
    """Who dialed a session."""

    INBOUND = "inbound", "The peer dialed this node."
    OUTBOUND = "outbound", "This node dialed the peer."


class BookState(DefinedWord):
    """How promising a peer of the book is."""

    HOT = "hot", "Connected, or reached within the last five minutes with no failure since."
    WARM = "warm", "Reached before, but not hot."
    COLD = "cold", "Never reached."


HOT_FOR_S = 300.0
"""A peer that succeeded this short a time ago and has not failed since is most likely still there."""


def book_state(*, connected: bool, last_success_unix: float | None, streak: int, now_unix: float) -> BookState:
    """How promising a peer is; a success from the future (a clock that was set back) is not recent."""
    if connected:
        return BookState.HOT
    if last_success_unix is None:
        return BookState.COLD
    recent = 0 <= now_unix - last_success_unix <= HOT_FOR_S
    return BookState.HOT if recent and streak == 0 else BookState.WARM


class DialOutcome(DefinedWord):
    """How one dial ended."""

    CONNECTED = "connected", Kind.SUCCEEDED.meaning
    FAILED = "failed", Kind.FAILURE.meaning
    SKIPPED = "skipped", Kind.SKIP.meaning


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
    clock_ahead_s: float
    """How far its clock was ahead of ours when it sent its Hello."""


class Reachability(Word):
    """Whether others can dial this node."""

    PUBLIC = "public"
    PRIVATE = "private"
    UNKNOWN = "unknown"


REACHABILITY: Mapping[Reachability, str] = {
    Reachability.PUBLIC: "others can dial this node",
    Reachability.PRIVATE: "others cannot dial this node",
    Reachability.UNKNOWN: "not known yet whether others can dial this node",
}
"""What each means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityState:
    """What the peers say that we asked to dial our published address back."""

    state: Reachability = Reachability.UNKNOWN
    reached_by: int = 0
    """Peers that reached us, and met this very process."""
    not_reached_by: int = 0
    addr: str | None = None
    """Where they tried."""
    checked_unix: float | None = None
    """When the newest answer came."""


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
    refusals: dict[Refusal, int] = field(default_factory=dict)
    """What the node did not take in or did not keep, to protect itself."""
    dial_backs: dict[DialBackCount, int] = field(default_factory=dict)
    """What became of the dial-backs that peers asked for, and of those that the node asked for."""
    reachability: ReachabilityState = field(default_factory=ReachabilityState)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedState:
    """One seed as it is configured."""

    addr: str
    reason: Reason | None
    """Why policy forbids it; None: it may be dialed."""
    detail: str | None
    is_duplicate: bool
    """Whether an earlier seed is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialingState:
    """What the node wants and does to get it."""

    wanted: int
    """Further peers until the target is reached."""
    known: int
    """Addresses that policy allows, seeds among them, and that are not connected; counted up to 64."""
    due: int
    """Of these, how many no backoff keeps waiting."""
    due_since_unix: float | None
    """Since when peers have been wanted and somebody could be dialed, as far as anybody looked; None: not now."""
    last_started_unix: float | None
    """When the newest dial began."""
    deadline_s: float
    """The longest that a dial can take."""
    maintain_interval_s: float
    seeds: tuple[SeedState, ...]


class PortMistake(Word):
    """What is wrong with a published port."""

    HTTP_PORT = "http_port"
    """It is the peer's HTTP port."""
    SOURCE_PORT = "source_port"
    """The peer dials from it; nobody listens there."""
    OTHER_PORT = "other_port"
    """The same node was met on another port of that host."""
    NOT_REACHED = "not_reached"
    """The peer publishes it, and we could not reach the peer there though it is connected with us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortClaim:
    """A published address whose port is not what it should be."""

    addr: str
    """As published."""
    mistake: PortMistake
    true_addr: str | None
    """Where that node is proven to listen, if that is known."""
    node_id: str | None
    source: Source | None
    via: str | None
    corrected: bool
    """Whether the peer book has the true one in its place."""
    at_unix: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IntroductionCounts:
    """What became of the distinct addresses that somebody told us."""

    introduced: int = 0
    dialed: int = 0
    connected: int = 0
    """Led to a session at least once."""
    dead: int = 0
    """Dialed, and did not answer when dialed last, through no fault of ours."""
    repeated: int = 0
    """How often an address was told again that was known already."""
    refused: int = 0
    """Newcomers not taken in: no place, too fast, or the introducer is throttled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introducer:
    """A peer that told us addresses."""

    addr: str
    counts: IntroductionCounts
    throttled: bool
    """Whether it is believed only slowly now, as too much of what it told was dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """One step of the chain by which an address came to us."""

    addr: str
    source: Source
    via: str | None
    first_seen_unix: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """What a diagnosis wants to know of a node, at one instant."""

    info: NodeInfo
    connected: tuple[ConnectedPeer, ...]
    dialing: DialingState
    proven: dict[str, float]
    """Addresses of the book that led to a session once, with the last time (Unix seconds)."""
    lost: dict[str, float]
    """Addresses whose session ended because nobody answered any more, with the time; those of the last ten minutes."""
    port_claims: tuple[PortClaim, ...]
    introducers: tuple[Introducer, ...]
    netgroup_prefix: int
    """IPv4 bits that count as one network."""
    loop_lag_s: float
    """The longest that our event loop stood still within the last minute."""
    inbound_handshakes: int = 0
    """Inbound connections whose handshake is under way."""


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

    def state(self) -> NodeState:
        """What a diagnosis wants to know."""

    def tasks(self) -> tuple[TaskState, ...]:
        """The endless tasks of the node, whether each works."""

    def introduced_by_source(self) -> dict[Source, IntroductionCounts]:
        """What became of the addresses of each source."""

    def introduction_chain(self, addr: str) -> list[Introduction]:
        """How `addr` came to us, itself first and the root last; empty where it is not known."""

    async def connect(self, addr: str) -> DialResult:
        """Dial `addr` by hand: source direct, backoff passed, not penalised. Never raises for the peer's faults."""
