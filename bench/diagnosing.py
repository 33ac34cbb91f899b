"""Finding causes in a full tracker, against looking at each of its peers once for every cause."""

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
"""Peers dialed again since the examination before: as many as a node with the default settings dials in a minute."""

HEARTBEAT_S = 0.001
EXAMINATIONS = 10


def _full_tracker() -> DialTracker:
    tracker = DialTracker()
    record_all_kinds_of_failures(tracker, DEFAULT_MAX_PEERS)
    tracker.totals()
    return tracker


def diagnose_full_tracker(rounds: int) -> Result:
    tracker = _full_tracker()
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

    return replace(
        compare(examine_again, count_for_every_cause, rounds=rounds, unit="s"),
        more={
            "first_examination": statistics.median(_first_examination() for _ in range(min(rounds, EXAMINATIONS))),
            "heartbeat_delay": asyncio.run(_heartbeat_delay(Doctor(tracker), tracker, rounds)),
            "heartbeat_delay_without": asyncio.run(_heartbeat_delay(None, tracker, rounds)),
        },
    )


def _first_examination() -> float:
    """Seconds for a tracker that nobody has read, in a process that has seen none of its addresses."""
    tracker = _full_tracker()
    place_of.cache_clear()
    return cpu_seconds(lambda: diagnose(derive(tracker.latest()), CAUSES), per=1)


async def _heartbeat_delay(doctor: Doctor | None, tracker: DialTracker, rounds: int) -> float:
    """By how many seconds a heartbeat of the event loop comes late at worst while the doctor examines (median)."""
    worst = []
    for _ in range(min(rounds, EXAMINATIONS)):
        record_all_kinds_of_failures(tracker, CHANGED)
        # What `diagnosis` does where it keeps nothing, without the log.
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
        what="all causes looked for in a full tracker (4,096 peers, many kinds of failures), 64 dialed again since",
        baseline=f"the same peers counted by reason, once for each of the {len(CAUSES)} causes",
        goal=Goal(0.020, is_ceiling=True, of_ratio=False),
        rounds=40,
        run=diagnose_full_tracker,
    ),
)
