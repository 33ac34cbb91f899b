"""The tracker is exact from any number of threads, while others read, come and go."""

from __future__ import annotations

import sys
import threading

import pytest

from nocarrier import DialTracker, Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source

A = "198.18.0.1:7072"


def fault():
    return Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH)


@pytest.fixture
def many_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(*functions):
    """Run each function in its own thread, and return what they raised."""
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


def test_eight_threads_are_counted_exactly_while_others_read(many_switches):
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


def test_a_new_reason_does_not_disturb_readers(many_switches):
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
