"""Answers of a node as the command line reads them, which may be an older, a newer or another program.

Words of our tables are plain text here, as a newer node may have more of them; what may be missing has a default.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from nocarrier.errors import NodeUnreachableError
from nocarrier.model.finding import HealthStatus


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One statement that speaks for a finding."""

    statement: str
    count: int = 0
    addrs: list[str] = []


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One root cause that stands."""

    code: str
    severity: str
    summary: str
    title: str = ""
    blame: str = "unknown"
    confidence: float | None = None
    evidence: list[Item] = []
    affected_peers: int = 0
    affected_dials: int = 0
    next_actions: list[str] = []
    since_unix: float | None = None
    hides: list[str] = []


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of one instant, worst first."""

    healthy: bool
    findings: list[Finding]
    at_unix: float | None = None
    status: str | None = None
    """None: an older node, which knows `healthy` only."""
    status_detail: str | None = None

    @property
    def health(self) -> HealthStatus:
        """What it comes to; a word of a newer node that is not known here leaves it open."""
        if self.status is None:
            return HealthStatus.HEALTHY if self.healthy else HealthStatus.UNHEALTHY
        try:
            return HealthStatus(self.status)
        except ValueError:
            return HealthStatus.UNDETERMINED


class DialTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Dials since the program started."""

    started: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    in_flight: int = 0
    skipped: int = 0
    disconnected_early: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a dial, of the live stream, the history or the failures in memory."""

    addr: str
    source: str
    at_unix: float
    kind: str
    seq: int = 0
    via: str | None = None
    reason: str | None = None
    phase: str | None = None
    blame: str | None = None
    detail: str | None = None
    duration_s: float | None = None
    node_id: str | None = None
    evidence: dict[str, Any] = {}
    repeats: int = 1


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """The newest failures in memory, newest first."""

    failures: list[Event]


class BookCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses in the peer book by state."""

    hot: int = 0
    warm: int = 0
    cold: int = 0
    total: int = 0


class HistoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the history does."""

    state: str = "off"
    detail: str | None = None
    since_unix: float | None = None
    events_total: int = 0
    size_bytes: int = 0
    waiting: int = 0
    dropped_total: int = 0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the program does at one instant."""

    at_unix: float
    started_unix: float
    dial_totals: DialTotals
    connected: int = 0
    target_peers: int | None = None
    """None: a program that embeds the tracker without a node of ours."""
    peer_book_counts: BookCounts = BookCounts()
    reachability: str = "unknown"
    offline: bool = False
    ready: bool = True
    dropped: dict[str, int] = {}
    history: HistoryStatus = HistoryStatus()


class LookedAt(msgspec.Struct, frozen=True, kw_only=True):
    """Of `/api/p2p/debug`, what a diagnosis rests on."""

    connected_peers: list[Any] = []
    dial_totals: DialTotals = DialTotals()
    reachability: str = "unknown"
    node: dict[str, Any] | None = None
    """None: a program that embeds the tracker without a node of ours."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a probe says."""

    text: str
    suggests: str | None = None


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for a SYN that may pass `ttl` - 1 routers."""

    ttl: int
    answer: str
    addr: str | None = None
    rtt_s: float | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The way to one address."""

    hops: list[Hop] = []


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one peer."""

    addr: str
    trace: Trace | None = None


class ProbeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe saw."""

    targets: list[Target] = []


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What probing one finding gave."""

    statements: list[Statement]
    age_s: float = 0.0
    duration_s: float = 0.0
    facts: ProbeFacts = ProbeFacts()


_Answer = TypeVar("_Answer", bound=msgspec.Struct)


def read_as(wanted: type[_Answer], answer: object) -> _Answer:
    """`answer`, decoded JSON, as `wanted`.

    Raises:
        NodeUnreachableError: whoever answers is no node that this program understands.
    """
    try:
        return msgspec.convert(answer, wanted)
    except msgspec.ValidationError as error:
        raise NodeUnreachableError(
            f"the answer is not that of a node ({error}); set --url to a node's HTTP address, or update the older of "
            "the two: nocarrier version"
        ) from error
