"""Finding causes in a full tracker, compared with looking at each of its peers once per cause."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import replace

from bench.measure import Benchmark, Goal, Result, compare, cpu_seconds
from bench.samples import record_all_kinds_of_failures
from nocarrier import DialTracker
from nocarrier.diagnosis import CAUSES, derive, diagnose
from nocarrier.diagnosis.peers import place_of
from nocarrier.doctor import Doctor
from nocarrier.tracking.tracker import DEFAULT_MAX_PEERS

CHANGED = 64
"""Peers dialed again since the last examination: as many as a node with default settings dials in a minute."""

HEARTBEAT_S = 0.001
EXAMINATIONS = 10


LARGE_PEERS = 50_000


def _full_tracker(peers: int) -> DialTracker:
    tracker = DialTracker(max_peers=peers)
    record_all_kinds_of_failures(tracker, peers)
    tracker.totals()
    return tracker


def diagnose_full_tracker(rounds: int) -> Result:
    tracker = _full_tracker(DEFAULT_MAX_PEERS)
    return replace(
        _examined_again(tracker, rounds),
        more={
            "first_examination": statistics.median(_first_examination() for _ in range(min(rounds, EXAMINATIONS))),
            "heartbeat_delay": asyncio.run(_heartbeat_delay(Doctor(tracker), tracker, rounds)),
            "heartbeat_delay_without": asyncio.run(_heartbeat_delay(None, tracker, rounds)),
        },
    )


def diagnose_large(rounds: int) -> Result:
    return _examined_again(_full_tracker(LARGE_PEERS), rounds)


def _examined_again(tracker: DialTracker, rounds: int) -> Result:
    """Seconds for an examination of `tracker` that knows the one before."""
    facts = derive(tracker.latest())
    diagnosis = diagnose(facts, CAUSES)

    def examine() -> None:
        nonlocal facts, diagnosis
        facts = derive(tracker.latest(), earlier=facts)
        diagnosis = diagnose(facts, CAUSES, diagnosis)

    def examine_again() -> float:
        record_all_kinds_of_failures(tracker, CHANGED)
        tracker.totals()
        return cpu_seconds(examine, per=1)

    outcomes = [(peer.addr, peer.reason) for peer in tracker.latest().peers]

    def count_for_every_cause() -> float:
        return cpu_seconds(lambda: [Counter(reason for _, reason in outcomes) for _ in CAUSES], per=1)

    return compare(examine_again, count_for_every_cause, rounds=rounds, unit="s")


def _first_examination() -> float:
    """Seconds for a tracker that nobody has read, in a process that has seen none of its addresses."""
    tracker = _full_tracker(DEFAULT_MAX_PEERS)
    place_of.cache_clear()
    return cpu_seconds(lambda: diagnose(derive(tracker.latest()), CAUSES), per=1)


async def _heartbeat_delay(doctor: Doctor | None, tracker: DialTracker, rounds: int) -> float:
    """The longest delay in seconds of an event-loop heartbeat while the doctor examines (median of the rounds)."""
    worst = []
    for _ in range(min(rounds, EXAMINATIONS)):
        record_all_kinds_of_failures(tracker, CHANGED)
        # What `diagnosis` does if it keeps nothing, without the log.
        work = asyncio.create_task(asyncio.to_thread(doctor._examine, None) if doctor else asyncio.sleep(0.02))
        delays = []
        while not work.done():
            due = time.perf_counter() + HEARTBEAT_S
            await asyncio.sleep(HEARTBEAT_S)
            delays.append(time.perf_counter() - due)
        await work
        worst.append(max(delays))
    return statistics.median(worst)


BENCHMARKS = (
    Benchmark(
        name="diagnose",
        what="all causes checked in a full tracker (4,096 peers, many kinds of failures), 64 dialed again since",
        baseline=f"the same peers counted by reason, once per cause ({len(CAUSES)} times)",
        goal=Goal(0.018, is_ceiling=True, aim=0.010, of_ratio=False),
        rounds=40,
        run=diagnose_full_tracker,
    ),
    Benchmark(
        name="diagnose_large",
        what=f"the same with {LARGE_PEERS:,} peers",
        baseline="the same",
        goal=Goal(0.3, is_ceiling=True, aim=0.1, of_ratio=False),
        rounds=10,
        run=diagnose_large,
    ),
)
