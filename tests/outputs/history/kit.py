"""Shared by the tests of the history: a clock that they set, and waiting for the writer's thread."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter

from nocarrier.model.history import EventQuery, HistoryState
from nocarrier.outputs.history import SqliteHistory

NOON_UNIX = 1_767_268_800.0
"""2026-01-01 12:00 UTC: the beginning of a minute."""

SOON_S = 10.0


class Clock:
    """Unix seconds; a little later at each call, so that the order in time is the order of events."""

    def __init__(self, now_unix: float = NOON_UNIX, step_s: float = 0.001) -> None:
        self.now_unix = now_unix
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_unix += self.step_s
        return self.now_unix


def eventually(holds, within_s=SOON_S):
    """Wait until `holds()` returns something true, and return that."""
    deadline = time.monotonic() + within_s
    while not (result := holds()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        time.sleep(0.01)
    return result


def written(history, total):
    """Wait until the history has `total` events."""
    eventually(lambda: history.status().state is HistoryState.WORKING and history.status().events_total >= total)
    assert history.status().events_total == total


def all_events(history, limit=100, **wanted):
    """All matching events, newest first, collected page by page."""
    found, cursor = [], None
    while True:
        page = history.events(EventQuery(limit=limit, cursor=cursor, **wanted))
        found += page.events
        cursor = page.next_cursor
        if cursor is None:
            return found


def in_file(path):
    """Every event of the file by run and sequence number, read without our code."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {(run, seq): kind for run, seq, kind in connection.execute("SELECT run, seq, kind FROM event")}


def rollups_agree(path):
    """Assert that the counts by minute and by hour match the events that are shown."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")  # one instant, whatever is being written
        events = connection.execute(
            "SELECT at_unix, kind, source, coalesce(phase, ''), coalesce(reason, '') FROM event"
            " WHERE at_unix >= (SELECT at_unix FROM horizon)"
        ).fetchall()
        for table, width_s in (("minute", 60), ("hour", 3_600)):
            counted = Counter((int(at_unix) // width_s * width_s, *rest) for at_unix, *rest in events)
            kept = {tuple(key): count for *key, count in connection.execute(f"SELECT * FROM {table}")}
            assert kept == dict(counted), table
    return True


def history_of(path, tracker, **options):
    """A history with the tracker's clock: by this machine's clock, records from noon of 2026 would be old."""
    return SqliteHistory(path, tracker, version="test", clock=tracker._clock, **options)
