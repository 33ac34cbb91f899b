"""The heartbeat of the event loop: a stall is known when it matters, which is right after it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from nocarrier.host import loop_monitor
from nocarrier.host.loop_monitor import HEARTBEAT_S, NOTED_LAG_S, LoopMonitor

STALL_S = 0.5


@contextlib.asynccontextmanager
async def watching(monitor):
    task = asyncio.create_task(monitor.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
async def monitor():
    made = LoopMonitor()
    async with watching(made):
        await asyncio.sleep(HEARTBEAT_S / 2)
        yield made


def is_about(stalled_s: float) -> bool:
    """As long as one stall, minus the time before a beat was due; a busy machine adds to it."""
    return STALL_S - HEARTBEAT_S <= stalled_s < STALL_S + 2


async def test_a_stall_is_known_at_once_and_later(monitor):
    since_s = time.monotonic()
    time.sleep(STALL_S)
    assert is_about(monitor.stalled_s(since_s)), "no beat has noted it yet"
    await asyncio.sleep(2 * HEARTBEAT_S)
    assert is_about(monitor.stalled_s(since_s))
    assert is_about(monitor.worst_s())


async def test_a_stall_is_known_right_after_a_deadline_that_passed_in_it(monitor):
    loop = asyncio.get_running_loop()
    since_s = time.monotonic()
    seen: list[float] = []
    loop.call_later(0.2, lambda: seen.append(monitor.stalled_s(since_s)))
    loop.call_later(0.01, time.sleep, STALL_S)
    await asyncio.sleep(0.3 + STALL_S)
    assert is_about(seen[0])


async def test_only_stalls_since_the_given_time_count(monitor):
    time.sleep(STALL_S)
    since_s = time.monotonic()
    assert monitor.stalled_s(since_s) < STALL_S
    assert is_about(monitor.stalled_s(since_s - STALL_S - 0.1))
    middle_s = since_s - STALL_S / 2
    assert monitor.stalled_s(middle_s) == pytest.approx(STALL_S / 2, abs=0.2)


async def test_stalls_add_up_and_the_worst_is_the_longest(monitor):
    since_s = time.monotonic()
    for _ in range(3):
        time.sleep(0.3)
        await asyncio.sleep(2 * HEARTBEAT_S)
    assert monitor.stalled_s(since_s) >= 3 * (0.3 - HEARTBEAT_S)
    assert monitor.worst_s() < monitor.stalled_s(since_s)


async def test_an_idle_loop_has_no_stalls():
    # The whole machine may stall; at least one of several quiet spans is quiet.
    monitor = LoopMonitor()
    spans = []
    async with watching(monitor):
        for _ in range(10):
            since_s = time.monotonic()
            await asyncio.sleep(2 * HEARTBEAT_S)
            spans.append(monitor.stalled_s(since_s))
            if not spans[-1]:
                break
    assert min(spans) == 0


async def test_old_stalls_are_forgotten(monkeypatch):
    monkeypatch.setattr(loop_monitor, "REMEMBERED_S", 0.3)
    monitor = LoopMonitor()
    async with watching(monitor):
        for _ in range(4):
            time.sleep(2 * NOTED_LAG_S + HEARTBEAT_S)
            await asyncio.sleep(2 * HEARTBEAT_S)
        assert len(monitor._stalls) <= 2


async def test_a_stopped_monitor_does_not_take_time_for_a_stall():
    monitor = LoopMonitor()
    assert (monitor.stalled_s(0.0), monitor.worst_s()) == (0, 0)
    async with watching(monitor):
        pass
    await asyncio.sleep(HEARTBEAT_S + 2 * NOTED_LAG_S)
    assert (monitor.stalled_s(0.0), monitor.worst_s()) == (0, 0)


STOPPED = """
import asyncio, time
from nocarrier.host.loop_monitor import LoopMonitor

async def main():
    monitor = LoopMonitor()
    watching = asyncio.create_task(monitor.run())
    await asyncio.sleep(0)
    print("ready", flush=True)
    while monitor.worst_s() < 0.5:
        await asyncio.sleep(0.01)
    print(monitor.worst_s())

asyncio.run(main())
"""


def test_a_process_that_was_stopped_knows_it():
    with subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.8)
        os.kill(process.pid, signal.SIGCONT)
        stood_still_s = float(process.stdout.readline())
    assert 0.6 <= stood_still_s < 5
