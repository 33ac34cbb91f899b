"""A disk that is slow to commit: transactions grow, and nothing else has to wait forever."""

from __future__ import annotations

import threading
import time

import pytest

from nocarrier.outputs.history import write_sql, writer_thread
from tests.outputs.history.kit import eventually, history_of, in_file, written
from tests.outputs.history.test_findings import finding, kept

COMMIT_S = 0.02
"""Like a hard disk, or a memory card."""


@pytest.fixture(autouse=True)
def slow_commits(monkeypatch):
    insert_events, commits = write_sql.insert_events, []

    def insert(*args):
        insert_events(*args)
        commits.append(time.monotonic())
        time.sleep(COMMIT_S)

    monkeypatch.setattr(write_sql, "insert_events", insert)
    return commits


@pytest.fixture
def busy(tracker):
    """Several events arrive during every commit, endlessly."""
    ended = threading.Event()

    def record():
        while not ended.wait(0.002):
            tracker.record("198.18.0.1:7072", "timeout", "seed")

    recording = threading.Thread(target=record)
    recording.start()
    yield
    ended.set()
    recording.join()


@pytest.mark.usefixtures("busy")
def test_an_endless_flow_of_events_delays_neither_findings_nor_the_end(path, tracker, slow_commits):
    with history_of(path, tracker) as history:
        eventually(lambda: history.status().events_total > 0)
        history.record_findings((finding(),))
        eventually(lambda: kept(history), within_s=5)
        began_s, began_with = time.monotonic(), len(slow_commits)
        eventually(lambda: len(slow_commits) > began_with + 4)
        assert time.monotonic() - began_s > 4 * writer_thread.FLUSH_EVERY_S, (
            "not more often, however many events there are"
        )
    assert not history._writer.is_behind


def test_more_events_than_fit_into_one_transaction_are_written_before_the_end(path, tracker):
    with history_of(path, tracker):
        for _ in range(30_000):
            tracker.record("198.18.0.1:7072", "timeout", "seed")
    assert len(in_file(path)) == 30_000


def test_events_recorded_within_one_step_are_one_commit(path, tracker):
    with history_of(path, tracker) as history:
        tracker.record("198.18.0.1:7072", "timeout", "seed")
        written(history, 1)
        words = []
        history._writer._connection.set_trace_callback(lambda sql: words.append(sql.split()[0]))
        tracker.record("198.18.0.1:7072", "timeout", "seed")
        written(history, 2)
        time.sleep(1)
    changes = [word for word in words if word in {"BEGIN", "COMMIT", "INSERT", "UPDATE"}]
    changes = changes[changes.index("BEGIN") :]  # the previous transaction may not have ended when tracing began
    assert changes.index("UPDATE") < changes.index("COMMIT"), "that the run was seen is part of it"
    assert changes[changes.index("COMMIT") + 1 :] in ([], ["UPDATE"]), "the end of the run"


def test_a_quiet_history_looks_for_events_less_often(path, tracker):
    with history_of(path, tracker) as history:
        tracker.record("198.18.0.1:7072", "timeout", "seed")
        written(history, 1)
        eventually(lambda: history._writer._pause_s() == writer_thread.FLUSH_EVERY_S * writer_thread.QUIET_FACTOR)
        recorded_s = time.monotonic()
        tracker.record("198.18.0.1:7072", "timeout", "seed")
        eventually(lambda: history._writer._pause_s() == writer_thread.FLUSH_EVERY_S)
        assert time.monotonic() - recorded_s < 5, "half a second, and time for a busy machine"
