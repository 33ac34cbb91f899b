"""A file of the previous version opens and works: its runs get names, and everything in it is found again."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from nocarrier.model.history import EventPlace
from tests.outputs.history.kit import all_events, eventually, history_of, in_file, rollups_agree, written

OLD = Path(__file__).with_name("history-0.1.0.sql")


@pytest.fixture
def old(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    return in_file(path)


def test_its_runs_get_names_and_its_events_are_followed_in_order(path, tracker, old):
    with history_of(path, tracker) as history:
        tracker.record("198.18.0.1:7072", "timeout", "seed")
        written(history, len(old) + 1)
        page = history.read_after(None, 1_000)
        assert page.missing == []
        names = list(dict.fromkeys(event.run for event in page.events))
        assert [(names.index(event.run) + 1, event.seq) for event in page.events] == [*sorted(old), (3, 1)]
        assert all(len(bytes.fromhex(name)) == 16 for name in names)
        assert names[-1] == tracker.run
        last_of_first = max(seq for run, seq in old if run == 1)
        assert history.read_after(EventPlace(names[0], last_of_first), 1).events[0].run == names[1]
        assert {event.run for event in all_events(history)} == set(names)
        for past in history.findings(None, None, 100):
            assert past.run in names
            for item in past.finding.evidence:
                assert item.run == (past.run if item.event_ids else None)
    assert rollups_agree(path)


def test_its_names_stay(path, tracker, old):
    found = []
    for _ in range(2):
        with history_of(path, tracker) as history:
            eventually(lambda: history.status().state == "working")
            found.append([event.run for event in all_events(history)])
    assert len(found[0]) == len(old)
    assert found[0] == found[1]


def test_events_deleted_by_retention_are_not_called_lost(path, tracker, old):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (at_unix,) = connection.execute("SELECT at_unix FROM event WHERE run = 1 AND seq = 4").fetchone()
        connection.execute("UPDATE horizon SET at_unix = ?", [at_unix])
        connection.execute("DELETE FROM event WHERE at_unix < ?", [at_unix])
        connection.commit()
    with history_of(path, tracker) as history:
        eventually(lambda: history.status().state == "working")
        [missing] = history.read_after(None, 1_000).missing
        assert (missing.first, missing.last, missing.because) == (1, 3, "expired")
