"""What is kept over restarts, and the port by which views ask for it.

An event of the history is the same thing as an event of the live stream; it has besides its place in the history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

from nocarrier.errors import PlaceError
from nocarrier.model.event import DialEvent
from nocarrier.model.finding import Finding, Severity
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.model.wording.word import DefinedWord, Word


@dataclass(slots=True, kw_only=True)
class StoredEvent(DialEvent):
    """An event of the history."""

    id: int
    """Its place in this history, over all runs of the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events to show; what is None does not filter."""

    kind: tuple[Kind, ...] | None = None
    """Any of these."""
    reason: Reason | None = None
    source: Source | None = None
    phase: Phase | None = None
    addr: str | None = None
    via: str | None = None
    since_unix: float | None = None
    """At or after this time."""
    until_unix: float | None = None
    """Before this time."""
    limit: int = 100
    cursor: str | None = None
    """From an earlier page: go on behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some events, newest first."""

    events: list[StoredEvent]
    next_cursor: str | None
    """For the next page; None: this is the last."""


_PLACE = re.compile(r"([0-9a-f]{32}):([0-9]{1,16})")


class EventPlace(NamedTuple):
    """The name of an event, as a place in the history: somebody has read up to there."""

    run: str
    """32 lower-case hex digits."""
    seq: int
    """0: nothing of that run yet."""

    def __str__(self) -> str:
        return f"{self.run}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that `text`, ``RUN:SEQ``, names; raises PlaceError."""
        match = _PLACE.fullmatch(text)
        if match is None:
            raise PlaceError(
                "a place in the history is RUN:SEQ, such as next_after: 32 lower-case hex digits, and a number."
            )
        return cls(match[1], int(match[2]))


class MissingBecause(DefinedWord):
    """Why the history does not have an event."""

    EXPIRED = "expired", "The event was deleted because it was too old, or to keep the history below its allowed size."
    LOST = "lost", "The event never reached the disk: the program was killed, or the disk or the history was not ready."


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEvents:
    """Events of one run that the history does not have."""

    run: str
    first: int
    """Sequence number of the first."""
    last: int
    because: MissingBecause


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsAfter:
    """Events in the order in which they were written."""

    events: list[StoredEvent]
    next_after: EventPlace | None
    """Where to go on; None: there is no event yet."""
    missing: list[MissingEvents]
    """What is left out before and between `events`."""


class SeriesBy(Word):
    """What tells one line of a chart from another."""

    KIND = "kind"
    REASON = "reason"
    SOURCE = "source"
    PHASE = "phase"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """Which events to count; what is None does not filter."""

    since_unix: float
    until_unix: float
    bucket_s: int
    """A multiple of 60: the history counts by minute."""
    by: SeriesBy = SeriesBy.REASON
    kind: tuple[Kind, ...] | None = None
    """Any of these."""
    reason: Reason | None = None
    source: Source | None = None
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many events of one kind there were in the whole time."""

    kind: Kind
    source: Source
    phase: Phase | None
    reason: Reason | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Counts by time, and the same counts by what they are."""

    since_unix: int
    """Where the first bucket begins: on a whole bucket, so perhaps earlier than asked."""
    until_unix: int
    """Where the last bucket ends."""
    bucket_s: int
    by: SeriesBy
    series: Mapping[str, list[int]]
    """By name, one count for each bucket; names that never occur are left out, the most frequent comes first."""
    counts: list[EventCount]
    """Of the whole time, the most frequent first."""
    starts_unix: list[float]
    """When the program was started in that time: the counts of the live view start again at zero there."""


class EndedBy(Word):
    """Why a finding is no longer active."""

    CLEARED = "cleared"
    STOPPED = "stopped"
    CRASHED = "crashed"
    """`ended_unix` is when it was last seen to stand."""


ENDED_BY: Mapping[EndedBy, str] = {
    EndedBy.CLEARED: "its evidence was gone",
    EndedBy.STOPPED: "the program was stopped",
    EndedBy.CRASHED: "the program crashed",
}
"""What each means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A finding with its beginning and end."""

    id: int
    run: str
    """In which run of the program it began: 32 lower-case hex digits."""
    began_unix: float
    ended_unix: float | None
    """None: it stands."""
    ended_by: EndedBy | None
    worst_severity: Severity
    finding: Finding
    """As it was when it last changed."""


class HistoryState(DefinedWord):
    """Whether events are kept."""

    OFF = "off", "No events are kept: the history is switched off, or the program has none."
    STARTING = "starting", "The history is being opened."
    WORKING = "working", "Events are kept."
    FAILING = (
        "failing",
        "Events cannot be written: they wait in memory, and once that is full they are lost and counted.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStatus:
    """How the history does."""

    state: HistoryState
    detail: str | None = None
    """What is wrong, and what to change."""
    since_unix: float | None = None
    """The oldest event that is kept."""
    events_total: int = 0
    """Events that are kept, over all starts of the program."""
    size_bytes: int = 0
    waiting: int = 0
    """Events that are not on disk yet."""
    dropped_total: int = 0
    """Events of this start that never came to disk."""


class History(Protocol):
    """What views and API may ask of a history. Answers come from disk: ask in a thread."""

    def status(self) -> HistoryStatus:
        """How the history does; at once, from any thread."""

    def events(self, query: EventQuery) -> EventPage:
        """A page of events.

        Raises:
            HistoryError: the history cannot be read; says why.
            CursorError: the cursor is not one that we issued.
        """

    def read_after(self, place: EventPlace | None, limit: int) -> EventsAfter:
        """The `limit` events that were written next after `place`, over all runs; None: from the oldest on.

        Raises:
            HistoryError: the history cannot be read; says why.
            UnknownRunError: it does not have the run of `place`, or has it no more.
        """

    def read_range(self, run: str, first: int, last: int) -> list[StoredEvent]:
        """The events `first` to `last` of a run, both included, so far as they are kept; each takes some 1 kB.

        Raises:
            HistoryError: the history cannot be read; says why.
            UnknownRunError: it does not have the run, or has it no more.
        """

    def series(self, query: SeriesQuery) -> Series:
        """Counts by time; raises HistoryError."""

    def findings(self, since_unix: float | None, until_unix: float | None, limit: int) -> list[StoredFinding]:
        """Findings that stood at any time between the two, those that began last first; raises HistoryError."""

    def tasks(self) -> tuple[TaskState, ...]:
        """Its endless tasks, whether each works; from any thread."""

    def record_findings(self, findings: tuple[Finding, ...]) -> None:
        """Take note of what stands now. Never raises or blocks."""
