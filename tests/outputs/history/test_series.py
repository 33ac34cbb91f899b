"""Counts by time equal the counted events, whatever the query."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nocarrier import DialTracker
from nocarrier.errors import HistoryError
from nocarrier.model.history import SeriesBy, SeriesQuery
from nocarrier.model.taxonomy import Kind, Reason, Source
from nocarrier.outputs.history import read_sql
from nocarrier.web.views import series_range, series_view
from tests.outputs.history.kit import NOON_UNIX, Clock, history_of, rollups_agree, written

A = "198.18.0.1:7072"


@pytest.fixture
def busy(path, tracker, clock):
    """Three hours: a refusal every minute, a timeout by gossip every ten minutes, a success every hour."""
    clock.step_s = 0
    with history_of(path, tracker) as history:
        for minute in range(180):
            clock.now_unix = NOON_UNIX + 60 * minute + 30
            tracker.record(A, "connection_refused", "seed")
            if minute % 10 == 0:
                tracker.record(A, "timeout", "gossip")
            if minute % 60 == 0:
                tracker.record_success(A, "seed")
            tracker.snapshot()
        written(history, 180 + 18 + 3)
        yield history


def series(history, since_s=0, until_s=10_800, bucket_s=3_600, **wanted):
    return history.series(
        SeriesQuery(since_unix=NOON_UNIX + since_s, until_unix=NOON_UNIX + until_s, bucket_s=bucket_s, **wanted)
    )


def test_by_reason_only_events_with_a_reason_the_most_frequent_first(busy):
    found = series(busy)
    assert list(found.series.items()) == [("connection_refused", [60, 60, 60]), ("timeout", [6, 6, 6])]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (SeriesBy.KIND, {"failure": [66, 66, 66], "succeeded": [1, 1, 1]}),
        (SeriesBy.SOURCE, {"seed": [61, 61, 61], "gossip": [6, 6, 6]}),
        (SeriesBy.PHASE, {"connect": [66, 66, 66], "session": [1, 1, 1]}),
    ],
)
def test_by_everything_else(busy, by, expected):
    assert series(busy, by=by).series == expected


def test_filters_and_ranges(busy):
    assert series(busy, source=Source.GOSSIP).series == {"timeout": [6, 6, 6]}
    assert series(busy, kind=(Kind.SUCCEEDED,)).series == {}
    assert series(busy, reason=Reason.TIMEOUT, since_s=3_600, until_s=5_400, bucket_s=600).series == {
        "timeout": [1, 1, 1]
    }


def test_buckets_are_complete_so_the_range_grows_to_fit(busy):
    found = series(busy, since_s=90, until_s=150, bucket_s=60)
    assert (found.since_unix, found.until_unix) == (NOON_UNIX + 60, NOON_UNIX + 180)
    assert found.series == {"connection_refused": [1, 1]}


def test_the_first_second_of_a_minute_belongs_to_it(busy):
    found = series(busy, since_s=60, until_s=120.5, bucket_s=60)
    assert found.until_unix == NOON_UNIX + 180
    found = series(busy, since_s=60.2, until_s=60.9, bucket_s=60)
    assert found.series == {"connection_refused": [1]}


def test_the_same_counts_by_kind(busy):
    assert [(count.kind, count.source, count.reason, count.count) for count in series(busy).counts] == [
        ("failure", "seed", "connection_refused", 180),
        ("failure", "gossip", "timeout", 18),
        ("succeeded", "seed", None, 3),
    ]


def test_starts_of_the_program_are_marked(path, tracker, clock):
    for number, each in enumerate((tracker, DialTracker(clock=clock)), start=1):
        with history_of(path, each) as history:
            each.record(A, "timeout", "seed")
            written(history, number)
            found = series(history)
    assert len(found.starts_unix) == 2


@pytest.mark.parametrize(
    ("span_s", "bucket_s"),
    [
        (600, 60),
        (3_600, 60),
        (2 * 3_600, 300),
        (86_400, 1_800),
        (7 * 86_400, 10_800),
        (30 * 86_400, 43_200),
        (3_650 * 86_400, 5_256_000),
    ],
)
def test_the_usual_width_gives_some_sixty_buckets(path, tracker, span_s, bucket_s):
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        wanted = series_range(NOON_UNIX - span_s, None, None, NOON_UNIX)
        view = series_view(history, SeriesQuery(**wanted._asdict()))
    assert view.bucket_s == bucket_s
    assert (view.until_unix - view.since_unix) // bucket_s <= 62


def test_a_range_that_is_empty_or_too_fine_is_refused():
    with pytest.raises(ValueError, match="since_unix must be before"):
        series_range(NOON_UNIX, NOON_UNIX, None, NOON_UNIX)
    with pytest.raises(ValueError, match="larger bucket_s"):
        series_range(0, None, 60, NOON_UNIX)


def test_a_query_that_takes_too_long_is_abandoned_and_says_what_to_ask_instead(path, tracker, monkeypatch):
    monkeypatch.setattr(read_sql, "LONGEST_S", -1)
    monkeypatch.setattr(read_sql, "LOOK_AT_CLOCK_EVERY", 1)
    with history_of(path, tracker) as history, pytest.raises(HistoryError, match="since_unix"):
        for number in range(100):
            tracker.record(f"198.18.0.{number}:1", "timeout", "seed")
        written(history, 100)
        series(history)


OUTCOMES = ("timeout", "connection_refused", "slots_full", "early_disconnect")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    recorded=st.lists(
        st.tuples(st.integers(0, 7_200), st.sampled_from(OUTCOMES), st.sampled_from(list(Source))),
        min_size=1,
        max_size=60,
    ),
    bucket_s=st.sampled_from([60, 120, 900, 3_600]),
    by=st.sampled_from([SeriesBy.REASON, SeriesBy.SOURCE]),
)
def test_every_record_is_counted_as_by_hand(tmp_path_factory, recorded, bucket_s, by):
    clock = Clock(step_s=0)
    tracker = DialTracker(clock=clock)
    path = tmp_path_factory.mktemp("series") / "history.sqlite3"
    with history_of(path, tracker) as history:
        for second, reason, source in recorded:
            clock.now_unix = NOON_UNIX + second  # the clock is set back now and then
            tracker.record(A, reason, source)
            tracker.snapshot()
        written(history, len(recorded))
        found = series(history, until_s=7_201, bucket_s=bucket_s, by=by)
    by_hand = Counter(
        (source if by is SeriesBy.SOURCE else reason, (NOON_UNIX + second) // bucket_s)
        for second, reason, source in recorded
    )
    first = found.since_unix // bucket_s
    assert {
        (name, first + place): count
        for name, counts in found.series.items()
        for place, count in enumerate(counts)
        if count
    } == dict(by_hand)
    assert rollups_agree(path)
