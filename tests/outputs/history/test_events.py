"""Every record is kept completely, and found again by every filter."""

from __future__ import annotations

import itertools
import random

import pytest

from nocarrier import DialTracker, Fault
from nocarrier.errors import CursorError
from nocarrier.model.event import EndedAttempt
from nocarrier.model.history import EventQuery
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from tests.outputs.history.kit import NOON_UNIX, all_events, eventually, history_of, in_file, rollups_agree, written

A, B, C = "198.18.0.1:7072", "198.18.0.2:7072", "[2001:db8::1]:7072"

REFUSED = Fault(
    reason=Reason.CONNECTION_REFUSED,
    phase=Phase.CONNECT,
    blame=Blame.THEM,
    detail="told by \u202e<b>somebody</b>",
    evidence={"errno": "ECONNREFUSED", "icmp": {"type": 3, "code": 3, "hop": "198.18.9.9"}, "ours": [1, None]},
)


def record_one_of_each(tracker):
    """Every kind of event once; nine events."""
    first = tracker.begin(A, "seed")
    tracker.fail(
        first, REFUSED, duration_s=0.25, phases_s={"connect": 0.2}, attempts=(EndedAttempt(A, 0.0, 0.2, REFUSED),)
    )
    second = tracker.begin(B, "gossip", via=A)
    tracker.succeed(second, duration_s=0.5, node_id="ab" * 32, attempts=(EndedAttempt(B, 0.1, 0.4, None),))
    third = tracker.begin(C, "direct")
    tracker.fail(third, Fault(reason=Reason.CANCELLED, phase=Phase.CONNECT, blame=Blame.NONE))
    tracker.record(A, "already_connected", "seed")
    tracker.record(B, "early_disconnect", "gossip", via=A, detail="bye")
    tracker.record_success(C, "dht")


def test_every_kind_of_event_is_read_as_the_live_stream_sends_it(path, tracker):
    with tracker.subscribe(polled=True) as live, history_of(path, tracker) as history:
        record_one_of_each(tracker)
        written(history, 9)
        told = live.drain()
        kept = list(reversed(all_events(history)))
    assert {event.kind for event in kept} == set(Kind)
    for before, after in zip(told, kept, strict=True):
        for name in type(before).__dataclass_fields__:
            assert getattr(after, name) == getattr(before, name), name
    assert [event.id for event in kept] == list(range(1, 10))


def test_events_from_before_the_file_was_open_or_just_before_the_end_are_not_lost(path, tracker):
    history = history_of(path, tracker)
    record_one_of_each(tracker)
    history.close()
    assert len(in_file(path)) == 9
    assert rollups_agree(path)
    status = history.status()
    assert (status.events_total, status.waiting, status.dropped_total) == (9, 0, 0)


def test_many_events_are_kept_in_order(path, tracker):
    with history_of(path, tracker) as history:
        for number in range(5_000):
            tracker.record(f"198.18.{number % 7}.{number % 250}:7072", "timeout", "seed")
        written(history, 5_000)
        assert [event.seq for event in reversed(all_events(history))] == list(range(1, 5_001))
    assert rollups_agree(path)


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        ({"kind": (Kind.STARTED,)}, [5, 3, 1]),
        ({"kind": (Kind.FAILURE,)}, [2]),
        ({"kind": (Kind.FAILURE, Kind.SUCCEEDED, Kind.SKIP)}, [9, 7, 4, 2]),
        ({"reason": Reason.EARLY_DISCONNECT}, [8]),
        ({"source": Source.GOSSIP}, [8, 4, 3]),
        ({"phase": Phase.CONNECT}, [6, 2]),
        ({"addr": C}, [9, 6, 5]),
        ({"via": A}, [8, 4, 3]),
        ({"via": A, "addr": B, "kind": (Kind.SUCCEEDED,)}, [4]),
        ({"reason": Reason.TIMEOUT}, []),
    ],
    ids=str,
)
def test_every_filter_finds_its_events(path, tracker, wanted, seqs):
    with history_of(path, tracker) as history:
        record_one_of_each(tracker)
        written(history, 9)
        assert [event.seq for event in all_events(history, **wanted)] == seqs


def test_a_time_range_includes_its_beginning_and_not_its_end(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker) as history:
        for second in range(5):
            clock.now_unix = NOON_UNIX + second
            tracker.record(A, "timeout", "seed")
            tracker.snapshot()
        written(history, 5)
        found = all_events(history, since_unix=NOON_UNIX + 1, until_unix=NOON_UNIX + 4)
        assert [event.seq for event in found] == [4, 3, 2]


def test_pages_have_each_event_once_though_all_have_the_same_time_and_more_come(path, tracker, clock):
    clock.step_s = 0
    with history_of(path, tracker) as history:
        for _ in range(250):
            tracker.record(A, "timeout", "seed")
        written(history, 250)
        first = history.events(EventQuery(limit=100))
        tracker.record(A, "timeout", "seed")
        written(history, 251)
        second = history.events(EventQuery(limit=100, cursor=first.next_cursor))
        third = history.events(EventQuery(limit=100, cursor=second.next_cursor))
    seqs = [event.seq for page in (first, second, third) for event in page.events]
    assert seqs == list(range(250, 0, -1))
    assert third.next_cursor is None


def _over_a_day(clock, tracker):
    """Record events of many sorts: some minutes have dozens, some hours none, and some are at the edge of a minute."""
    rng = random.Random(7)
    for minute in sorted(rng.choices(range(24 * 60), k=40)):
        clock.now_unix = NOON_UNIX + 60 * minute + rng.choice([0.0, 17.5, 59.999])
        for _ in range(rng.choice([1, 1, 2, 30])):
            reason = rng.choice([Reason.TIMEOUT, Reason.BANNED, Reason.CANCELLED, Reason.SLOTS_FULL])
            tracker.record(rng.choice([A, B]), reason, rng.choice(["seed", "gossip"]), via=rng.choice([None, A]))
        tracker.record_success(A, "peer_book")


def test_a_page_has_what_matches_and_nothing_else(path, tracker, clock):
    """Whichever way a page is found: through an index, or through the minutes that have any."""
    clock.step_s = 0.0
    with tracker.subscribe(polled=True) as live, history_of(path, tracker) as history:
        _over_a_day(clock, tracker)
        recorded = live.drain()
        written(history, len(recorded))
        edges = [None, *sorted({event.at_unix for event in recorded})[::9]]
        filters = {
            "kind": [None, (Kind.SUCCEEDED,), (Kind.FAILURE, Kind.SKIP), (Kind.DISCONNECT,)],
            "source": [None, Source.SEED, Source.DHT],
            "phase": [None, Phase.POLICY],
            "reason": [None, Reason.BANNED, Reason.NO_MEMORY],
            "addr": [None, B],
            "via": [None, A],
        }
        rng = random.Random(8)
        for values in itertools.product(*filters.values()):
            wanted = {name: value for name, value in zip(filters, values, strict=True) if value is not None}
            since_unix, until_unix = rng.choice(edges), rng.choice(edges)
            found = all_events(history, limit=7, since_unix=since_unix, until_unix=until_unix, **wanted)
            expected = [
                event.seq
                for event in recorded
                if _matches(event, wanted)
                and (since_unix is None or event.at_unix >= since_unix)
                and (until_unix is None or event.at_unix < until_unix)
            ]
            assert [event.seq for event in reversed(found)] == expected, (wanted, since_unix, until_unix)


def _matches(event, wanted):
    return all(
        getattr(event, name) in value if name == "kind" else getattr(event, name) == value
        for name, value in wanted.items()
    )


@pytest.mark.parametrize(
    "cursor", ["", "1", "1-", "x-1", "1-2-3", "nan-1", "1--1", "1-1;DROP TABLE event", "1-" + "9" * 30]
)
def test_a_foreign_cursor_is_refused(path, tracker, cursor):
    with history_of(path, tracker) as history:
        tracker.record(A, "timeout", "seed")
        written(history, 1)
        with pytest.raises(CursorError, match="first page"):
            history.events(EventQuery(cursor=cursor))


def test_texts_of_peers_are_text_and_nothing_else(path, tracker):
    hostile = "'; DROP TABLE event; --\u202e\x00<script>"
    with history_of(path, tracker) as history:
        tracker.record(
            hostile, "timeout", "seed", detail=hostile, via=hostile, node_id=hostile, evidence={hostile: hostile}
        )
        written(history, 1)
        [event] = all_events(history, addr=hostile, via=hostile)
    assert (event.addr, event.via, event.node_id) == (hostile, hostile, hostile)
    assert event.evidence == {hostile: hostile}


def test_a_second_start_continues_with_the_same_file(path, tracker, clock):
    with history_of(path, tracker):
        record_one_of_each(tracker)
    next_run = DialTracker(clock=clock)
    with history_of(path, next_run) as history:
        next_run.record(A, "timeout", "seed")
        written(history, 10)
        newest, *older = all_events(history)
    assert (newest.id, newest.run, newest.seq) == (10, next_run.run, 1)
    assert {event.run for event in older} == {tracker.run} != {next_run.run}


def test_a_history_that_is_closed_and_opened_again_continues_its_run(path, tracker):
    for total in (9, 18):
        with history_of(path, tracker) as history:
            record_one_of_each(tracker)
            written(history, total)
            assert {event.run for event in all_events(history)} == {tracker.run}
    assert len(in_file(path)) == 18, "no name of an event comes twice"


def test_words_of_a_newer_nocarrier_are_shown_as_far_as_they_are_known(path, tracker):
    with history_of(path, tracker) as history:
        record_one_of_each(tracker)
        written(history, 9)
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE event SET reason = 'of_tomorrow', phase = 'later' WHERE seq = 2")
        connection.execute("UPDATE minute SET reason = 'of_tomorrow', source = 'satellite' WHERE kind = 'failure'")
    connection.close()
    with history_of(path, tracker) as history:
        eventually(lambda: history.status().events_total == 9)
        [event] = all_events(history, kind=(Kind.FAILURE,))
        assert (event.reason, event.phase) == (Reason.OTHER, None)
        assert event.evidence["errno"] == "ECONNREFUSED"
