"""A follower of the history gets every event once and in order, across restarts, and is told what is missing."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from nocarrier import DialTracker
from nocarrier.errors import HistoryError, PlaceError, UnknownRunError
from nocarrier.model.history import EventPlace, EventQuery, MissingBecause
from nocarrier.outputs.history import database, read_sql, retention, write_sql, writer_thread
from tests.outputs.history.kit import NOON_UNIX, eventually, history_of, in_file, written

A = "198.18.0.1:7072"
DAY_S = 86_400


def record(tracker, times):
    for _ in range(times):
        tracker.record(A, "timeout", "seed")


def run_of(path, clock, times, total):
    """One run of a program that records some events and ends; returns its name."""
    tracker = DialTracker(clock=clock)
    with history_of(path, tracker) as history:
        record(tracker, times)
        written(history, total)
    return tracker.run


def followed(history, place=None, limit=100):
    """Everything after `place`, page by page: the places of the events, what is missing, and the last place."""
    places, missing = [], []
    while True:
        page = history.read_after(place, limit)
        places += [(event.run, event.seq) for event in page.events]
        missing += page.missing
        if not page.events:
            assert page.next_after == place, "nothing is new, so it goes on from where it was"
            return places, missing, place
        assert page.next_after == places[-1]
        place = page.next_after


def change(path, *statement):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(*statement)
        connection.commit()


@pytest.mark.parametrize("limit", [1, 4, 5, 100])
def test_the_events_of_all_runs_come_in_order_and_each_once(path, tracker, clock, limit):
    first = run_of(path, clock, 5, 5)
    second = run_of(path, clock, 4, 9)
    with history_of(path, tracker) as history:
        record(tracker, 3)
        written(history, 12)
        places, missing, place = followed(history, limit=limit)
        assert places == [
            *((first, seq) for seq in range(1, 6)),
            *((second, seq) for seq in range(1, 5)),
            *((tracker.run, seq) for seq in range(1, 4)),
        ]
        assert missing == []
        record(tracker, 2)
        written(history, 14)
        assert followed(history, place, limit)[0] == [(tracker.run, 4), (tracker.run, 5)]
        assert followed(history, EventPlace(first, 5), limit)[0][0] == (second, 1), (
            "the run has ended; the next follows"
        )


def test_an_empty_history_has_no_place_yet(path, tracker):
    with history_of(path, tracker) as history:
        page = history.read_after(None, 10)
        assert (page.events, page.next_after, page.missing) == ([], None, [])


def test_a_run_that_has_recorded_nothing_yet_is_a_place(path, tracker, clock):
    first = run_of(path, clock, 2, 2)
    with history_of(path, tracker) as history:
        place = EventPlace(tracker.run, 0)
        eventually(lambda: history.status().state == "working")
        assert followed(history, place) == ([], [], place), "the events of the run before lie behind it"
        record(tracker, 1)
        written(history, 3)
        assert followed(history, place)[0] == [(tracker.run, 1)]
        assert followed(history, EventPlace(first, 0))[0] == [(first, 1), (first, 2), (tracker.run, 1)]


def test_a_place_not_yet_on_disk_waits_for_the_events_behind_it(path, tracker):
    with history_of(path, tracker) as history:
        record(tracker, 3)
        written(history, 3)
        ahead = EventPlace(tracker.run, 5)  # from the live stream, which is faster
        assert followed(history, ahead) == ([], [], ahead)
        record(tracker, 4)
        written(history, 7)
        assert followed(history, ahead)[0] == [(tracker.run, 6), (tracker.run, 7)]


def test_events_that_never_reached_the_disk_are_reported_as_lost(path, tracker, clock):
    first = run_of(path, clock, 6, 6)
    change(path, "DELETE FROM event WHERE seq IN (1, 4, 5)")
    with history_of(path, tracker) as history:
        record(tracker, 1)
        eventually(lambda: len(in_file(path)) == 4)
        places, missing, _ = followed(history, limit=2)
        assert places == [(first, 2), (first, 3), (first, 6), (tracker.run, 1)]
        told = [(each.run, each.first, each.last, each.because) for each in missing]
        assert told == [(first, 1, 1, MissingBecause.LOST), (first, 4, 5, MissingBecause.LOST)]
        assert followed(history, EventPlace(first, 5))[1] == [], "it knows them"
        assert [each.first for each in followed(history, EventPlace(first, 4))[1]] == [5]


@pytest.fixture
def tidy_at_once(monkeypatch):
    monkeypatch.setattr(writer_thread, "TIDY_EVERY_S", 0.0)
    monkeypatch.setattr(writer_thread, "FLUSH_EVERY_S", 0.02)
    monkeypatch.setattr(retention, "TRUST_AFTER_S", 0.0)


@pytest.mark.usefixtures("tidy_at_once")
@pytest.mark.parametrize("rows_at_once", [3, write_sql.DELETE_ROWS])
def test_events_deleted_as_too_old_are_reported_at_every_moment_of_the_deletion(
    path, tracker, clock, monkeypatch, rows_at_once
):
    monkeypatch.setattr(write_sql, "DELETE_ROWS", rows_at_once)
    clock.step_s = 0
    with history_of(path, tracker, ttl_days=1) as history:
        record(tracker, 20)
        written(history, 20)
        clock.now_unix = NOON_UNIX + 120
        record(tracker, 5)
        written(history, 25)
        clock.now_unix = NOON_UNIX + DAY_S + 60
        eventually(lambda: history.status().events_total == 5)
        while True:
            is_deleted = len(in_file(path)) == 5
            for seen in (0, 7):
                places, missing, _ = followed(history, EventPlace(tracker.run, seen))
                assert places == [(tracker.run, seq) for seq in range(21, 26)]
                told = [(each.first, each.last, each.because) for each in missing]
                assert told == [(seen + 1, 20, MissingBecause.EXPIRED)]
            assert followed(history)[1][0].because is MissingBecause.EXPIRED
            if is_deleted:
                break


@pytest.mark.usefixtures("tidy_at_once")
def test_deleted_runs_are_reported_as_long_as_an_older_one_is_known(path, tracker, clock):
    clock.step_s = 0
    first = run_of(path, clock, 3, 3)
    second = run_of(path, clock, 2, 5)
    long_after_unix = NOON_UNIX + 30 * DAY_S
    change(  # a finding keeps the first run
        path,
        "INSERT INTO finding (run, code, began_unix, ended_unix, worst_severity, finding)"
        " VALUES (1, 'x', ?, ?, '', '')",
        [NOON_UNIX, long_after_unix],
    )
    clock.now_unix = NOON_UNIX + 3 * DAY_S
    with history_of(path, tracker, ttl_days=1) as history:
        eventually(lambda: history.status().state == "working" and not in_file(path))
        expired = [(first, 2, 3, MissingBecause.EXPIRED), (second, 1, 2, MissingBecause.EXPIRED)]
        page = history.read_after(EventPlace(first, 1), 10)
        assert [(each.run, each.first, each.last, each.because) for each in page.missing] == expired
        assert page.next_after == (second, 2), "it need not be reported again"
        assert followed(history, page.next_after) == ([], [], page.next_after)
        record(tracker, 1)
        written(history, 1)
        page = history.read_after(EventPlace(first, 1), 10)
        assert [(each.run, each.first, each.last, each.because) for each in page.missing] == expired
        assert [(event.run, event.seq) for event in page.events] == [(tracker.run, 1)]
        assert history.read_range(second, 1, 3) == []


@pytest.mark.usefixtures("tidy_at_once")
def test_a_run_of_which_nothing_is_left_is_unknown(path, tracker, clock):
    clock.step_s = 0
    old = [run_of(path, clock, 3, 3 * number) for number in (1, 2)]
    clock.now_unix = NOON_UNIX + 3 * DAY_S
    with history_of(path, tracker, ttl_days=1) as history:
        for run in old:
            eventually(lambda run=run: is_unknown(history, run))


def is_unknown(history, run):
    try:
        history.read_after(EventPlace(run, 1), 1)
    except UnknownRunError:
        return True
    return False


def test_the_last_events_of_a_program_that_ends_slowly_are_not_passed_over(path, clock):
    old, new = DialTracker(clock=clock), DialTracker(clock=clock)
    connection = database.open_to_write(path, database.migrations(), max_bytes=10**9)
    with old.subscribe(polled=True) as of_old, new.subscribe(polled=True) as of_new:
        runs = {each: write_sql.begin_run(connection, each.run, NOON_UNIX, "") for each in (old, new)}

        def write(tracker, events):
            record(tracker, 2)
            write_sql.insert_events(connection, [events.drain()], runs[tracker])

        write(old, of_old)
        write(new, of_new)
        with history_of(path, DialTracker(clock=clock)) as history:
            places, _, place = followed(history)
            assert places == [(old.run, 1), (old.run, 2), (new.run, 1), (new.run, 2)]
            write(old, of_old)
            write(new, of_new)
            places, missing, _ = followed(history, place)
            assert places == [(old.run, 3), (old.run, 4), (new.run, 3), (new.run, 4)]
            assert missing == []
    connection.close()


def test_a_follower_of_a_busy_program_gets_everything_once(path, tracker):
    stopped = threading.Event()

    def work():
        for _ in range(60):
            record(tracker, 50)
            stopped.wait(0.005)

    with history_of(path, tracker) as history:
        thread = threading.Thread(target=work)
        thread.start()
        places, place = [], None
        while thread.is_alive() or len(places) < 3_000:
            found, missing, place = followed(history, place, limit=70)
            assert missing == []
            places += found
        thread.join()
    assert places == [(tracker.run, seq) for seq in range(1, 3_001)]


def test_a_range_includes_both_ends_and_everything_between(path, tracker, clock):
    first = run_of(path, clock, 6, 6)
    change(path, "DELETE FROM event WHERE seq = 4")
    with history_of(path, tracker) as history:
        assert [(event.run, event.seq) for event in history.read_range(first, 2, 5)] == [
            (first, 2),
            (first, 3),
            (first, 5),
        ]
        assert history.read_range(first, 7, 9) == []
        assert is_unknown(history, "0" * 32)
        with pytest.raises(UnknownRunError):
            history.read_range("0" * 32, 1, 2)


@pytest.mark.parametrize(
    "text", ["", ":", "1:1", "g" * 32 + ":1", "A" * 32 + ":1", "a" * 32, "a" * 32 + ":-1", "a" * 32 + ":1 "]
)
def test_a_text_that_is_not_a_place_is_refused(text):
    with pytest.raises(PlaceError, match="RUN:SEQ"):
        EventPlace.parse(text)


def test_a_place_is_read_as_it_is_written():
    place = EventPlace("0a" * 16, 12)
    assert EventPlace.parse(str(place)) == place


# ---- a file in its first moment --------------------------------------------------------------------------------------


def test_a_file_that_is_not_made_yet_is_empty(path, tracker, monkeypatch):
    monkeypatch.setattr(writer_thread.Writer, "run", lambda self: self.stopping.wait())
    monkeypatch.setattr("nocarrier.outputs.history.sqlite_history.OPEN_S", 0.01)
    with history_of(path, tracker) as history:
        for _ in range(2):
            assert history.events(EventQuery()).events == []
            assert history.read_after(None, 10).next_after is None
            assert history.findings(None, None, 10) == []
            path.touch()  # created, but still empty


def test_a_file_that_was_removed_is_empty_until_another_is_made(path, tracker):
    with history_of(path, tracker) as history:
        record(tracker, 1)
        written(history, 1)
        for ending in ("", *database.COMPANIONS):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        for _ in range(100):
            assert history.events(EventQuery()).events == []


def test_a_file_whose_schema_is_being_changed_says_so(path):
    database.open_to_write(path, database.migrations()[:1], max_bytes=10**9).close()
    with (
        pytest.raises(HistoryError, match="is being migrated"),
        read_sql.connected(path, database.migrations()),
    ):
        pass
