"""Recording one failure, compared with the simplest code that keeps one, with a metric, and with a log line."""

from __future__ import annotations

import io
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import prometheus_client

import nocarrier
from bench.measure import Benchmark, Goal, Result, compare, cpu_seconds

ADDRESSES = tuple(f"10.{number >> 8}.{number & 255}.7:7072" for number in range(4096))
"""As many addresses as the tracker keeps the state of, so that each record concerns another address than the last."""

PASSES = 64
"""How often a round goes through all addresses. At its end everything is read once, including the standing of every
peer; with rounds of this length that is about four times a second, more often than the page reads."""

PASSES_OF_SLOW_BASELINES = 4

NEW_PER_ROUND = 4 * len(ADDRESSES)
"""Enough to replace everything that the tracker remembers four times."""

Record = Callable[[str, str, str], object]


def _pass_over_addresses(record: Record, passes: int) -> None:
    for _ in range(passes):
        for addr in ADDRESSES:
            record(addr, "timeout", "seed")


def _round_of(record: Record, tracker: nocarrier.DialTracker, passes: int) -> Callable[[], float]:
    def work() -> None:
        _pass_over_addresses(record, passes)
        tracker.totals()  # do now what recording has deferred
        if passes == PASSES:
            tracker.peers()

    return lambda: cpu_seconds(work, per=passes * len(ADDRESSES))


def _lock_and_append() -> Record:
    lock = threading.Lock()
    kept: deque[tuple[str, str, str, float]] = deque(maxlen=100)

    def record(addr: str, reason: str, source: str) -> None:
        with lock:
            kept.append((addr, reason, source, time.time()))

    return record


def record(rounds: int) -> Result:
    baseline = _lock_and_append()
    return compare(
        _round_of(nocarrier.record_dial_failure, nocarrier.global_tracker(), PASSES),
        lambda: cpu_seconds(lambda: _pass_over_addresses(baseline, PASSES), per=PASSES * len(ADDRESSES)),
        rounds=rounds,
        unit="s",
    )


def record_new(rounds: int) -> Result:
    tracker, baseline, addresses = nocarrier.DialTracker(), _lock_and_append(), _never_seen()
    for addr in ADDRESSES:
        tracker.record(addr, "timeout", "seed")

    def work_of(record: Record, finish: Callable[[], object]) -> float:
        # Made here, as a peer's message makes them: the strings are new too, and their hashes not yet computed.
        new = list(itertools.islice(addresses, NEW_PER_ROUND))

        def work() -> None:
            for addr in new:
                record(addr, "timeout", "seed")
            finish()

        return cpu_seconds(work, per=NEW_PER_ROUND)

    return compare(
        lambda: work_of(tracker.record, tracker.totals),
        lambda: work_of(baseline, lambda: None),
        rounds=rounds,
        unit="s",
    )


def _never_seen() -> Iterator[str]:
    for number in itertools.count():
        yield f"{number >> 24 & 127 | 128}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:7072"


def _against(baseline: Record, rounds: int) -> Result:
    passes = PASSES_OF_SLOW_BASELINES
    return compare(
        _round_of(nocarrier.record_dial_failure, nocarrier.global_tracker(), passes),
        lambda: cpu_seconds(lambda: _pass_over_addresses(baseline, passes), per=passes * len(ADDRESSES)),
        rounds=rounds,
        unit="s",
    )


def record_vs_prometheus(rounds: int) -> Result:
    counter = prometheus_client.Counter(
        "dial_failures", "Failed dials.", ("reason", "source"), registry=prometheus_client.CollectorRegistry()
    )

    def increment(_addr: str, reason: str, source: str) -> None:
        counter.labels(reason, source).inc()

    return _against(increment, rounds)


def record_vs_logging(rounds: int) -> Result:
    # Text in memory, with the time in it: the least that says as much as a record does. A MemoryHandler would only
    # defer the formatting.
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("bench.record_vs_logging")
    logger.propagate = False
    logger.addHandler(handler)

    def log(addr: str, reason: str, source: str) -> None:
        logger.warning("dial to %s failed: %s, source %s", addr, reason, source)

    def one_round() -> float:
        text.seek(0)
        text.truncate()
        return cpu_seconds(lambda: _pass_over_addresses(log, 1), per=len(ADDRESSES))

    return compare(
        _round_of(nocarrier.record_dial_failure, nocarrier.global_tracker(), PASSES_OF_SLOW_BASELINES),
        one_round,
        rounds=rounds,
        unit="s",
    )


BENCHMARKS = (
    Benchmark(
        name="record",
        what="nocarrier.record_dial_failure, including counts, samples, standings and deferred work",
        baseline="lock, time.time(), deque.append of a tuple",
        goal=Goal(2.6, is_ceiling=True, aim=2.3),
        rounds=15,
        run=record,
    ),
    Benchmark(
        name="record_new",
        what="the same, each from an address never seen before, in a full tracker",
        baseline="lock, time.time(), deque.append of a tuple",
        goal=Goal(9.0, is_ceiling=True, aim=6.0),
        rounds=40,
        run=record_new,
    ),
    Benchmark(
        name="record_vs_prometheus",
        what="nocarrier.record_dial_failure",
        baseline="prometheus_client: labels(reason, source).inc()",
        goal=Goal(0.7, is_ceiling=True),
        rounds=40,
        run=record_vs_prometheus,
    ),
    Benchmark(
        name="record_vs_logging",
        what="nocarrier.record_dial_failure",
        baseline="logging.warning with three arguments into a StringIO",
        goal=Goal(0.1, is_ceiling=True),
        rounds=40,
        run=record_vs_logging,
    ),
)
