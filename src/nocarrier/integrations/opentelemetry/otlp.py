"""Export over OTLP for programs that do not use OpenTelemetry themselves: sets up the SDK, and shuts it down in order.

A collector that is down delays no dial, costs little memory and does not fill the log. Spans wait in a bounded queue,
and no more are made while it is full. Metrics are sums, so the next export makes up for one that failed. The log says
once that the collector is down, and once that it is back.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import metric_exporter, trace_exporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from nocarrier.integrations.opentelemetry.exporter import VERSION, Exporter
from nocarrier.integrations.opentelemetry.spans import MAX_ATTEMPTS, span_count
from nocarrier.model import bounds
from nocarrier.model.event import DialEvent
from nocarrier.tracking import DialTracker

MAX_WAITING_SPANS = 4096
"""How many spans may wait for the collector, about 4 KB each (measured). Twice the SDK's default, because a burst of
dials arrives here all at once."""

SPANS_PER_REQUEST = 64
"""Encoding this many takes about 4 ms (measured), during which no other Python code runs. The SDK's default of 512
would block an event loop for longer."""

CLOSE_TIMEOUT_S = 3.0
"""How long `close` waits for the collector to take the last spans and metrics. The SDK would try for 30 s."""

_GIVE_UP_TIMEOUT_S = 1.0
"""How long `close` then waits for the senders to notice that they must give up."""

_log = logging.getLogger("nocarrier")

_Result = TypeVar("_Result")


class OtlpExporter(Exporter):
    """Sends spans and metrics to a collector. See `export_dials_over_otlp`.

    Attributes:
        lost_spans_total: spans that the collector did not accept, or that were not made because too many waited for it.
    """

    def __init__(
        self, tracker: DialTracker, service_name: str, *, service_version: str | None, instance_id: str | None
    ) -> None:
        resource = _resource(service_name, service_version or VERSION, instance_id or str(uuid.uuid4()))
        self._span_sender = _SpanSender()
        self._metric_sender = _MetricSender()
        self._queue = _SpanQueue(self._span_sender)
        self._not_made_total = 0
        # Neither provider shuts down at the exit of the program. `close` does that, with a deadline.
        self._tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracer_provider.add_span_processor(self._queue)
        reader = PeriodicExportingMetricReader(self._metric_sender)
        self._meter_provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._closed = False
        super().__init__(tracker, self._tracer_provider, self._meter_provider)

    @property
    def lost_spans_total(self) -> int:  # noqa: D102 - see the class
        return self._not_made_total + self._span_sender.lost_total

    def close(self) -> None:
        """Send everything recorded until now, and end. Waits at most about 4 seconds for the collector."""
        super().close()
        if self._closed:
            return
        self._closed = True
        endings = [
            threading.Thread(target=provider.shutdown, name="nocarrier-opentelemetry-end", daemon=True)
            for provider in (self._tracer_provider, self._meter_provider)
        ]
        for ending in endings:
            ending.start()
        if not _all_end(endings, CLOSE_TIMEOUT_S):
            self._span_sender.shutdown()  # ends the wait between two tries
            self._metric_sender.shutdown()
            _all_end(endings, _GIVE_UP_TIMEOUT_S)

    def _trace(self, dial: DialEvent) -> Context | None:
        if self._queue.waiting >= MAX_WAITING_SPANS:
            self._not_made_total += span_count(dial)
            return None
        return super()._trace(dial)


def _all_end(threads: Sequence[threading.Thread], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def _resource(name: str, version: str, instance_id: str) -> Resource:
    own = {"service.name": name, "service.version": version, "service.instance.id": instance_id}
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})


class _SpanQueue(BatchSpanProcessor):
    """The SDK's queue. It drops spans and logs that when full, so it has room for one dial more than may wait."""

    def __init__(self, sender: _SpanSender) -> None:
        super().__init__(
            sender, max_queue_size=MAX_WAITING_SPANS + 1 + MAX_ATTEMPTS, max_export_batch_size=SPANS_PER_REQUEST
        )
        self._sender = sender
        self._ended_total = 0

    def on_end(self, span: ReadableSpan) -> None:
        if span.context.trace_flags.sampled:
            self._ended_total += 1
        super().on_end(span)

    @property
    def waiting(self) -> int:
        """How many spans have not been sent or tried yet."""
        return self._ended_total - self._sender.taken_total


class _SpanSender(OTLPSpanExporter):
    """Counts the spans that it takes from the queue and those that it loses."""

    def __init__(self) -> None:
        super().__init__()
        self._collector = _Collector("spans")
        self.taken_total = 0
        self.lost_total = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken_total += len(spans)
        result = self._collector.send(partial(super().export, spans), SpanExportResult.SUCCESS)
        if result is not SpanExportResult.SUCCESS:
            self.lost_total += len(spans)
        return result

    def shutdown(self) -> None:
        with _sdk_says.held():  # the SDK logs a warning if this is called twice
            super().shutdown()  # type: ignore[no-untyped-call]


class _MetricSender(OTLPMetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self._collector = _Collector("metrics")

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        export = partial(super().export, metrics_data, timeout_millis, **kwargs)
        return self._collector.send(export, MetricExportResult.SUCCESS)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        with _sdk_says.held():
            super().shutdown(timeout_millis, **kwargs)


class _Collector:
    """Whether the collector accepts exports. Logs when that changes."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._takes = True

    def send(self, export: Callable[[], _Result], success: _Result) -> _Result:
        with _sdk_says.held() as said:
            result = export()
        takes = result is success
        if takes != self._takes:
            self._takes = takes
            if takes:
                _log.info("the OpenTelemetry collector accepts %s again", self._what)
            else:
                # The SDK's first message names the error; the following ones are about retries.
                why = bounds.text(said[0]) if said else "no answer"
                _log.warning("the OpenTelemetry collector does not accept %s: %s", self._what, why)
        return result


class _SdkSays(logging.Filter):
    """Holds back what the SDK logs about nocarrier's exports, a line or two for every try.

    It does so only for a thread inside `held`, because the program may have exporters of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_thread = threading.local()

    @contextmanager
    def held(self) -> Iterator[list[str]]:
        """Hold back the SDK's messages in the block, and collect them in the list."""
        said: list[str] = []
        self._of_thread.said = said
        try:
            yield said
        finally:
            self._of_thread.said = None

    def filter(self, record: logging.LogRecord) -> bool:
        said: list[str] | None = getattr(self._of_thread, "said", None)
        if said is None:
            return True
        said.append(record.getMessage())
        return False


_sdk_says = _SdkSays()
for _module in (trace_exporter, metric_exporter):
    logging.getLogger(_module.__name__).addFilter(_sdk_says)
