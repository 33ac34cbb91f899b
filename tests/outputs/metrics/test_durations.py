"""Durations are kept as counts by bucket: every ended dial with a known duration, once, and nothing else."""

from __future__ import annotations

from dataclasses import fields

import pytest

from nocarrier import DialTracker, Fault, Reason
from nocarrier.model.taxonomy import Outcome
from nocarrier.tracking import BUCKETS_S, DIAL_OUTCOMES, Histogram, Totals


def fault(reason=Reason.TIMEOUT):
    return Fault(reason=reason, phase=reason.phase, blame=reason.blame)


def counts(tracker):
    return {outcome: histogram.cumulative()[-1] for outcome, histogram in tracker.tally().durations.items()}


def test_bounds_are_inclusive_and_there_is_a_bucket_for_the_rest():
    histogram = Histogram()
    for seconds in (0.0, BUCKETS_S[0], BUCKETS_S[0] + 1e-9, BUCKETS_S[-1], BUCKETS_S[-1] + 1):
        histogram.observe(seconds)
    assert histogram.counts == [2, 1, *[0] * (len(BUCKETS_S) - 3), 1, 1]
    assert histogram.cumulative()[-1] == 5
    assert histogram.sum_s == pytest.approx(2 * BUCKETS_S[0] + 2 * BUCKETS_S[-1] + 1)


@pytest.mark.parametrize(
    ("usually_s", "noticed_s"), [(3.05, 3.07), (5.0, 5.02), (10.0, 10.05), (12.0, 12.1), (15.0, 15.1), (36.0, 36.4)]
)
def test_a_deadline_and_its_notice_fall_into_one_bucket(usually_s, noticed_s):
    early, late = Histogram(), Histogram()
    early.observe(usually_s)
    late.observe(noticed_s)
    assert early.counts == late.counts


def test_outcomes_are_named_like_the_totals():
    assert {*DIAL_OUTCOMES} <= {field.name for field in fields(Totals)}


def test_begun_dials_count_by_outcome_with_their_phases():
    tracker = DialTracker()
    for reason in (Reason.TIMEOUT, Reason.PRIVATE_IP_BLOCKED, Reason.CANCELLED):
        dial_id = tracker.begin("192.0.2.1:7072", "seed")
        tracker.fail(dial_id, fault(reason), duration_s=0.3, phases_s={"connect": 0.2, "handshake": 0.1})
    tracker.succeed(tracker.begin("192.0.2.1:7072", "seed"), duration_s=20, phases_s={"connect": 0.2, "chat": 19.8})
    tracker.begin("192.0.2.1:7072", "seed")

    assert counts(tracker) == {"succeeded": 1, "failed": 2, "cancelled": 1}
    phases = tracker.tally().phase_durations
    assert {name: (sum(it.counts), it.sum_s) for name, it in phases.items() if sum(it.counts)} == {
        "connect": (4, pytest.approx(0.8)),
        "handshake": (3, pytest.approx(0.3)),
        "other": (1, 19.8),
    }


def test_dials_made_by_other_code_count_if_they_have_a_duration():
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed", duration_s=10)
    tracker.record("192.0.2.1:7072", "timeout", "seed", duration_s=0.0)
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record_success("192.0.2.1:7072", "seed", duration_s=1)
    tracker.record_success("192.0.2.1:7072", "seed")
    assert counts(tracker) == {"succeeded": 1, "failed": 2, "cancelled": 0}


def test_skips_and_early_disconnects_do_not_end_a_dial():
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "already_connected", "seed", duration_s=1)
    tracker.record("192.0.2.1:7072", "early_disconnect", "seed", duration_s=1)
    assert counts(tracker) == {"succeeded": 0, "failed": 0, "cancelled": 0}


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -1.0, "long", None, [1]])
def test_a_value_that_is_not_a_duration_does_not_poison_a_sum(nonsense):
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed", duration_s=nonsense)
    dial_id = tracker.begin("192.0.2.1:7072", "seed")
    tracker.fail(dial_id, fault(), duration_s=nonsense, phases_s={"connect": nonsense})
    dial_id = tracker.begin("192.0.2.1:7072", "seed")
    tracker.fail(dial_id, fault(), duration_s=1.0, phases_s={"connect": nonsense, "handshake": 0.5})

    tally = tracker.tally()
    assert counts(tracker) == {"succeeded": 0, "failed": 2, "cancelled": 0}, "both dials that began here were timed"
    assert {name: it.sum_s for name, it in tally.phase_durations.items() if it.sum_s} == {"handshake": 0.5}
    assert tally.dropped["recorder_error"] == 0


def test_clear_forgets_durations_too():
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed", duration_s=10)
    tracker.succeed(tracker.begin("192.0.2.1:7072", "seed"), duration_s=1, phases_s={"connect": 1.0})
    tracker.clear()
    tally = tracker.tally()
    assert sum(counts(tracker).values()) == 0
    assert all(it.sum_s == 0 and sum(it.counts) == 0 for it in tally.phase_durations.values())


def test_a_tally_does_not_change_afterwards():
    tracker = DialTracker()
    earlier = tracker.tally()
    tracker.record("192.0.2.1:7072", "timeout", "seed", duration_s=10)
    assert sum(earlier.durations[Outcome.FAILED].counts) == 0
    assert earlier.counts == {}
