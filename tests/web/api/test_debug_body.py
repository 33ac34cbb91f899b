"""The body of the debug route is made only when something changed, and always then."""

from __future__ import annotations

import asyncio
import json

from nocarrier import DialTracker
from nocarrier.doctor import Doctor
from nocarrier.model.action import ProgramKind
from nocarrier.web.api.debug_body import KEPT_FOR_S, MAX_KEPT, DebugBody
from nocarrier.web.views import Reader

READER = Reader(program=ProgramKind.NODE)


def body_of(tracker, node=None, **clock):
    return DebugBody(tracker, node, Doctor(tracker, node), **clock)


async def test_the_same_body_is_kept_while_nothing_happens(tracker, node):
    body = body_of(tracker, node)
    assert await body.read(READER) is await body.read(READER)


async def test_a_change_of_tracker_or_node_makes_a_new_one(tracker, node):
    body = body_of(tracker, node)
    first = await body.read(READER)
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    second = await body.read(READER)
    assert first != second
    node.revision += 1
    assert await body.read(READER) is not second


async def test_expired_entries_are_gone_even_if_nothing_was_recorded():
    now = [1000.0]
    tracker = DialTracker(clock=lambda: now[0], ttl_s=5.0)
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    body = body_of(tracker, clock=lambda: now[0])
    assert b"192.0.2.1" in await body.read(READER)
    now[0] += 5.0 + KEPT_FOR_S
    assert json.loads(await body.read(READER))["dial_failures"] == []


async def test_a_thread_reads_its_own_record_while_others_record_too():
    tracker = DialTracker(capacity=100_000)
    body = body_of(tracker)
    loop = asyncio.get_running_loop()
    missing: list[int] = []

    def record_and_read(thread: int) -> None:
        for number in range(150):
            tracker.record(f"192.0.2.{thread}:{number + 1}", "timeout", "seed")
            newest = json.loads(asyncio.run_coroutine_threadsafe(body.read(READER), loop).result(10))["dial_failures"]
            if not any(entry["addr"] == f"192.0.2.{thread}:{number + 1}" for entry in newest):
                missing.append(number)

    await asyncio.gather(*(asyncio.to_thread(record_and_read, number) for number in range(4)))
    assert missing == []


async def test_bodies_differ_by_reader_and_only_a_few_are_kept(tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    body = body_of(tracker)
    by_url = {}
    for number in range(3 * MAX_KEPT):
        url = f"http://localhost:{7000 + number}"
        by_url[url] = (await body.read(Reader(program=ProgramKind.EMBEDDED, url=url))).decode()
        assert len(body._kept) <= MAX_KEPT
    assert all(f"--url {url}" in text for url, text in by_url.items())
