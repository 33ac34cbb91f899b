"""What is known about each address, what counts against it, and that no number of addresses exhausts the memory."""

from __future__ import annotations

import math

import pytest

from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.tracking import DialTracker

A, B = "198.18.0.1:7072", "198.18.0.2:7072"


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(clock):
    return DialTracker(clock=clock, max_peers=100)


def fail(tracker, reason=Reason.TIMEOUT, blame=Blame.PATH, *, addr=A, source="gossip", penalise=True, evidence=None):
    fault = Fault(reason=reason, phase=Phase.CONNECT, blame=blame, evidence=evidence or {})
    tracker.fail(tracker.begin(addr, source), fault, penalise=penalise)


def wait_s(tracker, clock, addr=A):
    next_attempt = tracker.standing(addr).next_attempt_unix
    return None if next_attempt is None else next_attempt - clock.now


def test_an_unknown_address_may_be_dialed_now(tracker):
    standing = tracker.standing("never.test:1")
    assert (standing.streak, standing.next_attempt_unix, standing.because) == (0, None, None)


def test_failures_in_a_row_make_the_wait_longer_and_a_success_ends_it(tracker, clock):
    waits = []
    for _ in range(4):
        fail(tracker)
        waits.append(wait_s(tracker, clock))
        clock.now += 10_000
    assert waits == sorted(waits)
    assert waits[3] > 4 * waits[0]
    assert tracker.standing(A).streak == 4
    tracker.succeed(tracker.begin(A, "gossip"))
    standing = tracker.standing(A)
    assert (standing.streak, standing.next_attempt_unix) == (0, None)
    assert standing.last_reason is Reason.TIMEOUT
    assert standing.last_success_unix == clock.now


def test_the_wait_names_its_reason_and_ends(tracker, clock):
    fail(tracker)
    assert tracker.standing(A).because is Reason.TIMEOUT
    clock.now += 60
    assert (tracker.standing(A).next_attempt_unix, tracker.standing(A).because) == (None, None)
    assert tracker.standing(A).streak == 1


@pytest.mark.parametrize("blame", [Blame.US, Blame.NONE])
def test_a_failure_that_is_not_the_peers_fault_makes_no_streak_but_delays_the_next_dial(tracker, clock, blame):
    fail(tracker, blame=blame)
    first_s = wait_s(tracker, clock)
    fail(tracker, blame=blame)
    assert wait_s(tracker, clock) > first_s > 0
    assert tracker.standing(A).streak == 0
    assert not any(entry.penalised for entry in tracker.recent())


def test_a_node_that_knows_it_is_offline_penalises_nobody(tracker):
    fail(tracker, penalise=False)
    assert tracker.standing(A).streak == 0
    assert not tracker.recent()[0].penalised


def test_a_manual_dial_neither_penalises_nor_sets_a_wait(tracker, clock):
    fail(tracker, source="direct")
    assert tracker.standing(A).streak == 0
    assert wait_s(tracker, clock) is None
    assert tracker.standing(A).last_reason is Reason.TIMEOUT
    fail(tracker)
    before = wait_s(tracker, clock)
    fail(tracker, source="direct")
    assert wait_s(tracker, clock) == before


def test_skips_and_cancellations_leave_no_trace_on_the_peer(tracker):
    tracker.record(A, "slots_full", "gossip")
    fail(tracker, reason=Reason.CANCELLED, blame=Blame.NONE)
    assert tracker.peers() == []


def test_an_early_disconnect_counts_against_the_peer(tracker):
    tracker.succeed(tracker.begin(A, "gossip"))
    tracker.record(A, "early_disconnect", "gossip")
    [peer] = tracker.peers()
    assert (peer.streak, peer.failures_total, peer.successes_total) == (1, 1, 1)


def test_an_address_that_must_never_be_dialed_again_waits_forever(tracker, clock):
    fail(tracker, reason=Reason.PEER_ID_MISMATCH, blame=Blame.THEM)
    assert wait_s(tracker, clock) == math.inf
    clock.now += 1e9
    assert tracker.standing(A).because is Reason.PEER_ID_MISMATCH


def test_a_clock_that_was_set_back_makes_nobody_wait(tracker, clock):
    fail(tracker)
    clock.now -= 86_400
    assert wait_s(tracker, clock) is None


def test_our_own_fault_is_forgiven_once_fixed_and_theirs_is_not(tracker, clock):
    fail(tracker, reason=Reason.NETWORK_UNREACHABLE, blame=Blame.US, addr=A)
    fail(tracker, addr=B)
    tracker.forgive_own_faults()
    assert wait_s(tracker, clock, A) is None
    assert wait_s(tracker, clock, B) is not None


def test_a_stall_of_our_own_makes_no_peer_wait_long(tracker, clock):
    for _ in range(2):
        fail(tracker, reason=Reason.HANDSHAKE_TIMEOUT, blame=Blame.US, evidence={"loop_lag_s": 3.0})
    assert tracker.standing(A).streak == 0
    assert wait_s(tracker, clock) == pytest.approx(10, rel=0.2), "5 s and then 10 s, not 30 s and then 60 s"


def test_the_longest_streak_comes_first_with_its_introducer(tracker):
    fail(tracker, addr=B)
    for _ in range(2):
        tracker.record(A, "timeout", "gossip", via=B, detail="it was silent")
    worst, other = tracker.peers()
    assert (worst.addr, worst.streak, worst.via, worst.last_detail) == (A, 2, B, "it was silent")
    assert (other.addr, other.streak, other.via) == (B, 1, None)


def test_the_table_is_bounded_and_forgets_the_address_seen_longest_ago(tracker, clock):
    for number in range(10_000):
        clock.now += 1
        tracker.record(f"peer{number}.test:1", "timeout", "gossip")
        if number % 50 == 0:
            tracker.record_success("faithful.test:1", "gossip")
            assert len(tracker.peers()) <= 125
    known = {peer.addr for peer in tracker.peers()}
    assert {"peer9999.test:1", "peer9950.test:1", "faithful.test:1"} <= known
    assert "peer0.test:1" not in known
    assert tracker.counts()[Reason.TIMEOUT, "gossip"] == 10_000


def test_who_goes_first_is_decided_by_order_and_not_by_a_clock_that_was_set_back(tracker, clock):
    for number in range(100):
        tracker.record(f"early{number}.test:1", "timeout", "gossip")
    clock.now -= 86_400
    for number in range(30):
        tracker.record(f"late{number}.test:1", "timeout", "gossip")
    known = {peer.addr for peer in tracker.peers()}
    assert {f"late{number}.test:1" for number in range(30)} <= known
    assert known.isdisjoint({f"early{number}.test:1" for number in range(30)})
    assert len(known) == 100
