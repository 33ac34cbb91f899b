"""Forcing to disk happens beside the writer: a slow disk loses no event, and the log stays short."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time

import pytest

from nocarrier.outputs.history import database, syncer, writer_thread
from tests.outputs.history.kit import eventually, history_of, in_file, rollups_agree, written

A = "198.18.0.1:7072"


def pages_outside(path):
    """How many pages of the log are not in the file yet, according to SQLite itself."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        _, in_log, taken_over = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return in_log - taken_over


def test_written_events_are_soon_in_the_file_itself(path, tracker, tmp_path, monkeypatch):
    monkeypatch.setattr(syncer, "SYNC_EVERY_S", 0.05)
    with history_of(path, tracker) as history:
        for _ in range(500):
            tracker.record(A, "timeout", "seed")
        written(history, 500)

        def is_in_the_file_alone():
            alone = tmp_path / "alone.sqlite3"  # as a power cut could leave it: without the log beside it
            shutil.copy(path, alone)
            try:
                return len(in_file(alone)) == 500
            except sqlite3.DatabaseError:
                return False

        eventually(is_in_the_file_alone)


def test_a_disk_that_hangs_does_not_stop_the_writer(path, tracker, monkeypatch):
    monkeypatch.setattr(syncer, "SYNC_EVERY_S", 0.05)
    hangs, goes_on = threading.Event(), threading.Event()
    open_to_sync = database.open_to_sync

    def hanging(path):
        hangs.set()
        goes_on.wait(20)
        return open_to_sync(path)

    monkeypatch.setattr(database, "open_to_sync", hanging)
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        assert hangs.wait(10)
        started_s = time.monotonic()
        for _ in range(2_000):
            tracker.record(A, "timeout", "seed")
        written(history, 2_001)
        assert time.monotonic() - started_s < 5
        assert len(in_file(path)) == 2_001
        goes_on.set()
    assert rollups_agree(path)


def test_a_log_that_is_never_idle_is_checkpointed_by_the_writer(path, tracker, monkeypatch):
    monkeypatch.setattr(syncer, "SYNC_EVERY_S", 3_600.0)
    monkeypatch.setattr(database, "LOG_BYTES", 200_000)
    with history_of(path, tracker) as history:
        for number in range(1, 21):
            for _ in range(500):
                tracker.record(A, "timeout", "seed", detail="x" * 200)
            written(history, number * 500)
        eventually(lambda: database.log_bytes(path) <= 200_000)


def test_a_failed_sync_is_logged_and_tried_again(path, tracker, monkeypatch):
    monkeypatch.setattr(syncer, "SYNC_EVERY_S", 0.02)
    open_to_sync = database.open_to_sync

    def failing(_):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(database, "open_to_sync", failing)
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        eventually(lambda: "disk I/O error" in (history.status().detail or ""))
        monkeypatch.setattr(database, "open_to_sync", open_to_sync)
        eventually(lambda: history.status().detail is None)
        eventually(lambda: pages_outside(path) == 0)


def test_a_quiet_history_does_not_use_the_disk(path, tracker, monkeypatch):
    monkeypatch.setattr(syncer, "SYNC_EVERY_S", 0.02)
    monkeypatch.setattr(writer_thread, "SEE_EVERY_S", 3_600.0)
    opened = []
    open_to_sync = database.open_to_sync
    monkeypatch.setattr(database, "open_to_sync", lambda path: opened.append(1) or open_to_sync(path))
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        eventually(lambda: opened)
        time.sleep(0.3)
        before = len(opened)
        time.sleep(0.5)
        assert len(opened) == before


@pytest.mark.parametrize("missing", [True, False], ids=["no log", "no file"])
def test_without_a_file_the_syncer_makes_none(path, missing):
    if not missing:
        path.with_name(f"{path.name}-wal").write_bytes(b"left over")
    syncer.Syncer(path).sync()
    assert not path.exists()
