"""The tracker keeps what it is told, exactly, whatever it is told and from however many threads."""

from __future__ import annotations

import json
import logging
import math
import sys
import threading
from dataclasses import asdict

import pytest

from nocarrier import DialFailure, DialTracker, Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.track.record import SAMPLES_PER_CELL

A = "198.18.0.1:7072"


@pytest.fixture
def tracker():
    return DialTracker(clock=lambda: 1_000_000.75)


def fault(reason=Reason.TIMEOUT, blame=Blame.PATH, **more):
    return Fault(reason=reason, phase=Phase.CONNECT, blame=blame, **more)


def only(tracker) -> DialFailure:
    [entry] = tracker.recent()
    return entry


# ---- what is kept ---------------------------------------------------------------------------------------------------


def test_an_entry_has_everything_that_was_said(tracker):
    dial_id = tracker.begin(A, "gossip", via="198.18.0.9:7072")
    tracker.fail(
        dial_id,
        fault(detail="silence", evidence={"syn_retransmits": 3}),
        duration_s=1.5,
        phases_s={"connect": 1.5},
        node_id="ab",
    )
    assert asdict(only(tracker)) == {
        "addr": A,
        "reason": "timeout",
        "timestamp_unix": 1_000_000,
        "at_unix": 1_000_000.75,
        "source": "gossip",
        "phase": "connect",
        "kind": "failure",
        "blame": "path",
        "detail": "silence",
        "via": "198.18.0.9:7072",
        "duration_s": 1.5,
        "attempts": (),
        "evidence": {"syn_retransmits": 3},
        "phases_s": {"connect": 1.5},
        "node_id": "ab",
        "repeats": 1,
        "penalised": True,
        "dial_id": dial_id,
        "seq": 2,
    }


@pytest.mark.parametrize("reason", Reason)
def test_a_whole_outcome_counts_by_the_reasons_kind(tracker, reason):
    tracker.record(A, reason, "seed")
    entry, totals = only(tracker), tracker.totals()
    assert (entry.reason, entry.kind, entry.phase, entry.blame) == (reason, reason.kind, reason.phase, reason.blame)
    assert totals.started == (reason.kind in {Kind.FAILURE, Kind.CANCELLED})
    assert (totals.failed, totals.cancelled, totals.skipped, totals.disconnected_early) == tuple(
        reason.kind is kind for kind in (Kind.FAILURE, Kind.CANCELLED, Kind.SKIP, Kind.DISCONNECT)
    )


def test_a_blocked_address_found_in_a_dial_that_had_begun_is_a_failure(tracker):
    tracker.fail(tracker.begin(A, "seed"), fault(Reason.PRIVATE_IP_BLOCKED, Blame.THEM))
    tracker.record(A, "private_ip_blocked", "seed")
    assert [entry.kind for entry in tracker.recent()] == [Kind.FAILURE, Kind.SKIP]
    assert tracker.counts() == {(Reason.PRIVATE_IP_BLOCKED, Source.SEED): 2}
    assert (tracker.totals().failed, tracker.totals().skipped) == (1, 1)


def test_filters_narrow_and_the_limit_keeps_the_newest(tracker):
    for number in range(6):
        tracker.record(f"peer{number % 3}:1", "timeout" if number % 2 else "banned", "seed", via=f"via{number}")
    assert [entry.via for entry in tracker.recent(2)] == ["via4", "via5"]
    assert [entry.via for entry in tracker.recent(addr="peer0:1")] == ["via0", "via3"]
    assert [entry.via for entry in tracker.recent(reason="timeout", addr="peer0:1")] == ["via3"]
    assert [entry.via for entry in tracker.recent(via="via2")] == ["via2"]
    assert len(tracker.recent(kind="failure", phase="connect", source=Source.SEED)) == 3
    assert len(tracker.recent(since_unix=1_000_000.75)) == 6
    assert tracker.recent(since_unix=1_000_001) == tracker.recent(0) == tracker.recent(-5) == []


def test_samples_of_each_reason_survive_one_noisy_peer(tracker):
    tracker.record("quiet.test:1", "banned", "seed")
    for number in range(5_000):
        tracker.record(f"noisy{number}.test:1", "timeout", "gossip")
    samples = tracker.snapshot().samples
    assert [entry.addr for entry in samples[Reason.BANNED, Source.SEED]] == ["quiet.test:1"]
    noisy = [entry.addr for entry in samples[Reason.TIMEOUT, Source.GOSSIP]]
    assert noisy == [f"noisy{number}.test:1" for number in range(5_000 - SAMPLES_PER_CELL, 5_000)]
    assert "quiet.test:1" not in {entry.addr for entry in tracker.recent()}


def test_a_dial_ends_once_and_a_second_end_is_counted_not_believed(tracker):
    dial_id = tracker.begin(A, "seed")
    tracker.succeed(dial_id)
    tracker.fail(dial_id, fault())
    tracker.succeed(999)
    snapshot = tracker.snapshot()
    assert (snapshot.totals.started, snapshot.totals.succeeded, snapshot.totals.failed) == (1, 1, 0)
    assert snapshot.dropped["ended_twice"] == 2


def test_dials_in_flight_are_listed(tracker):
    first, second = tracker.begin(A, "seed"), tracker.begin(A, "gossip")
    tracker.succeed(first)
    [open_dial] = tracker.snapshot().in_flight
    assert (open_dial.dial_id, open_dial.addr, open_dial.source) == (second, A, "gossip")


def test_the_last_successes_of_every_source_are_kept(tracker):
    tracker.record_success("quiet.test:1", "seed", duration_s=0.5, node_id="ab")
    for _ in range(1_000):
        tracker.record_success("noisy.test:1", "gossip")
    quiet = tracker.snapshot().successes[0]
    assert (quiet.addr, quiet.duration_s, quiet.node_id) == ("quiet.test:1", 0.5, "ab")


def test_clearing_forgets_all_but_dials_in_flight(tracker):
    in_flight = tracker.begin(A, "seed")
    tracker.record(A, "timeout", "seed")
    revision = tracker.revision
    tracker.clear()
    snapshot = tracker.snapshot()
    assert (snapshot.recent, snapshot.peers, snapshot.counts, snapshot.samples) == (
        (),
        (),
        {},
        {(Reason.TIMEOUT, "seed"): ()},
    )
    assert (snapshot.totals.started, snapshot.totals.in_flight) == (1, 1)
    assert tracker.revision != revision, "who keeps what they made of it must look again"
    tracker.fail(in_flight, fault())
    assert (tracker.totals().started, tracker.totals().failed) == (1, 1)


def test_the_revision_changes_with_every_outcome_and_not_by_looking(tracker):
    seen = {tracker.revision}
    for act in (
        lambda: tracker.record(A, "timeout", "seed"),
        lambda: tracker.record(A, "slots_full", "seed"),
        lambda: tracker.record_success(A, "seed"),
        lambda: tracker.begin(A, "seed"),
        lambda: tracker.succeed(1),
        lambda: tracker.succeed(1),
    ):
        act()
        revision = tracker.revision
        assert revision not in seen
        tracker.snapshot()
        assert tracker.revision == revision
        seen.add(revision)


# ---- bad input ------------------------------------------------------------------------------------------------------

NO_ADDRESS = [
    None,
    "",
    "a" * 1_000_000,
    "\udcff:1",
    "peer\0:1",
    5,
    math.nan,
    b"\xff",
    [],
    {},
    object(),
    "1.2.3.4:99999",
]


@pytest.mark.parametrize("known_before", [True, False])
@pytest.mark.parametrize("addr", NO_ADDRESS, ids=lambda value: repr(value)[:12])
def test_any_address_is_recorded_bounded(tracker, addr, known_before):
    if known_before:  # the usual record takes a shorter way
        tracker.record(A, "timeout", "seed")
    tracker.record(addr, "timeout", "seed")
    tracker.record_success(addr, "seed")
    tracker.fail(tracker.begin(addr, "seed"), fault())
    snapshot = tracker.snapshot()
    assert (snapshot.totals.failed, snapshot.totals.succeeded) == (2 + known_before, 1)
    assert snapshot.dropped["recorder_error"] == 0
    for kept in [entry.addr for entry in (*snapshot.recent, *snapshot.successes, *snapshot.peers)]:
        assert isinstance(kept, str)
        assert len(kept) <= 300
        kept.encode()


NO_NAME = [None, "", "no_such_name", "x" * 1_000_000, "\udcff", 5, math.nan, [], {}, object()]


@pytest.mark.parametrize("name", NO_NAME, ids=lambda value: repr(value)[:12])
def test_an_unknown_reason_or_source_is_other_with_the_text_kept(tracker, name, caplog):
    tracker.record(A, name, "seed", detail="mine")
    tracker.record(A, "timeout", name)
    tracker.record_success(A, name)
    by_reason, by_source = tracker.recent()
    assert (by_reason.reason, by_reason.source) == (Reason.OTHER, Source.SEED)
    assert (by_source.reason, by_source.source) == (Reason.TIMEOUT, Source.OTHER)
    assert by_reason.detail.startswith("reason ")
    assert by_source.detail.startswith("source ")
    assert len(by_reason.detail) <= 300
    if name == "no_such_name":
        assert by_reason.detail == "reason 'no_such_name'; mine"
    assert tracker.totals(Source.OTHER).started == 2
    assert tracker.snapshot().dropped["recorder_error"] == 0


def test_an_unknown_name_is_warned_about_once(tracker, caplog):
    for _ in range(3):
        tracker.record(A, "a_name_of_this_test", "seed")
    warnings = [record for record in caplog.records if "a_name_of_this_test" in record.getMessage()]
    assert [record.levelno for record in warnings] == [logging.WARNING]


@pytest.mark.parametrize("duration_s", [math.nan, math.inf, -1.0, "1", None, [], 10**400])
def test_what_is_no_duration_is_none(tracker, duration_s):
    tracker.record(A, "timeout", "seed", duration_s=duration_s)
    tracker.record_success(A, "seed", duration_s=duration_s)
    tracker.fail(tracker.begin(A, "seed"), fault(), duration_s=duration_s)
    assert [entry.duration_s for entry in (*tracker.recent(), *tracker.snapshot().successes)] == [None] * 3


def test_texts_of_any_size_and_encoding_are_bounded(tracker):
    big = "\udcff" + "x" * 1_000_000
    tracker.record(A, "banned", "seed", detail=big, via=big, node_id=big, evidence={"ours": [big] * 100, big: big})
    tracker.fail(tracker.begin(A, "seed", via=big), fault(detail=big), node_id=big)
    encoded = json.dumps([asdict(entry) for entry in tracker.recent()], ensure_ascii=False).encode()
    assert len(encoded) < 20_000
    assert tracker.snapshot().dropped["recorder_error"] == 0


def test_a_record_that_cannot_be_made_is_counted_and_said_once(caplog):
    def broken_clock():
        raise RuntimeError("the clock is broken")

    tracker = DialTracker(clock=broken_clock)
    tracker.record(A, "timeout", "seed")
    tracker.record_success(A, "seed")
    tracker.succeed(tracker.begin(A, "seed"))
    tracker.fail(1, fault())
    tracker._clock = lambda: 0.0
    assert tracker.snapshot().dropped["recorder_error"] == 5
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_no_room_at_all_is_refused():
    for arguments in ({"capacity": 0}, {"max_peers": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            DialTracker(**arguments)


# ---- threads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(*functions):
    """Run each function in a thread of its own, and give what they raised."""
    raised = []

    def run(function):
        try:
            function()
        except BaseException as exc:
            raised.append(exc)

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_eight_threads_at_once_are_counted_exactly_while_others_look(many_switches):
    tracker, threads, rounds = DialTracker(), 8, 1_500
    left = threading.Semaphore(0)

    def record(number):
        source = list(Source)[number]
        for _ in range(rounds):
            tracker.record(A, "timeout", source)
            tracker.record(A, "slots_full", source)
            tracker.fail(tracker.begin(A, source), fault())
            tracker.succeed(tracker.begin(A, source))
            tracker.record_success(A, source)
        left.release()

    def look():
        while left._value < threads:
            totals = tracker.totals()
            assert totals.started == totals.succeeded + totals.failed + totals.cancelled + totals.in_flight
            snapshot = tracker.snapshot()
            assert sum(snapshot.counts.values()) == snapshot.totals.failed + snapshot.totals.skipped

    def subscribe_and_leave():
        while left._value < threads:
            readers = [tracker.subscribe(capacity=5) for _ in range(20)]
            for reader in readers:
                reader.close()

    recorders = [lambda number=number: record(number) for number in range(threads)]
    assert in_threads(*recorders, look, look, subscribe_and_leave) == []
    snapshot = tracker.snapshot()
    for source in list(Source)[:threads]:
        totals = snapshot.totals_by_source[source]
        assert (totals.started, totals.succeeded, totals.failed) == (4 * rounds, 2 * rounds, 2 * rounds)
        assert (totals.in_flight, totals.cancelled, totals.skipped) == (0, 0, rounds)
    assert (snapshot.dropped["ended_twice"], snapshot.dropped["recorder_error"]) == (0, 0)


def test_a_reason_seen_for_the_first_time_disturbs_nobody_who_looks(many_switches):
    for _ in range(5):
        tracker, done = DialTracker(), threading.Event()

        def record(tracker=tracker, done=done):
            for reason in Reason:
                for source in Source:
                    tracker.record(A, reason, source)
            done.set()

        def look(tracker=tracker, done=done):
            while not done.is_set():
                tracker.snapshot()
                tracker.counts()

        assert in_threads(record, look, look) == []
        assert len(tracker.counts()) == len(Reason) * len(Source)


def test_every_subscriber_sees_every_event_of_all_threads_in_order(many_switches):
    tracker, rounds = DialTracker(), 1_000
    with tracker.subscribe(capacity=10_000) as events:

        def record():
            for _ in range(rounds):
                tracker.record(A, "timeout", "seed")

        assert in_threads(*[record] * 4) == []
        assert [event.seq for event in events.drain()] == list(range(1, 4 * rounds + 1))
