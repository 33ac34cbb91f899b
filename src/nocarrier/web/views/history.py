"""`/api/p2p/history`: what was kept over restarts, page by page, counted by time, and the findings of the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from nocarrier.errors import RangeError
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.history import (
    EventCount,
    EventQuery,
    History,
    SeriesBy,
    SeriesQuery,
    StoredEvent,
    StoredFinding,
)
from nocarrier.model.recorded_event import EventKind
from nocarrier.model.taxonomy import Phase, Reason, Source
from nocarrier.web.views.coverage import Coverage
from nocarrier.web.views.failures import LATEST_UNIX

MAX_CURSOR_LENGTH = 64

USUAL_BUCKETS = 60
"""How many buckets a chart gets where nobody asks for a width: as many as can be told apart in one."""

MAX_BUCKETS = 2_000
"""More than a screen has columns."""

MINUTE_S = 60

BUCKETS_S = (60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800)
"""Usual widths, from a minute to a week; the narrowest with at most `USUAL_BUCKETS` is taken."""

HOUR_S = 3_600.0


class EventFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events to show; what is not given does not filter."""

    kind: Annotated[tuple[EventKind, ...], Meta(description="Only events of these kinds.", min_length=1)] | None = None
    reason: Annotated[Reason, Meta(description="Only this reason.")] | None = None
    source: Annotated[Source, Meta(description="Only addresses that came from here.")] | None = None
    phase: Annotated[Phase, Meta(description="Only what ended in this phase.")] | None = None
    addr: Annotated[str, Meta(max_length=MAX_ADDRESS_LENGTH, description="Only this address.")] | None = None
    via: Annotated[str, Meta(max_length=300, description="Only addresses that this peer told us.")] | None = None
    since_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only at or after this time, in Unix seconds.")] | None
    ) = None
    until_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only before this time, in Unix seconds.")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many, the newest.")] = 100
    cursor: (
        Annotated[str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the page before this one.")]
        | None
    ) = None


class SeriesFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events to count, and how; what is not given does not filter."""

    since_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Beginning, in Unix seconds; an hour before the end.")]
        | None
    ) = None
    until_unix: Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="End, in Unix seconds; now.")] | None = None
    bucket_s: (
        Annotated[
            int,
            Meta(
                ge=MINUTE_S,
                le=LATEST_UNIX,
                multiple_of=MINUTE_S,
                description="Width of a bucket in seconds, whole minutes; such that there are some sixty.",
            ),
        ]
        | None
    ) = None
    by: Annotated[SeriesBy, Meta(description="What tells one line from another.")] = SeriesBy.REASON
    kind: Annotated[tuple[EventKind, ...], Meta(description="Only events of these kinds.", min_length=1)] | None = None
    reason: Annotated[Reason, Meta(description="Only this reason.")] | None = None
    source: Annotated[Source, Meta(description="Only addresses that came from here.")] | None = None
    phase: Annotated[Phase, Meta(description="Only what ended in this phase.")] | None = None


class FindingsFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which findings of the past to show."""

    since_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only those that stood at or after this time.")] | None
    ) = None
    until_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only those that began before this time.")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many, those that began last.")] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """A page of events that were kept."""

    events: list[StoredEvent]
    """Newest first."""
    next_cursor: str | None
    """For the next page; None: this is the last."""
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
    """When the program was started in that time: counts since start begin anew there."""
    cover: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFindingsView:
    """Findings with their beginning and end."""

    findings: list[StoredFinding]
    """Those that began last first; one without an end stands."""
    cover: Coverage


def history_view(history: History, wanted: EventFilter) -> HistoryView:
    """A page of events. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
        CursorError: the cursor is none of its own.
    """
    page = history.events(msgspec.convert(wanted, EventQuery, from_attributes=True))
    return HistoryView(events=page.events, next_cursor=page.next_cursor, cover=_cover(history))


def series_view(history: History, wanted: SeriesFilter, now_unix: float) -> SeriesView:
    """Counts by time. Reads the disk.

    Raises:
        HistoryError: the history cannot be read.
        RangeError: the time is empty, or has too many buckets; says what to change.
    """
    query = _series_query(wanted, now_unix)
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


def past_findings_view(history: History, wanted: FindingsFilter) -> PastFindingsView:
    """Findings of the past. Reads the disk; raises HistoryError."""
    findings = history.findings(wanted.since_unix, wanted.until_unix, wanted.limit)
    return PastFindingsView(findings=findings, cover=_cover(history))


def _series_query(wanted: SeriesFilter, now_unix: float) -> SeriesQuery:
    until_unix = wanted.until_unix if wanted.until_unix is not None else now_unix
    since_unix = wanted.since_unix if wanted.since_unix is not None else max(0.0, until_unix - HOUR_S)
    if since_unix >= until_unix:
        raise RangeError("since_unix must be before until_unix, which is now where it is not given.")
    span_s = until_unix - since_unix
    bucket_s = wanted.bucket_s or next((width for width in BUCKETS_S if span_s / width <= USUAL_BUCKETS), 0)
    if not bucket_s:  # longer than a year: as many weeks as it takes
        bucket_s = -(-int(span_s) // (USUAL_BUCKETS * MINUTE_S)) * MINUTE_S
    if span_s / bucket_s > MAX_BUCKETS:
        raise RangeError(f"that is more than {MAX_BUCKETS} buckets; set a larger bucket_s, or a shorter time.")
    return SeriesQuery(
        since_unix=since_unix,
        until_unix=until_unix,
        bucket_s=bucket_s,
        by=wanted.by,
        kind=wanted.kind,
        reason=wanted.reason,
        source=wanted.source,
        phase=wanted.phase,
    )


def _cover(history: History) -> Coverage:
    return Coverage(covers="all history", since_unix=history.status().since_unix)
