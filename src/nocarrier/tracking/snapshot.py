"""What the tracker knows at one instant, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nocarrier.model.event import DialEvent, DialFailure
from nocarrier.model.taxonomy import Kind, Outcome, Reason, Source
from nocarrier.tracking.durations import Histogram
from nocarrier.tracking.peers import PeerRecord


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since start. `started == succeeded + failed + cancelled + in_flight` at every instant."""

    started: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    in_flight: int = 0
    skipped: int = 0
    """Dials that policy prevented; not among `started`."""
    disconnected_early: int = 0
    """Sessions that ended soon after their dial had succeeded; also among `succeeded`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that the tracker knows at one instant, consistent with itself."""

    at_unix: float
    run: str
    """The name of this run of the program; with `seq` it names the newest event."""
    seq: int
    """Sequence number of the newest event."""
    totals: Totals
    totals_by_source: Mapping[Source, Totals]
    counts: Mapping[tuple[Reason, Source], int]
    """Failures, skips, cancellations and early disconnects since start; nothing is forgotten."""
    recent: tuple[DialFailure, ...]
    """The newest entries, oldest first."""
    samples: Mapping[tuple[Reason, Source], tuple[DialFailure, ...]]
    """The last few entries of every (reason, source), oldest first."""
    successes: tuple[DialEvent, ...]
    """The last few successes of every source."""
    peers: tuple[PeerRecord, ...]
    in_flight: tuple[DialEvent, ...]
    """The beginnings of dials that have not ended, oldest first."""
    dropped: Mapping[str, int]
    """What was lost, by cause: subscriber_slow, ended_twice, recorder_error."""


class Tally(NamedTuple):
    """Only the numbers, at one instant and consistent with themselves."""

    at_unix: float
    seq: int
    """Sequence number of the newest event."""
    totals_by_source: Mapping[Source, Totals]
    counts: Mapping[tuple[Reason, Source, Kind], int]
    """Entries since start, separately for each kind."""
    durations: Mapping[Outcome, Histogram]
    """Of the dials that ended and whose duration is known."""
    phase_durations: Mapping[str, Histogram]
    oldest_begun_unix: float | None
    """When the oldest dial in flight began; None if there is none."""
    dropped: Mapping[str, int]
    """As in `Snapshot`."""
