"""What `nocarrier top` knows: taken from the live stream, message by message."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from nocarrier.client.event_stream import Lost, StreamMessage
from nocarrier.model.event import DialEvent
from nocarrier.model.node.state import NodeInfo
from nocarrier.model.taxonomy import Kind
from nocarrier.web.views import DebugView, DiagnosisView, FailuresView, StatusView
from nocarrier.web.views.stream import Gap

WINDOW_S = 300.0
"""How far back the bars count."""

RATE_S = 60.0
"""Dials a minute are counted over this time."""

RATE_LEAST_S = 5.0
"""A shorter time gives no useful rate."""

MAX_EVENTS = 1_000
"""Newest events kept for each filter: more than any terminal has lines."""

MAX_FAILURES = 100_000
"""Failures kept in the window, so that memory is bounded: 300 failed dials a second."""


class Filter(StrEnum):
    """Which dials are listed."""

    DIALS = "dials"
    FAILURES = "failures"
    SKIPS = "skips"
    ALL = "dials and skips"

    def shows(self, event: DialEvent) -> bool:
        """Whether `event` is listed. The start of a dial never is, as its end comes soon."""
        match self:
            case Filter.DIALS:
                return event.kind not in {Kind.STARTED, Kind.SKIP}
            case Filter.FAILURES:
                return event.kind not in {Kind.STARTED, Kind.SKIP, Kind.SUCCEEDED}
            case Filter.SKIPS:
                return event.kind == Kind.SKIP
            case Filter.ALL:
                return event.kind != Kind.STARTED


class _Failure(NamedTuple):
    at_unix: float
    reason: str
    source: str


class TopState:
    """Takes messages and sums them up. Times are by the node's clock, which may differ from this machine's."""

    def __init__(self) -> None:
        self.status: StatusView | None = None
        self.diagnosis: DiagnosisView | None = None
        self.node: NodeInfo | None = None
        """None: not asked yet, or a program without a nocarrier node."""
        self.lost: Lost | None = None
        """Why the stream broke off; None: it is running."""
        self.notice = ""
        """The last thing that happened to the stream."""
        self.events_lost = 0
        """Events lost in all gaps."""
        self._started: deque[tuple[float, int]] = deque()
        """Time and number of dials started, for the rate."""
        self._failures: deque[_Failure] = deque(maxlen=MAX_FAILURES)
        self._listed = {each: deque[DialEvent](maxlen=MAX_EVENTS) for each in Filter}
        self._known: set[int] = set()

    # ---- taking in ------------------------------------------------------------------------------------------------

    def take(self, message: StreamMessage | Lost) -> None:
        """Take in what came."""
        if isinstance(message, Lost):
            self.lost = message
            return
        if self.lost is not None:
            self.lost = None
            self.notice = "the node answers again"
        match message.view:
            case StatusView() as status:
                self._take_status(status)
            case DiagnosisView() as diagnosis:
                self.diagnosis = diagnosis
            case Gap() as gap:
                self._take_gap(gap)
            case DialEvent() as event if event.seq not in self._known:
                self._take_event(event)

    def take_past(self, past: FailuresView) -> None:
        """Start with the answer of `/api/p2p/failures`, so that the screen is not empty at first. Call it once."""
        for event in reversed(past.failures):
            self._known.add(event.seq)  # the stream may send it too
            self._take_event(event)

    def take_node(self, debug: DebugView) -> None:
        """Take the identity of the node from `/api/p2p/debug`."""
        self.node = debug.node

    def _take_status(self, status: StatusView) -> None:
        if self.status is not None and status.started_unix != self.status.started_unix:
            self.notice = "the node restarted; its counts start over"
            self._started.clear()
            self._known.clear()
        self.status = status
        self._started.append((status.at_unix, status.dial_totals.started))
        while len(self._started) > 1 and self._started[1][0] <= status.at_unix - RATE_S:
            self._started.popleft()

    def _take_gap(self, gap: Gap) -> None:
        if gap.missed is not None:
            self.events_lost += gap.missed
            self.notice = f"{gap.missed} events were missed"
        else:
            self._known.clear()
            self.notice = "the node restarted"

    def _take_event(self, event: DialEvent) -> None:
        for each, listed in self._listed.items():
            if each.shows(event):
                listed.appendleft(event)
        if event.reason is not None and event.kind != Kind.SKIP:
            self._failures.append(_Failure(event.at_unix, event.reason, event.source))

    # ---- telling --------------------------------------------------------------------------------------------------

    def listed(self, wanted: Filter) -> Iterator[DialEvent]:
        """The newest dials first."""
        return iter(self._listed[wanted])

    def failures_by_reason(self) -> list[tuple[str, int]]:
        """Counts of the last `WINDOW_S`, the highest first."""
        return Counter(failure.reason for failure in self._recent()).most_common()

    def failures_by_source(self) -> list[tuple[str, int]]:
        """Counts of the last `WINDOW_S`, the highest first."""
        return Counter(failure.source for failure in self._recent()).most_common()

    def dials_per_minute(self) -> float | None:
        """Dials started in the last minute; None: not known yet."""
        if not self._started:
            return None
        (from_unix, before), (to_unix, now) = self._started[0], self._started[-1]
        return (now - before) / (to_unix - from_unix) * 60 if to_unix - from_unix >= RATE_LEAST_S else None

    def _recent(self) -> deque[_Failure]:
        while self.status and self._failures and self._failures[0].at_unix < self.status.at_unix - WINDOW_S:
            self._failures.popleft()
        return self._failures
