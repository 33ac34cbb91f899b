"""What the tracker keeps in memory, as counted by Python's own allocator."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Callable

from bench.measure import Benchmark, Goal, Result
from bench.samples import record_failed_dials
from nocarrier import DialTracker, Evidence, Kind, Reason, Source

MILLION = 1_000_000


def _bytes_kept_by(fill: Callable[[DialTracker], object]) -> float:
    gc.collect()  # also frees what Python keeps in stock for new tuples and dictionaries
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracker = DialTracker()
        fill(tracker)
        tracker.snapshot()  # everything is taken in and read once, so what reading keeps counts too
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def memory_ring(rounds: int) -> Result:
    def least(fill: Callable[[DialTracker], object]) -> float:
        # The first round also pays for what Python itself keeps from then on.
        return min(_bytes_kept_by(fill) for _ in range(rounds))

    return Result(
        value=least(_record_with_evidence),
        unit="bytes",
        # What our own dials record in addition: their attempts and the time of each phase.
        more={"with_attempts_and_phases": least(lambda tracker: record_failed_dials(tracker, 100))},
    )


def _record_with_evidence(tracker: DialTracker) -> None:
    """Record 100 failures of dials made by other code: with evidence, but without attempts and phases."""
    for number in range(100):
        evidence = Evidence(errno="ECONNREFUSED", syn_retransmits=0, decided_by="network", elapsed_s=number / 1e6)
        tracker.record(f"10.0.0.{number}:7072", Reason.CONNECTION_REFUSED, Source.SEED, evidence=evidence)


def _record_failures(tracker: DialTracker, count: int) -> None:
    """Record failures of `count` addresses, with every reason and source, so that every sample is kept too."""
    reasons = [reason for reason in Reason if reason.kind is Kind.FAILURE]
    cells = itertools.cycle(itertools.product(reasons, Source))
    for number, (reason, source) in zip(range(count), cells, strict=False):
        tracker.record(
            f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}.1:{7072 + (number >> 24)}", reason, source
        )


def memory_million_addresses(_rounds: int) -> Result:
    return Result(
        value=_bytes_kept_by(lambda tracker: _record_failures(tracker, MILLION)),
        unit="bytes",
        more={"of_dials_with_evidence": _bytes_kept_by(lambda tracker: record_failed_dials(tracker, 20_000))},
    )


def memory_ten_million_addresses(_rounds: int) -> Result:
    one = _bytes_kept_by(lambda tracker: _record_failures(tracker, MILLION))
    ten = _bytes_kept_by(lambda tracker: _record_failures(tracker, 10 * MILLION))
    return Result(value=ten, unit="bytes", baseline=one, ratio=ten / one)


BENCHMARKS = (
    Benchmark(
        name="memory_ring",
        what="a tracker with 100 failures with evidence, after it was read",
        baseline="none",
        goal=Goal(100_000, is_ceiling=True, of_ratio=False),
        rounds=3,
        run=memory_ring,
    ),
    Benchmark(
        name="memory_million_addresses",
        what="a tracker after failures of a million distinct addresses, of all reasons and sources",
        baseline="none",
        goal=Goal(8_000_000, is_ceiling=True, of_ratio=False),
        rounds=1,
        run=memory_million_addresses,
    ),
)

LONG = (
    Benchmark(
        name="memory_ten_million_addresses",
        what="a tracker after failures of ten million distinct addresses",
        baseline="the same after one million",
        # The table of peers grows by a quarter before it shrinks again, so two trackers may be at different points of
        # that.
        goal=Goal(1.25, is_ceiling=True),
        rounds=1,
        run=memory_ten_million_addresses,
    ),
)
