"""The body of the debug route is made only when something changed, and always then."""

from __future__ import annotations

import json
import threading

from nocarrier import DialTracker
from nocarrier.api.debug_body import KEPT_FOR_S, DebugBody


def test_the_same_body_is_kept_while_nothing_happens(tracker, node):
    body = DebugBody(tracker, node)
    assert body.read() is body.read()


def test_a_change_of_tracker_or_node_makes_a_new_one(tracker, node):
    body = DebugBody(tracker, node)
    first = body.read()
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    second = body.read()
    assert first != second
    node.revision += 1
    assert body.read() is not second


def test_entries_that_expire_are_gone_though_nothing_was_recorded():
    now = [1000.0]
    tracker = DialTracker(clock=lambda: now[0], ttl_s=5.0)
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    body = DebugBody(tracker, None, clock=lambda: now[0])
    assert b"192.0.2.1" in body.read()
    now[0] += 5.0 + KEPT_FOR_S
    assert b"192.0.2.1" not in body.read()


def test_who_has_recorded_reads_it_while_other_threads_record_as_well():
    tracker = DialTracker(capacity=100_000)
    body = DebugBody(tracker, None)
    missing: list[int] = []

    def record_and_read(thread: int) -> None:
        for number in range(150):
            tracker.record(f"192.0.2.{thread}:{number + 1}", "timeout", "seed")
            newest = json.loads(body.read())["dial_failures"]
            if not any(entry["addr"] == f"192.0.2.{thread}:{number + 1}" for entry in newest):
                missing.append(number)

    threads = [threading.Thread(target=record_and_read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
