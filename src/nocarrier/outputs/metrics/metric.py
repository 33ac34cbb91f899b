"""The declaration of a metric: its labels, and how its values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from nocarrier.tracking import Histogram

T = TypeVar("T")
"""The type that the values are read from."""

Values: TypeAlias = Mapping[tuple[str, ...], float | Histogram]
"""A value for each combination of label values, in the order of the labels; for a histogram, each is a histogram."""


class MetricType(StrEnum):
    """How Prometheus treats the values."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label with every value that it can have: never a peer, an address or other people's text."""

    name: str
    values: tuple[str, ...]
    seldom: frozenset[str] = frozenset()
    """Values whose series start only when they first occur; the series of all other values start at 0."""

    @property
    def from_start(self) -> tuple[str, ...]:
        """The values that have a series from the start, so that a rate includes their first occurrence."""
        return tuple(value for value in self.values if value not in self.seldom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[T]):
    """One row of the table."""

    name: str
    """The name as written in queries."""
    type: MetricType
    help: str
    """What the metric measures, and which sums hold."""
    read: Callable[[T], Values]
    """Reads the values. Combinations of labels that it leaves out are 0."""
    labels: tuple[Label, ...] = ()
    unit: str = ""
    """The base unit, seconds or bytes; empty: a count."""
