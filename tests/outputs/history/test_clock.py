"""A clock that is wrong for a while, as on machines that boot with one: no event is deleted for it, and none hidden."""

from __future__ import annotations

import pytest

from nocarrier.outputs.history import retention, writer_thread
from tests.outputs.history.kit import NOON_UNIX, all_events, eventually, history_of, in_file, rollups_agree, written

A = "198.18.0.1:7072"
DAY_S = 86_400
YEAR_S = 365 * DAY_S


@pytest.fixture(autouse=True)
def tidy_at_once(monkeypatch, clock):
    monkeypatch.setattr(writer_thread, "TIDY_EVERY_S", 0.0)
    clock.step_s = 0


def record(tracker, times=1):
    for _ in range(times):
        tracker.record(A, "timeout", "seed")
    tracker.snapshot()


def looked_some_times(history):
    """Wait until the writer has made some more steps."""
    history._writer._tidy_at_s = -1.0
    eventually(lambda: history._writer._tidy_at_s >= 0)
    history._writer._tidy_at_s = -1.0
    eventually(lambda: history._writer._tidy_at_s >= 0)


def test_a_machine_that_boots_years_ahead_deletes_nothing_and_keeps_its_events(path, tracker, clock):
    with history_of(path, tracker) as history:
        record(tracker, 10)
        written(history, 10)
    clock.now_unix = NOON_UNIX + 10 * YEAR_S
    with history_of(path, tracker) as history:
        record(tracker, 5)
        written(history, 15)
        looked_some_times(history)
        assert len(all_events(history)) == 15
        clock.now_unix = NOON_UNIX + 600  # set right
        record(tracker, 3)
        written(history, 18)
        looked_some_times(history)
        assert len(all_events(history)) == 18
    assert rollups_agree(path)


def test_a_clock_that_is_set_ahead_while_it_runs_deletes_nothing(path, tracker, clock, monkeypatch):
    with history_of(path, tracker) as history:
        record(tracker, 10)
        written(history, 10)
        monkeypatch.setattr(history._writer._even_clock, "_even_since_s", -retention.TRUST_AFTER_S)
        clock.now_unix += YEAR_S
        looked_some_times(history)
        assert history.status().events_total == 10


def test_a_clock_that_was_ahead_for_long_hides_no_later_events(path, tracker, clock, monkeypatch):
    monkeypatch.setattr(retention, "TRUST_AFTER_S", 0.0)
    with history_of(path, tracker) as history:
        record(tracker, 10)
        written(history, 10)
        clock.now_unix = NOON_UNIX + YEAR_S
        record(tracker, 5)
        eventually(lambda: history.status().events_total == 5)
        clock.now_unix = NOON_UNIX + 600
        record(tracker, 3)
        written(history, 8)
        assert len(all_events(history)) == 8
        assert history.status().since_unix == NOON_UNIX + 600
        eventually(lambda: len(in_file(path)) == 8)
    assert rollups_agree(path)
    with history_of(path, tracker) as history:
        written(history, 8)
        assert len(all_events(history)) == 8


def test_events_from_before_the_clock_was_set_expire_too(path, tracker, clock, monkeypatch):
    monkeypatch.setattr(retention, "TRUST_AFTER_S", 0.0)
    with history_of(path, tracker) as history:
        record(tracker, 2)
        written(history, 2)
        clock.now_unix = 1_000.0  # a clock that stops without power
        record(tracker, 3)
        eventually(lambda: tracker.snapshot() and history.status().waiting == 0)
        clock.now_unix = NOON_UNIX + 60
        eventually(lambda: history.status().events_total == 2)
        eventually(lambda: len(in_file(path)) == 2)
    assert rollups_agree(path)


def test_a_clock_is_trusted_an_hour_after_it_was_last_set():
    clock = retention.EvenClock(NOON_UNIX, 0.0)
    assert not clock.is_trusted(NOON_UNIX + 3_599, 3_599.0)
    assert clock.is_trusted(NOON_UNIX + 3_601, 3_600.0)
    assert not clock.is_trusted(NOON_UNIX + 3_601 + 120, 3_601.0), "set ahead"
    assert not clock.is_trusted(NOON_UNIX + 3_601, 3_602.0), "set back"
    assert not clock.is_trusted(NOON_UNIX + 7_000, 7_001.0)
    assert clock.is_trusted(NOON_UNIX + 7_201, 7_202.0)
