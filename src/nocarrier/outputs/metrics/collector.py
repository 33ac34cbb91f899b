"""Turns the table of metrics into the families that prometheus_client writes out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from nocarrier.model.finding import Diagnosis
from nocarrier.model.history import HistoryState, HistoryStatus
from nocarrier.model.node.state import NodePort
from nocarrier.outputs.metrics.metric import Metric, MetricType
from nocarrier.outputs.metrics.table import OF_DIAGNOSIS, OF_DIALS, OF_HISTORY, OF_NODE, NodeReading, Recorded
from nocarrier.tracking import BUCKETS_S, DialTracker, Histogram

T = TypeVar("T")

_UPPER_BOUNDS = (*map(str, BUCKETS_S), "+Inf")


class DialCollector(Collector):
    """All metrics, read at each scrape. Register it in the program's registry.

    Args:
        tracker: has the dials.
        node: has the peers; None: the program has no nocarrier node, and the node's metrics are left out. A node may
            only be read in its own event loop, so collect there.
        diagnosis: returns the present findings; if it returns None, metrics of findings are left out.
        history: returns the state of the history; if it returns None, metrics of the history are left out.
    """

    def __init__(
        self,
        tracker: DialTracker,
        node: NodePort | None = None,
        *,
        diagnosis: Callable[[], Diagnosis | None] = lambda: None,
        history: Callable[[], HistoryStatus | None] = lambda: None,
    ) -> None:
        self._tracker = tracker
        self._node = node
        self._diagnosis = diagnosis
        self._history = history

    def collect(self) -> Iterator[Family]:
        """Read everything once, and yield the families in the order of the table."""
        history = self._history()
        lost_by_history = history.dropped_total if history is not None else 0
        yield from _families(OF_DIALS, Recorded(tally=self._tracker.tally(), lost_by_history=lost_by_history))
        if self._node is not None:
            yield from _families(OF_NODE, NodeReading(state=self._node.state(), book=self._node.book_counts()))
        diagnosis = self._diagnosis()
        if diagnosis is not None:
            yield from _families(OF_DIAGNOSIS, diagnosis)
        if history is not None and history.state is not HistoryState.OFF:
            yield from _families(OF_HISTORY, history)


def exposition(
    tracker: DialTracker,
    node: NodePort | None = None,
    diagnosis: Diagnosis | None = None,
    history: HistoryStatus | None = None,
    *,
    accept: str = "",
) -> tuple[bytes, str]:
    """Return the answer to one scrape: its body and its content type.

    Args:
        tracker: has the dials.
        node: has the peers; it is read during the call, so call this in its event loop.
        diagnosis: the present findings.
        history: the present state of the history.
        accept: the Accept header of the request, which decides between Prometheus text and OpenMetrics.
    """
    encode, content_type = choose_encoder(accept)
    return encode(DialCollector(tracker, node, diagnosis=lambda: diagnosis, history=lambda: history)), content_type


def _families(metrics: Iterable[Metric[T]], reading: T) -> Iterator[Family]:
    for metric in metrics:
        nothing = Histogram() if metric.type is MetricType.HISTOGRAM else 0
        zeros = itertools.product(*(label.from_start for label in metric.labels))
        family = _family(metric)
        for values, value in {**dict.fromkeys(zeros, nothing), **metric.read(reading)}.items():
            _add(family, values, value)
        yield family


def _family(metric: Metric[T]) -> Family:
    names = [label.name for label in metric.labels]
    if metric.type is MetricType.COUNTER:
        return CounterMetricFamily(metric.name, metric.help, labels=names)
    if metric.type is MetricType.GAUGE:
        return GaugeMetricFamily(metric.name, metric.help, labels=names, unit=metric.unit)
    if metric.type is MetricType.HISTOGRAM:
        return HistogramMetricFamily(metric.name, metric.help, labels=names, unit=metric.unit)
    return InfoMetricFamily(metric.name.removesuffix("_info"), metric.help, labels=names)


def _add(family: Family, values: tuple[str, ...], value: float | Histogram) -> None:
    if isinstance(family, HistogramMetricFamily):
        assert isinstance(value, Histogram)
        family.add_metric(values, list(zip(_UPPER_BOUNDS, value.cumulative(), strict=True)), value.sum_s)
    elif isinstance(family, InfoMetricFamily):
        family.add_metric(values, {})
    else:
        assert isinstance(family, CounterMetricFamily | GaugeMetricFamily)
        assert not isinstance(value, Histogram)
        family.add_metric(values, value)
