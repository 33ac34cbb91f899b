"""How two things are compared on a machine that does other work too.

Subject and baseline run in turns, in many short rounds whose order alternates, so that whatever slows the machine for
a while slows both. Of the ratios of neighbouring rounds the median counts, so that a disturbed round does not.
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
    """What a result has to keep to."""

    must: float
    is_ceiling: bool
    """At most `must`; else at least."""
    aim: float | None = None
    """What we are after beyond it."""
    of_ratio: bool = True
    """Of the ratio; else of the value."""

    def verdict(self, result: Result) -> Verdict:
        if not self._holds(self.must, result):
            return Verdict.MISSED
        return Verdict.AIM_MET if self.aim is not None and self._holds(self.aim, result) else Verdict.MET

    def _holds(self, limit: float, result: Result) -> bool:
        measured = result.ratio if self.of_ratio else result.value
        assert measured is not None, "a goal for a ratio needs a baseline"
        return measured <= limit if self.is_ceiling else measured >= limit

    def text(self, shown: Callable[[float], str]) -> str:
        """The goal in words, each limit as `shown` writes it."""
        aim = "" if self.aim is None else f", aim {shown(self.aim)}"
        return f"{'at most' if self.is_ceiling else 'at least'} {shown(self.must)}{aim}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured, in base units: seconds, bytes, or things per second."""

    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    """Median of the ratios of neighbouring rounds, so not just value / baseline."""
    more: Mapping[str, float] = field(default_factory=dict)
    """What else is worth knowing, in the same unit where the name says no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One row of `bench/results.json`."""

    name: str
    what: str
    baseline: str
    goal: Goal
    rounds: int
    run: Callable[[int], Result]
    """Takes the number of rounds."""


Measured = Callable[[], float]
"""Runs one round and returns what was measured."""


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

    For work of one thread that waits for nothing this is what the clock on the wall would show on an idle machine; on
    a busy one it leaves out the time for which others had the processor.
    """
    started = time.thread_time()
    work()
    return (time.thread_time() - started) / per
