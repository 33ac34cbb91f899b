"""The newest entries, first in, first out; repeated skips are merged."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Kind, Reason
from nocarrier.tracking import DialTracker
from nocarrier.tracking.ring import REPEAT_WINDOW_S


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(clock):
    return DialTracker(capacity=10, clock=clock)


def addrs(tracker):
    return [entry.addr for entry in tracker.recent()]


def test_the_oldest_goes_first(tracker):
    for number in range(25):
        tracker.record(f"peer{number}:1", "timeout", "seed")
    assert addrs(tracker) == [f"peer{number}:1" for number in range(15, 25)]


def test_successes_and_beginnings_do_not_push_out_failures(tracker):
    tracker.record("failed.test:1", "timeout", "seed")
    for _ in range(5000):
        tracker.record_success("fine.test:1", "seed")
        tracker.succeed(tracker.begin("fine.test:1", "seed"))
    assert addrs(tracker) == ["failed.test:1"]


def test_a_failure_between_many_successes_of_one_batch_stays(tracker):
    for number in range(600):
        tracker.record_success("fine.test:1", "seed")
        if number % 100 == 0:
            tracker.record(f"failed{number}.test:1", "timeout", "seed")
    assert addrs(tracker) == [f"failed{number}.test:1" for number in range(0, 600, 100)]


def test_a_repeated_skip_updates_its_entry_and_pushes_out_no_failure(tracker, clock):
    tracker.record("failed.test:1", "timeout", "seed")
    for _ in range(1000):
        clock.now += 30
        tracker.record("busy.test:1", "already_connected", "seed")
    failure, skip = tracker.recent()
    assert failure.addr == "failed.test:1"
    assert (skip.addr, skip.repeats, skip.timestamp_unix) == ("busy.test:1", 1000, int(clock.now))
    assert tracker.counts()[Reason.ALREADY_CONNECTED, "seed"] == 1000


def test_an_updated_skip_becomes_the_newest_entry(tracker):
    tracker.record("a.test:1", "already_connected", "seed")
    tracker.record("b.test:1", "timeout", "seed")
    tracker.record("a.test:1", "already_connected", "seed")
    assert addrs(tracker) == ["b.test:1", "a.test:1"]
    seqs = [entry.seq for entry in tracker.recent()]
    assert seqs == sorted(seqs)


@pytest.mark.parametrize(
    ("apart_s", "entries"), [(0.0, 1), (REPEAT_WINDOW_S, 1), (REPEAT_WINDOW_S + 0.1, 2), (-1.0, 2)]
)
def test_only_a_skip_soon_after_an_identical_one_is_a_repetition(tracker, clock, apart_s, entries):
    tracker.record("a.test:1", "slots_full", "seed")
    clock.now += apart_s
    tracker.record("a.test:1", "slots_full", "seed")
    assert [entry.repeats for entry in tracker.recent()] == {1: [2], 2: [1, 1]}[entries]


@pytest.mark.parametrize(
    "other",
    [("b.test:1", "slots_full", "seed"), ("a.test:1", "backoff_active", "seed"), ("a.test:1", "slots_full", "dht")],
)
def test_different_skips_stay_separate(tracker, other):
    tracker.record("a.test:1", "slots_full", "seed")
    tracker.record(*other)
    assert [entry.repeats for entry in tracker.recent()] == [1, 1]


def test_a_repeated_failure_is_never_merged(tracker):
    for _ in range(3):
        tracker.record("a.test:1", "timeout", "seed")
    assert [(entry.kind, entry.repeats) for entry in tracker.recent()] == [(Kind.FAILURE, 1)] * 3


def test_a_skip_whose_entry_was_pushed_out_gets_a_new_one(tracker):
    tracker.record("a.test:1", "slots_full", "seed")
    for _ in range(10):
        tracker.record("b.test:1", "timeout", "seed")
    tracker.record("a.test:1", "slots_full", "seed")
    assert tracker.recent()[-1].repeats == 1
    assert len(tracker.recent()) == 10


def test_an_expired_entry_is_no_longer_shown_and_leaves_nothing_behind(clock):
    tracker = DialTracker(clock=clock, ttl_s=60)
    tracker.record("old.test:1", "timeout", "seed")
    tracker.record("old.test:1", "slots_full", "seed")
    clock.now += 61
    tracker.record("new.test:1", "slots_full", "seed")
    assert addrs(tracker) == ["new.test:1"]
    tracker.record("old.test:1", "slots_full", "seed")
    assert [entry.repeats for entry in tracker.recent()] == [1, 1]
    assert tracker.counts()[Reason.TIMEOUT, "seed"] == 1, "counts never forget"
