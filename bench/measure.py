"""How two things are compared on a machine that is busy with other work too.

Subject and baseline take turns in many short rounds whose order alternates, so that anything that slows the machine for
a while slows both. The result is the median of the ratios of neighbouring rounds, so a disturbed round does not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a result compares with its goal."""

    MISSED = "MISSED"
    MET = "met"
    AIM_MET = "aim met"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a result must achieve."""

    must: float
    is_ceiling: bool
    """Whether `must` is an upper limit; otherwise it is a lower limit."""
    aim: float | None = None
    """The limit that we would like to reach beyond it."""
    of_ratio: bool = True
    """Whether the limits apply to the ratio; otherwise they apply to the value."""

    def verdict(self, result: Result) -> Verdict:
        if not self._holds(self.must, result):
            return Verdict.MISSED
        return Verdict.AIM_MET if self.aim is not None and self._holds(self.aim, result) else Verdict.MET

    def _holds(self, limit: float, result: Result) -> bool:
        measured = result.ratio if self.of_ratio else result.value
        assert measured is not None, "a goal for a ratio needs a baseline"
        return measured <= limit if self.is_ceiling else measured >= limit

    def text(self, shown: Callable[[float], str]) -> str:
        """The goal in words, each limit formatted by `shown`."""
        aim = "" if self.aim is None else f", aim {shown(self.aim)}"
        return f"{'at most' if self.is_ceiling else 'at least'} {shown(self.must)}{aim}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured, in base units: seconds, bytes, or things per second."""

    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    """The median of the ratios of neighbouring rounds, so not simply value / baseline."""
    more: Mapping[str, float] = field(default_factory=dict)
    """Other numbers worth knowing, in the same unit unless the name says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One row of `bench/results.json`."""

    name: str
    what: str
    baseline: str
    goal: Goal
    rounds: int
    run: Callable[[int], Result]
    """Called with the number of rounds."""


Measured = Callable[[], float]
"""Runs one round and returns the measurement."""


def compare(subject: Measured, baseline: Measured, *, rounds: int, unit: str) -> Result:
    """Run both in turns, after one round of each that does not count."""
    subject(), baseline()
    subjects, baselines = [], []
    for number in range(rounds):
        if number % 2:
            baselines.append(baseline())
            subjects.append(subject())
        else:
            subjects.append(subject())
            baselines.append(baseline())
    return Result(
        value=statistics.median(subjects),
        unit=unit,
        baseline=statistics.median(baselines),
        ratio=statistics.median(mine / other for mine, other in zip(subjects, baselines, strict=True)),
    )


def cpu_seconds(work: Callable[[], Any], *, per: int) -> float:
    """Processor time of this thread for `work`, divided by `per`.

    For work in one thread that waits for nothing, this is what a wall clock would show on an idle machine; on a busy
    one it leaves out the time in which others had the processor.
    """
    started = time.thread_time()
    work()
    return (time.thread_time() - started) / per
