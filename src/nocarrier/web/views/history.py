"""`/api/p2p/history`: stored events, page by page and counted over time, and past findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nocarrier.model.history import (
    EventCount,
    EventPlace,
    EventQuery,
    History,
    MissingEvents,
    SeriesBy,
    SeriesQuery,
    StoredEvent,
)
from nocarrier.web.views.coverage import Coverage
from nocarrier.web.views.findings import PastFindingView, Reader, past_finding_view


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """A page of stored events."""

    events: list[StoredEvent]
    """Newest first, or with `order=asc` in the order in which they were written."""
    next_cursor: str | None
    """`cursor` for the next, older page; None: this is the last page, or the order is `asc`."""
    next_after: str | None
    """With `order=asc`, the `after` for the next request, even if there are no new events. None: there are no events
    yet, or the order is `desc`."""
    missing: list[MissingEvents]
    """With `order=asc`, the events before or between `events` that the history does not have."""
    cover: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """Counts over time, and totals for the whole time."""

    since_unix: int
    """When the first bucket begins. Buckets begin at multiples of their width, so perhaps earlier than requested."""
    until_unix: int
    """When the last bucket ends."""
    bucket_s: int
    by: SeriesBy
    series: Mapping[str, list[int]]
    """For each name, a count for each bucket. The most frequent name comes first; names without events are left out."""
    counts: list[EventCount]
    """Totals for the whole time, the most frequent first."""
    starts_unix: list[float]
    """When the program started within that time. Counts since the start begin again at zero there."""
    cover: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFindingsView:
    """Findings with when they began and ended."""

    findings: list[PastFindingView]
    """The latest to begin first; a finding without an end is active."""
    cover: Coverage


def history_view(history: History, query: EventQuery) -> HistoryView:
    """Return a page of events. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
        CursorError: the cursor did not come from this history.
    """
    page = history.events(query)
    return HistoryView(
        events=page.events, next_cursor=page.next_cursor, next_after=None, missing=[], cover=_cover(history)
    )


def history_after_view(history: History, place: EventPlace | None, limit: int) -> HistoryView:
    """Return the events written after `place`; None: from the oldest on. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
        UnknownRunError: the history does not have the run of `place`.
    """
    found = history.read_after(place, limit)
    return HistoryView(
        events=found.events,
        next_cursor=None,
        next_after=str(found.next_after) if found.next_after is not None else None,
        missing=found.missing,
        cover=_cover(history),
    )


def series_view(history: History, query: SeriesQuery) -> SeriesView:
    """Return counts over time. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
    """
    series = history.series(query)
    return SeriesView(
        since_unix=series.since_unix,
        until_unix=series.until_unix,
        bucket_s=query.bucket_s,
        by=query.by,
        series=series.series,
        counts=series.counts,
        starts_unix=series.starts_unix,
        cover=_cover(history),
    )


def past_findings_view(
    history: History, since_unix: float | None, until_unix: float | None, limit: int, reader: Reader
) -> PastFindingsView:
    """Return at most `limit` findings that were active between the two times, the latest to begin first.

    Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
    """
    findings = [past_finding_view(stored, reader) for stored in history.findings(since_unix, until_unix, limit)]
    return PastFindingsView(findings=findings, cover=_cover(history))


def _cover(history: History) -> Coverage:
    return Coverage(covers="all history", since_unix=history.status().since_unix)
