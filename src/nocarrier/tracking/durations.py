"""How long dials and their phases took: counts by bucket, whose size does not grow with the number of dials."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from nocarrier.model.taxonomy import Kind, Outcome, Phase
from nocarrier.tracking.record import CELL, DETAILS, DURATION_S, Record

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 3.5, 5.5, 11.0, 16.0, 21.0, 41.0, 61.0)
"""Upper bounds, inclusive. Up to 2.5 s they separate round trips, as Prometheus clients do by default. Beyond that they
lie just above the times at which dials usually stop, because a deadline of 10 s is noticed a little after 10 s:

- 3.5: nobody answers ARP for some 3.05 s; ETIMEDOUT after one more SYN, 3.07 s (measured, Linux 6.18)
- 5.5, 11, 16, 21: deadlines of 5, 10, 12 and 15, and 20 s
- 41: our handshake window of 36 s
- 61: the longest that one of our dials takes with default settings
"""


TIMED_PHASES = (Phase.RESOLVE.value, Phase.CONNECT.value, Phase.SECURE.value, Phase.HANDSHAKE.value)
"""Phases that take time, as `dial` names them."""

OTHER_PHASE = "other"
"""Every phase that a program has named itself; only a few names are kept here."""

_ENDS = tuple(kind for kind in Kind if kind.ends_dial)

DIAL_OUTCOMES = tuple(kind.outcome for kind in _ENDS)
"""How a dial that began can have ended; the names are those of `Totals`."""


class Histogram:
    """Counts by bucket, and the sum.

    Attributes:
        counts: how many durations fell into each bucket of `BUCKETS_S` and above the last; not cumulative.
        sum_s: the sum of all durations.
    """

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[int]:
        """How many durations were at most as long as each bucket's bound; the last number is the count of all."""
        return list(accumulate(self.counts))

    def copy(self) -> Histogram:
        """A copy that does not change with this one."""
        copied = Histogram()
        copied.counts, copied.sum_s = self.counts.copy(), self.sum_s
        return copied


class Durations:
    """Histograms of ended dials by outcome, and of their phases by name."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._dials = {kind: Histogram() for kind in _ENDS}
        self._phases = {name: Histogram() for name in (*TIMED_PHASES, OTHER_PHASE)}

    def take_in(self, record: Record) -> None:
        """Count a `record` that has a duration; a skip or an early disconnect does not end a dial."""
        histogram, duration_s, details = self._dials.get(record[CELL].kind), record[DURATION_S], record[DETAILS]
        if histogram is None or duration_s is None:
            return
        histogram.observe(duration_s)
        if details is not None:
            names_and_seconds: Iterator[Any] = iter(details[-1])
            for name in names_and_seconds:
                (self._phases.get(name) or self._phases[OTHER_PHASE]).observe(next(names_and_seconds))

    def dials(self) -> dict[Outcome, Histogram]:
        """Dials that ended and whose duration is known."""
        return {kind.outcome: histogram.copy() for kind, histogram in self._dials.items()}

    def phases(self) -> dict[str, Histogram]:
        """The phases of the dials that ended."""
        return {name: histogram.copy() for name, histogram in self._phases.items()}
