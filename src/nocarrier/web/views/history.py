"""`/api/p2p/history`: what was kept over restarts, page by page, counted by time, and the findings of the past."""

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
    """A page of events that were kept."""

    events: list[StoredEvent]
    """Newest first, or with `order=asc` as they were written."""
    next_cursor: str | None
    """For the next page of the newest; None: this is the last, or the order is `asc`."""
    next_after: str | None
    """With `order=asc`, where to go on: `after` of the next request, also where nothing is new. None: there is no event
    yet, or the order is `desc`."""
    missing: list[MissingEvents]
    """With `order=asc`, what is left out before and between `events`, as the history does not have it."""
    cover: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """Counts by time, and the same counts by what they are."""

    since_unix: int
    """Where the first bucket begins: on a whole bucket, so perhaps earlier than asked."""
    until_unix: int
    """Where the last bucket ends."""
    bucket_s: int
    by: SeriesBy
    series: Mapping[str, list[int]]
    """By name, a count for each bucket; the most frequent name first, those that never occur are left out."""
    counts: list[EventCount]
    """Of the whole time, the most frequent first."""
    starts_unix: list[float]
    """When the program was started in that time: counts since the start begin at zero again there."""
    cover: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFindingsView:
    """Findings with their beginning and end."""

    findings: list[PastFindingView]
    """Those that began last first; one without an end is active."""
    cover: Coverage


def history_view(history: History, query: EventQuery) -> HistoryView:
    """A page of events. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
        CursorError: the cursor is none of its own.
    """
    page = history.events(query)
    return HistoryView(
        events=page.events, next_cursor=page.next_cursor, next_after=None, missing=[], cover=_cover(history)
    )


def history_after_view(history: History, place: EventPlace | None, limit: int) -> HistoryView:
    """What was written after `place`. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
        UnknownRunError: it does not have the run of `place`.
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
    """Counts by time. Reads the disk.

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
    """At most `limit` findings that were active between the two times, those that began last first. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
    """
    findings = [past_finding_view(stored, reader) for stored in history.findings(since_unix, until_unix, limit)]
    return PastFindingsView(findings=findings, cover=_cover(history))


def _cover(history: History) -> Coverage:
    return Coverage(covers="all history", since_unix=history.status().since_unix)
