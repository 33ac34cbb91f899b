"""Answers of a node that only a report reads; what may be missing has a default."""

from __future__ import annotations

from typing import Any

import msgspec

from nocarrier.client.answers import BookCounts, DialTotals, Event, Finding, HistoryStatus


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Since when something is counted."""

    since_unix: float | None = None


class ConnectedPeer(msgspec.Struct, frozen=True, kw_only=True):
    """One live session."""

    addr: str
    direction: str = ""
    source: str | None = None
    via: str | None = None
    protocol_version: int | None = None
    user_agent: str = ""
    latency_s: float | None = None


class Debug(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on."""

    dial_totals: DialTotals
    connected_peers: list[ConnectedPeer] = []
    peer_book_counts: BookCounts = BookCounts()
    totals_cover: Coverage = Coverage()
    node: dict[str, Any] | None = None
    history: HistoryStatus = HistoryStatus()


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """The last few entries of one (reason, source)."""

    reason: str
    source: str
    total: int
    failures: list[Event] = []


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Failures in memory, newest first."""

    failures: list[Event]
    samples: list[Samples] = []
    dropped: dict[str, int] = {}


class EventCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of one kind there were."""

    kind: str
    source: str
    count: int
    phase: str | None = None
    reason: str | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by time."""

    since_unix: float
    until_unix: float
    bucket_s: float
    series: dict[str, list[int]]
    counts: list[EventCount] = []
    starts_unix: list[float] = []


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some events of the history, newest first."""

    events: list[Event]


class PastFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its beginning and end."""

    began_unix: float
    finding: Finding
    ended_unix: float | None = None
    ended_by: str | None = None
    worst_severity: str = ""


class PastFindings(msgspec.Struct, frozen=True, kw_only=True):
    """Those that began last first."""

    findings: list[PastFinding]


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One address with its standing."""

    addr: str
    state: str
    source: str
    connected: bool | None = None
    last_success_unix: float | None = None
    streak: int = 0
    last_reason: str | None = None
    because: str | None = None


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """The peer book."""

    peers: list[Peer]


class PropagationCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of distinct addresses."""

    introduced: int = 0
    dialed: int = 0
    connected: int = 0
    dead: int = 0


class Introducer(msgspec.Struct, frozen=True, kw_only=True):
    """One peer that told addresses."""

    addr: str
    throttled: bool | None = None
    counts: PropagationCounts = PropagationCounts()


class Propagation(msgspec.Struct, frozen=True, kw_only=True):
    """How addresses spread to us."""

    by_source: dict[str, PropagationCounts] = {}
    by_introducer: list[Introducer] = []
