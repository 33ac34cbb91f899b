"""What a metric is: declared once, with the labels that it can have and how its values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from nocarrier.tracking import Histogram

T = TypeVar("T")
"""What the values are read from."""

Values: TypeAlias = Mapping[tuple[str, ...], float | Histogram]
"""A value for each combination of label values, in the order of the labels; of a histogram all are histograms."""


class MetricType(StrEnum):
    """How Prometheus treats the values."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label, with every value that it can have: never a peer, an address or a text of somebody else."""

    name: str
    values: tuple[str, ...]
    seldom: frozenset[str] = frozenset()
    """Those of `values` that have no series before they occur; all others begin with 0."""

    @property
    def from_start(self) -> tuple[str, ...]:
        """The values that have a series from the start, so that the first occurrence counts in a rate."""
        return tuple(value for value in self.values if value not in self.seldom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[T]):
    """One row of the table."""

    name: str
    """As queries write it."""
    type: MetricType
    help: str
    """What it tells, and how it adds up."""
    read: Callable[[T], Values]
    """What is not in its answer is 0."""
    labels: tuple[Label, ...] = ()
    unit: str = ""
    """Base unit, seconds or bytes; empty: a count."""
