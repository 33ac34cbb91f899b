"""The tracker keeps exactly what is recorded, whatever it is and from however many threads."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from nocarrier import DialFailure, DialTracker, Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.tracking.record import SAMPLES_PER_CELL

A = "198.18.0.1:7072"


@pytest.fixture
def tracker():
    return DialTracker(clock=lambda: 1_000_000.75)


def fault(reason=Reason.TIMEOUT, blame=Blame.PATH, **more):
    return Fault(reason=reason, phase=Phase.CONNECT, blame=blame, **more)


def only(tracker) -> DialFailure:
    [entry] = tracker.recent()
    return entry


def test_an_entry_contains_everything_that_was_recorded(tracker):
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
        "outcome": "failed",
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
        "run": tracker.run,
        "seq": 2,
    }


@pytest.mark.parametrize("reason", Reason)
def test_a_complete_outcome_counts_by_the_kind_of_its_reason(tracker, reason):
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


def test_filters_select_and_the_limit_keeps_the_newest(tracker):
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


def test_without_a_stated_duration_a_dial_takes_the_time_since_its_beginning():
    now = [1_000_000.0]
    tracker = DialTracker(clock=lambda: now[0])
    silent, good, told = (tracker.begin(A, "seed") for _ in range(3))
    now[0] += 3.0
    tracker.fail(silent, fault())
    assert only(tracker).duration_s == 3.0
    now[0] += 1.0
    tracker.succeed(good)
    assert tracker.snapshot().successes[0].duration_s == 4.0
    tracker.fail(told, fault(), duration_s=0.5)
    assert tracker.recent()[-1].duration_s == 0.5


def test_a_dial_has_no_duration_if_the_clock_was_set_back_meanwhile():
    now = [1_000_000.0]
    tracker = DialTracker(clock=lambda: now[0])
    dial_id = tracker.begin(A, "seed")
    now[0] -= 3_600
    tracker.fail(dial_id, fault())
    assert only(tracker).duration_s is None


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
    assert tracker.revision != revision, "readers that cache it must look again"
    tracker.fail(in_flight, fault())
    assert (tracker.totals().started, tracker.totals().failed) == (1, 1)


def test_the_revision_changes_with_every_outcome_and_not_by_reading(tracker):
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
