"""Readers of events: they see everything or see that they did not, and nobody has to wait for them."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from nocarrier import Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason
from nocarrier.tracking import DialTracker

A = "198.18.0.1:7072"


@pytest.fixture
def tracker():
    return DialTracker()


def record(tracker, times=1):
    for _ in range(times):
        tracker.record(A, "timeout", "seed")


def test_every_kind_of_event_arrives_in_order_and_at_once(tracker):
    with tracker.subscribe() as events:
        tracker.fail(tracker.begin(A, "seed"), Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH))
        tracker.succeed(tracker.begin(A, "seed"), node_id="ab")
        tracker.record(A, "slots_full", "seed")
        seen = events.drain()
    assert [event.kind for event in seen] == [Kind.STARTED, Kind.FAILURE, Kind.STARTED, Kind.SUCCEEDED, Kind.SKIP]
    assert [event.seq for event in seen] == [1, 2, 3, 4, 5]
    assert [event.dial_id for event in seen] == [1, 1, 2, 2, None]


def test_events_from_before_the_subscription_are_not_delivered(tracker):
    record(tracker, 3)
    with tracker.subscribe() as events:
        assert events.drain() == []
        record(tracker)
        assert [event.seq for event in events.drain()] == [4]


def test_a_slow_reader_loses_the_oldest_and_everyone_can_see_it(tracker):
    with tracker.subscribe(capacity=10) as slow:
        record(tracker, 25)
        seen = slow.drain()
        assert [event.seq for event in seen] == list(range(16, 26)), "the gap shows in the numbers"
        assert slow.dropped_total == 15
        assert tracker.snapshot().dropped["subscriber_slow"] == 15
    assert len(tracker.recent()) == 25, "the tracker itself lost nothing"


@pytest.mark.parametrize("closing", [True, False], ids=["closed", "forgotten"])
def test_drops_stay_counted_when_the_reader_is_gone(tracker, closing):
    slow = tracker.subscribe(capacity=1)
    record(tracker, 5)
    if closing:
        slow.close()
    del slow
    gc.collect()
    record(tracker)
    assert tracker.snapshot().dropped["subscriber_slow"] == 4


def test_one_slow_reader_does_not_affect_another(tracker):
    with tracker.subscribe(capacity=1), tracker.subscribe(capacity=1000) as quick:
        record(tracker, 500)
        assert len(quick.drain()) == 500
        assert quick.dropped_total == 0


def test_a_reader_that_never_reads_does_not_block_a_recording_thread(tracker):
    number = 2_000
    with tracker.subscribe(capacity=10) as stuck:
        started_s = time.perf_counter()
        record(tracker, number)
        each_s = (time.perf_counter() - started_s) / number
    assert stuck.dropped_total == number - 10
    assert each_s < 0.001, "microseconds, measured; a wait for the reader would last forever"


def test_a_reader_that_holds_its_queue_for_a_while_loses_nothing(tracker):
    events = tracker.subscribe()
    seen = []

    def read_slowly():
        while not (events.closed and not seen_all()):
            seen.extend(events.read(timeout_s=0.01))
            time.sleep(0.001)

    def seen_all():
        return len(seen) < 300

    reader = threading.Thread(target=read_slowly)
    reader.start()
    record(tracker, 300)
    while len(seen) < 300:
        time.sleep(0.001)
    events.close()
    reader.join(5)
    assert [event.seq for event in seen] == list(range(1, 301))


def test_reading_waits_for_events_or_until_the_timeout(tracker):
    with tracker.subscribe() as events:
        assert events.read(timeout_s=0.01) == []
        threading.Timer(0.05, record, [tracker]).start()
        assert len(events.read(timeout_s=5)) == 1


def test_closing_wakes_a_waiting_thread(tracker):
    events = tracker.subscribe()
    threading.Timer(0.05, events.close).start()
    assert events.read(timeout_s=5) == []
    assert events.closed


def test_an_event_recorded_during_a_snapshot_is_delivered_soon(tracker):
    """A recording thread that finds the tracker busy leaves its event to the reader that keeps it busy."""
    looking = threading.Event()
    done = threading.Event()
    clock_s = time.time

    looker = None

    def slow_clock():
        if threading.current_thread() is looker:
            looking.set()
            done.wait(5)
        return clock_s()

    slow = DialTracker(clock=slow_clock)
    looker = threading.Thread(target=slow.snapshot)
    with slow.subscribe() as events:
        looker.start()
        assert looking.wait(5)
        record(slow)  # the snapshot holds the lock: this may not wait
        done.set()
        assert len(events.read(timeout_s=2)) == 1
        looker.join(5)


async def test_async_for_ends_when_the_subscription_is_closed(tracker):
    events = tracker.subscribe(loop=asyncio.get_running_loop())
    seen = []

    async def follow():
        seen.extend([event.seq async for event in events])

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await asyncio.to_thread(record, tracker, 3)
    await asyncio.to_thread(events.close)
    await asyncio.wait_for(following, 2)
    assert seen == [1, 2, 3], "events before the end are still delivered"


async def test_async_for_without_a_loop_says_what_is_missing(tracker):
    with tracker.subscribe() as events, pytest.raises(RuntimeError, match=r"pass loop=asyncio.get_running_loop"):
        async for _ in events:
            pass


def test_a_reader_whose_loop_is_closed_does_not_break_a_dial(tracker):
    async def wait_for_ever():
        events = tracker.subscribe(loop=asyncio.get_running_loop())
        following = asyncio.create_task(anext(aiter(events)))
        await asyncio.sleep(0.01)
        following.cancel()
        return events

    events = asyncio.run(wait_for_ever())
    record(tracker)
    assert len(events.drain()) == 1
    assert tracker.snapshot().dropped["recorder_error"] == 0


def test_a_capacity_of_zero_is_refused(tracker):
    with pytest.raises(ValueError, match="at least 1"):
        tracker.subscribe(capacity=0)


def test_a_polled_reader_sees_everything_without_being_woken(tracker):
    with tracker.subscribe(polled=True) as events:
        record(tracker, 3)
        assert [event.seq for event in events.drain()] == [1, 2, 3], (
            "events that still wait to be taken in are seen too"
        )
        assert events.drain() == []
        record(tracker)
        assert [event.seq for event in events.drain()] == [4]


def test_a_polled_reader_loses_the_oldest_and_counts_them(tracker):
    with tracker.subscribe(capacity=10, polled=True) as slow:
        record(tracker, 3_000)
        assert [event.seq for event in slow.drain()] == list(range(2_991, 3_001))
        assert slow.dropped_total == tracker.snapshot().dropped["subscriber_slow"] == 2_990


def test_a_polled_reader_does_not_make_recording_deliver_each_event(tracker):
    with tracker.subscribe(polled=True):
        record(tracker, 5)
        assert len(tracker._waiting) == 5
        with tracker.subscribe():
            record(tracker)
            assert not tracker._waiting, "a waiting reader is woken at once"
        record(tracker, 2)  # the first one notices that nobody waits any more
        assert len(tracker._waiting) == 1


def test_waiting_on_a_polled_reader_is_refused(tracker):
    with tracker.subscribe(polled=True) as events, pytest.raises(RuntimeError, match="use drain"):
        events.read(timeout_s=0)


def test_a_polled_reader_keeps_its_events_when_closed(tracker):
    events = tracker.subscribe(polled=True)
    record(tracker, 2)
    assert len(events.drain()) == 2
    record(tracker)
    events.close()
    record(tracker)
    assert events.drain() == [], "closed before the tracker took it in"
