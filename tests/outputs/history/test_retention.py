"""Old or excess events are deleted, oldest first, minute by minute; counts and events always agree."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from nocarrier import DialTracker
from nocarrier.outputs.history import database, retention, write_sql, writer_thread
from tests.outputs.history.kit import NOON_UNIX, all_events, eventually, history_of, in_file, rollups_agree, written

A = "198.18.0.1:7072"
DAY_S = 86_400


@pytest.fixture(autouse=True)
def tidy_at_once(monkeypatch):
    monkeypatch.setattr(writer_thread, "TIDY_EVERY_S", 0.0)
    monkeypatch.setattr(writer_thread, "FLUSH_EVERY_S", 0.02)
    monkeypatch.setattr(retention, "TRUST_AFTER_S", 0.0)


def record_at(tracker, clock, at_unix, times=1):
    clock.now_unix = at_unix
    for _ in range(times):
        tracker.record(A, "timeout", "seed", detail="x" * 250)
    tracker.snapshot()


def test_events_older_than_their_time_are_deleted(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker, ttl_days=2) as history:
        record_at(tracker, clock, NOON_UNIX, 10)
        written(history, 10)
        record_at(tracker, clock, NOON_UNIX + DAY_S, 20)
        written(history, 30)
        clock.now_unix = NOON_UNIX + 2 * DAY_S + 120
        eventually(lambda: history.status().events_total == 20)
        assert len(all_events(history)) == 20
        assert history.status().since_unix == NOON_UNIX + DAY_S
        eventually(lambda: len(in_file(path)) == 20)
    assert rollups_agree(path)


def test_events_being_deleted_in_parts_are_not_shown(path, tracker, clock, monkeypatch):
    monkeypatch.setattr(write_sql, "DELETE_ROWS", 3)
    clock.step_s = 0
    with history_of(path, tracker, ttl_days=1) as history:
        record_at(tracker, clock, NOON_UNIX, 10)
        written(history, 10)
        record_at(tracker, clock, NOON_UNIX + DAY_S + 120, 5)
        eventually(lambda: history.status().events_total == 5)
        while len(in_file(path)) > 5:
            assert len(all_events(history)) == 5
            assert rollups_agree(path)
        assert len(all_events(history)) == 5


def test_beyond_the_size_limit_the_oldest_minutes_are_deleted_and_the_newest_stay(path, tracker, clock):
    clock.step_s = 0
    limit = 2_000_000
    with history_of(path, tracker, max_bytes=limit) as history:
        total = 0
        for minute in range(60):
            record_at(tracker, clock, NOON_UNIX + 60 * minute, 200)
            total += 200
            eventually(lambda: history.status().waiting == 0)
        eventually(lambda: history.status().size_bytes <= limit)
        eventually(lambda: history.status().events_total < total)
        kept = all_events(history)
        assert kept[0].at_unix == NOON_UNIX + 60 * 59
        assert len(kept) % 200 == 0, "a minute goes as a whole"
        assert len(kept) > 1_000
        assert history.status().dropped_total == 0
    assert rollups_agree(path)


def test_the_minute_that_is_being_written_stays_whatever_its_size(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker, max_bytes=1_000_000) as history:
        record_at(tracker, clock, NOON_UNIX, 6_000)
        written(history, 6_000)
        eventually(lambda: history.status().size_bytes > 1_000_000)
        record_at(tracker, clock, NOON_UNIX + 60, 1)
        eventually(lambda: history.status().events_total == 1)


def test_a_file_that_became_smaller_releases_its_space(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker) as history:
        for minute in range(20):
            record_at(tracker, clock, NOON_UNIX + 60 * minute, 500)
        written(history, 10_000)
    before = path.stat().st_size
    with history_of(path, tracker, max_bytes=1_000_000) as history:
        eventually(lambda: history.status().state == "working" and history.status().size_bytes < 1_100_000)
    assert path.stat().st_size < before / 3
    assert rollups_agree(path)


def test_old_runs_and_findings_are_deleted_too(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker) as history:
        record_at(tracker, clock, NOON_UNIX)
        written(history, 1)
    clock.now_unix = NOON_UNIX + 3 * DAY_S
    next_run = DialTracker(clock=clock)
    with history_of(path, next_run, ttl_days=1) as history:
        next_run.record(A, "timeout", "seed")
        eventually(lambda: history.status().since_unix == NOON_UNIX + 3 * DAY_S)
        eventually(lambda: len(in_file(path)) == 1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM run").fetchall() == [(2,)]


def test_crashed_runs_are_deleted_too(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker) as history:
        record_at(tracker, clock, NOON_UNIX)
        written(history, 1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE run SET stopped_unix = NULL")
        connection.commit()
    clock.now_unix = NOON_UNIX + 3 * DAY_S
    next_run = DialTracker(clock=clock)
    with history_of(path, next_run, ttl_days=1) as history:
        next_run.record(A, "timeout", "seed")
        eventually(lambda: history.status().since_unix == NOON_UNIX + 3 * DAY_S)
        eventually(lambda: len(in_file(path)) == 1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM run").fetchall() == [(2,)]


def test_a_deletion_interrupted_by_a_crash_continues_and_deletes_no_more_than_it_must(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker) as history:
        record_at(tracker, clock, NOON_UNIX, 10)
        record_at(tracker, clock, NOON_UNIX + 60, 10)
        written(history, 20)
    connection = database.open_to_write(path, database.migrations(), max_bytes=10**9)
    write_sql.move_horizon(connection, NOON_UNIX + 60)  # and no row is deleted yet
    connection.close()
    with history_of(path, tracker) as history:
        eventually(lambda: len(in_file(path)) == 10)
        assert len(all_events(history)) == 10


# ---- what is decided -------------------------------------------------------------------------------------------------


def test_expired_events_are_deleted_by_whole_minutes():
    assert retention.first_young_enough(NOON_UNIX + DAY_S + 90, NOON_UNIX, DAY_S) == NOON_UNIX + 60
    assert retention.first_young_enough(NOON_UNIX + DAY_S + 59, NOON_UNIX, DAY_S) is None


@pytest.mark.parametrize(("used_bytes", "rows"), [(0, None), (850, None), (851, 50), (2_000, 50)])
def test_beyond_the_size_limit_a_share_of_the_events_is_deleted(used_bytes, rows):
    assert retention.rows_to_delete(used_bytes, 1_000, 1_000) == rows


def test_space_is_released_once_it_is_worth_it():
    assert [retention.has_space_to_give_back(free, 1_000) for free in (0, 50, 51)] == [False, False, True]
