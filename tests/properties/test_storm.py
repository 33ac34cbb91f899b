"""Thousands of real dials, cancelled and cut off at random, end with exact books and with nothing left open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import nocarrier
from nocarrier.model.taxonomy import Kind, Source
from testbed.dialing import read
from testbed.netns import FAULT_SERVERS, PYTHON_PATH

MISBEHAVIOURS = [
    "silent",
    "close",
    "reset",
    "reset_after_first_bytes",
    "http_ok",
    "ssh",
    "garbage",
    "backlog_full",
    "closed_port",
]
AT_ONCE = 100
SOURCES = [Source.SEED, Source.GOSSIP, Source.PEER_BOOK]


@pytest.fixture(scope="module")
def ports():
    """Servers that misbehave, each in its own process, so that all sockets counted here are ours."""
    with contextlib.ExitStack() as stack:
        servers = []
        for name in MISBEHAVIOURS:
            server = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, FAULT_SERVERS, name],
                    stdout=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": PYTHON_PATH},
                )
            )
            stack.callback(server.kill)
            servers.append(server)
        yield [int(server.stdout.readline()) for server in servers]


def open_sockets() -> int:
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found


async def both_loopbacks(_):
    return ["127.0.0.1", "::1"]


async def dial(port, tracker, chance):
    """One dial, by address or by a name with two addresses, cancelled after a random time or not at all."""
    host = chance.choice(["127.0.0.1", "storm.test"])
    patience_s = chance.choice([None, chance.uniform(0, 0.05)])
    with contextlib.suppress(OSError, EOFError, nocarrier.PeerRejected, TimeoutError):
        async with (
            asyncio.timeout(patience_s),
            nocarrier.dial(f"{host}:{port}", chance.choice(SOURCES), tracker=tracker, resolve=both_loopbacks) as d,
        ):
            streams = await d.connect(timeout_s=0.1)
            async with d.phase("handshake", timeout_s=0.1):
                await read(*streams)
            if chance.random() < 0.3:
                raise nocarrier.PeerRejected(chance.choice(["banned", "too_many_peers", "made_up"]))
            d.succeeded()
            streams[1].transport.abort()


async def storm(ports, tracker, number, *, end_after=None, seed=0):
    """`number` dials, `AT_ONCE` of them at a time; with `end_after` the program ends once that many have begun."""
    chance = random.Random(seed)
    room = asyncio.Semaphore(AT_ONCE)

    async def one():
        async with room:
            await dial(chance.choice(ports), tracker, chance)

    dials = [asyncio.create_task(one()) for _ in range(number)]
    while end_after is not None and tracker.totals().started < end_after:
        await asyncio.sleep(0.001)
    if end_after is None:
        await asyncio.gather(*dials)
        assert asyncio.all_tasks() == {asyncio.current_task()}


def assert_exact(tracker, *, dials=None):
    snapshot = tracker.snapshot()
    for totals in (snapshot.totals, *snapshot.totals_by_source.values()):
        assert totals.in_flight == 0
        assert totals.started == totals.succeeded + totals.failed + totals.cancelled
    assert dials is None or snapshot.totals.started == dials
    assert sum(snapshot.counts.values()) == snapshot.totals.failed + snapshot.totals.cancelled
    assert set(snapshot.dropped.values()) == {0}
    assert len(snapshot.recent) == 100
    return snapshot


def test_a_storm_with_random_cancellation_leaves_exact_books(ports):
    before, tracker = open_sockets(), nocarrier.DialTracker()
    asyncio.run(storm(ports, tracker, 5_000))
    gc.collect()  # would warn about sockets that were not closed
    snapshot = assert_exact(tracker, dials=5_000)
    assert open_sockets() == before
    assert snapshot.totals.succeeded > 100
    assert snapshot.totals.cancelled > 100
    assert len({reason for reason, _ in snapshot.counts}) >= 7
    assert {entry.kind for entry in snapshot.recent} <= {Kind.FAILURE, Kind.CANCELLED}


@pytest.mark.parametrize("seed", range(4))
def test_a_program_that_ends_in_the_middle_of_a_storm_leaves_exact_books(ports, seed):
    before, tracker = open_sockets(), nocarrier.DialTracker()
    asyncio.run(
        storm(ports, tracker, 3_000, end_after=500, seed=seed)
    )  # run() cancels what is under way, and closes the loop
    gc.collect()
    snapshot = assert_exact(tracker)
    assert 500 <= snapshot.totals.started < 3_000
    assert snapshot.totals.cancelled > 0
    assert open_sockets() == before


def test_readers_of_a_storm_see_every_event(ports):
    tracker = nocarrier.DialTracker()
    with tracker.subscribe(capacity=10_000) as events:
        asyncio.run(storm(ports, tracker, 500))
        seen = events.drain()
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    begun = {event.dial_id for event in seen if event.kind is Kind.STARTED}
    ended = [event.dial_id for event in seen if event.kind.ends_dial]
    assert sorted(ended) == sorted(begun)
    assert len(begun) == 500
