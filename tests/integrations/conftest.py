"""A tracker whose dials are exported into memory."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import nocarrier
from nocarrier.integrations.opentelemetry import export_dials


@pytest.fixture
def tracker():
    return nocarrier.DialTracker()


class Telemetry:
    """Providers of a program, and what they received."""

    def __init__(self):
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)

    def export(self, tracker):
        return export_dials(tracker, tracer_provider=self.tracer_provider, meter_provider=self.meter_provider)

    def spans(self, name=None):
        """In the order in which they ended."""
        return [span for span in self._spans.get_finished_spans() if name in {None, span.name}]

    def dial(self):
        """The only dial, and its attempts."""
        [dial] = self.spans("dial")
        return dial, self.spans("attempt")

    def points(self, metric):
        """The data of a metric, one point for each set of attributes."""
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for each in scope.metrics
            if each.name == metric
            for point in each.data.data_points
        ]

    def shutdown(self):
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()


@pytest.fixture
def telemetry():
    made = Telemetry()
    yield made
    made.shutdown()


@pytest.fixture(autouse=True)
def sdk_is_content(caplog):
    """The SDK logs what it rejects, such as an attribute of an unsupported type."""
    yield
    said = [each for each in caplog.records if each.name.startswith("opentelemetry") and each.levelno > logging.INFO]
    assert not said, [each.getMessage() for each in said]
