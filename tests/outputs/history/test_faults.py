"""Whatever happens to the file or its disk, the program continues and reports it, and what was written stays
written."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from nocarrier.errors import HistoryError
from nocarrier.model.history import EventQuery, HistoryState
from nocarrier.outputs.history import database, write_sql, writer_thread
from nocarrier.outputs.history.database import Migration, migrations
from testbed.netns import PYTHON_PATH
from testbed.programs import NOT_PROVEN
from tests.outputs.history.kit import all_events, eventually, history_of, in_file, rollups_agree, written

A = "198.18.0.1:7072"


@pytest.fixture(autouse=True)
def try_again_soon(monkeypatch):
    monkeypatch.setattr(writer_thread, "RETRY_EVERY_S", 0.05)


def failing(history, text):
    eventually(lambda: history.status().state is HistoryState.FAILING and text in (history.status().detail or ""))


def fill(path, tracker, number=300):
    with history_of(path, tracker) as history:
        for _ in range(number):
            tracker.record(A, "timeout", "seed")
        written(history, number)


def test_a_file_that_is_not_a_database_is_moved_aside_and_a_new_one_is_made(path, tracker, caplog):
    path.write_bytes(b"a letter to somebody\n" * 500)
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        status = history.status()
    assert "damaged" in status.detail
    [aside] = path.parent.glob("history.sqlite3.corrupt-*")
    assert aside.read_bytes().startswith(b"a letter")
    assert str(aside) in status.detail
    assert "damaged" in caplog.text
    assert len(in_file(path)) == 1


def test_a_file_moved_aside_is_not_lost_when_that_happens_again_at_once(path, monkeypatch):
    monkeypatch.setattr(database.time, "time", lambda: 1_000.0)
    for text in ("the first", "the second"):
        path.write_text(text)
        database.set_aside(path)
    assert {file.read_text() for file in path.parent.glob("*.corrupt-*")} == {"the first", "the second"}


def test_damage_at_run_time_loses_no_later_events(path, tracker):
    fill(path, tracker)
    with history_of(path, tracker) as history:
        written(history, 300)
        size = path.stat().st_size
        with path.open("r+b") as file:  # every page but the first
            file.seek(4096)
            file.write(os.urandom(size - 4096))
        Path(f"{path}-wal").unlink(missing_ok=True)

        def damage_is_found():
            tracker.record(A, "connection_refused", "seed")
            return "damaged" in (history.status().detail or "")

        eventually(damage_is_found)
        eventually(lambda: history.status().state is HistoryState.WORKING and history.status().waiting == 0)
        found = all_events(history, reason="connection_refused")
        assert len(found) == found[0].seq - found[-1].seq + 1, "none is missing between the first and the last"
    assert len(list(path.parent.glob("*.corrupt-*"))) >= 1
    assert rollups_agree(path)


def test_a_file_of_a_newer_nocarrier_is_left_alone(path, tracker):
    fill(path, tracker)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        failing(history, "newer nocarrier")
        assert history.status().waiting == 1, "kept in memory"
    assert path.read_bytes() == before
    assert tracker.totals().failed == 301
    assert history.status().dropped_total == 1, "events that could not be written at the end are counted"


def test_a_file_of_an_older_nocarrier_is_converted(path, tracker):
    with tracker.subscribe(polled=True) as events:
        tracker.record(A, "timeout", "seed")
        older = database.open_to_write(path, migrations()[:1], max_bytes=10**9)
        write_sql.insert_events(older, [events.drain()], run=1)
        older.close()
    assert version(path) == 1
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 2)
        assert history.findings(None, None, 10) == []
    assert version(path) == migrations()[-1].number


def test_a_step_of_the_schema_that_fails_leaves_the_file_as_it_was(path, tracker):
    fill(path, tracker)
    broken = Migration(99, "CREATE TABLE half (made TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);")
    with history_of(path, tracker, steps=(*migrations(), broken)) as history:
        failing(history, "nowhere")
    assert version(path) == migrations()[-1].number
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)
    connection.close()


def test_the_numbers_of_the_steps_are_gapless():
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


def version(path):
    with sqlite3.connect(path) as connection:
        (number,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return number


def test_a_file_that_is_removed_while_in_use_is_made_again(path, tracker):
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        for ending in ("", *database.COMPANIONS):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        eventually(lambda: "removed" in (history.status().detail or ""))
        tracker.record(A, "connection_refused", "seed")
        eventually(lambda: history.status().events_total == 1)
        assert [event.reason for event in all_events(history)] == ["connection_refused"]


def test_another_program_that_holds_the_file_costs_time_and_no_event(path, tracker, monkeypatch):
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        tracker.record(A, "timeout", "seed")
        failing(history, "locked")
        assert len(all_events(history)) == 1, "reading goes on"
        holder.execute("ROLLBACK")
        holder.close()
        written(history, 2)


def test_an_impossible_folder_is_logged_and_events_wait(tmp_path, tracker):
    (tmp_path / "file").write_text("")
    with history_of(tmp_path / "file" / "history.sqlite3", tracker) as history:
        tracker.record(A, "timeout", "seed")
        failing(history, "folder")
        with pytest.raises(HistoryError, match="cannot be read"):
            history.events(EventQuery())
        (tmp_path / "file").unlink()
        written(history, 1)


def test_waiting_events_are_bounded_and_lost_ones_are_counted(tmp_path, tracker, monkeypatch):
    monkeypatch.setattr(writer_thread, "QUEUE_EVENTS", 50)
    (tmp_path / "file").write_text("")
    with history_of(tmp_path / "file" / "history.sqlite3", tracker) as history:
        failing(history, "folder")
        for _ in range(500):
            tracker.record(A, "timeout", "seed")
        eventually(
            lambda: history.status().waiting + history.status().dropped_total == 500 or tracker.snapshot() is None
        )
        assert history.status().waiting <= 50 + 128
        (tmp_path / "file").unlink()
        eventually(lambda: history.status().waiting == 0)
        status = history.status()
        kept = all_events(history)
    assert len(kept) + status.dropped_total == 500
    assert [event.seq for event in kept[:50]] == list(range(500, 450, -1)), "the newest are those that stay"


def test_an_event_that_cannot_be_written_does_not_stop_the_others(path, tracker, monkeypatch):
    to_row = write_sql.to_row

    def stumbling(event, place, run):
        if event.addr == "broken":
            raise ValueError("our own fault")
        return to_row(event, place, run)

    monkeypatch.setattr(write_sql, "to_row", stumbling)
    with history_of(path, tracker) as history:
        for _ in range(100):
            tracker.record(A, "timeout", "seed")
        tracker.record("broken", "timeout", "seed")
        tracker.record(A, "timeout", "seed")
        written(history, 101)
        assert history.status().dropped_total == 1


def test_only_the_owner_can_read_the_file(path, tracker):
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes


# ---- a real disk that is small, full, and read-only ------------------------------------------------------------------

ON_A_SMALL_DISK = """
import json, subprocess, sys
from pathlib import Path
from nocarrier import DialTracker
from nocarrier.outputs.history import writer_thread as writer
from tests.outputs.history.kit import all_events, eventually, history_of, in_file, rollups_agree, written

writer.RETRY_EVERY_S = 0.05
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", disk], check=True)
path = disk / "data" / "history.sqlite3"
tracker = DialTracker()
told = {}

def record(number):
    for _ in range(number):
        tracker.record("198.18.0.1:7072", "timeout", "seed", detail="x" * 250)

with history_of(path, tracker, max_bytes=10**9) as history:
    record(500)
    written(history, 500)
    (disk / "ballast").write_bytes(b"x" * 10_000)
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
    record(2_000)
    eventually(lambda: history.status().state == "failing")
    told["full"] = history.status().detail
    told["acknowledged"] = len(all_events(history))
    told["waiting"] = history.status().waiting
    (disk / "filler").unlink()
    written(history, 2_500)
    told["after"] = len(all_events(history))

    subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True)
told["agree"] = rollups_agree(path)
told["in_file"] = len(in_file(path))
subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
with history_of(path, tracker) as history:
    record(10)
    eventually(lambda: history.status().state == "failing")
    told["read_only"] = history.status().detail
    told["readable"] = len(all_events(history))
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    written(history, 2_510)
    told["at_last"] = len(all_events(history))
print(json.dumps(told))
"""


@pytest.mark.netns
def test_a_full_and_a_read_only_disk_lose_nothing(tmp_path):
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", ON_A_SMALL_DISK, tmp_path],
        env={**os.environ, "PYTHONPATH": PYTHON_PATH},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr or NOT_PROVEN
    told = json.loads(done.stdout)
    assert "is full: free some space" in told["full"]
    assert 500 <= told["acknowledged"] < 2_500
    assert told["acknowledged"] + told["waiting"] == 2_500
    assert told["after"] == told["in_file"] == 2_500
    assert told["agree"] is True
    assert "cannot be written to: make it writable" in told["read_only"]
    assert told["readable"] == 2_500
    assert told["at_last"] == 2_510
