"""The exporter inside a program: its providers, its threads, its errors, and missing packages."""

from __future__ import annotations

import subprocess
import sys
import threading

from opentelemetry.sdk.trace import SpanProcessor

WITHOUT = """
import sys
sys.modules["{module}"] = None
"""

GLOBAL_PROVIDERS = """
import nocarrier
from nocarrier.integrations.opentelemetry import export_dials

assert "opentelemetry.sdk" not in sys.modules, "the API is enough"
tracker = nocarrier.DialTracker()
exporter = export_dials(tracker)  # before the program has set up its providers

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([reader]))
tracker.record("198.18.0.1:7072", "timeout", "seed", duration_s=1.0)
exporter.close()
print([span.name for span in spans.get_finished_spans()])
print([each.name for each in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics])
"""

NO_PROVIDERS = """
import nocarrier
from nocarrier.integrations.opentelemetry import export_dials, export_dials_over_otlp

tracker = nocarrier.DialTracker()
with export_dials(tracker) as exporter:
    tracker.record("198.18.0.1:7072", "timeout", "seed", duration_s=1.0)
print(exporter.errors_total)
try:
    export_dials_over_otlp(tracker)
except ImportError as error:
    print(error)
"""


def run(script):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_without_providers_it_uses_the_programs_own_whenever_they_are_set():
    assert run("import sys" + GLOBAL_PROVIDERS) == ["['dial']", "['nocarrier.dial.duration']"]


def test_the_api_alone_is_enough_and_says_what_the_rest_needs():
    errors, said = run(WITHOUT.format(module="opentelemetry.sdk") + NO_PROVIDERS)
    assert errors == "0"
    assert said.startswith("sending over OTLP needs opentelemetry.sdk")
    assert said.endswith("which is not installed; run: pip install 'nocarrier[otel]'")


def test_without_opentelemetry_the_import_says_what_to_install():
    script = WITHOUT.format(module="opentelemetry") + (
        "import nocarrier\n"
        "try:\n    import nocarrier.integrations.opentelemetry\nexcept ImportError as error:\n    print(error)"
    )
    [said] = run(script)
    assert said.startswith("exporting to OpenTelemetry needs opentelemetry")
    assert said.endswith("which is not installed; run: pip install 'nocarrier[otel]'")


def test_it_ends_when_closed_and_only_once(tracker, telemetry):
    before = set(threading.enumerate())
    with telemetry.export(tracker) as exporter:
        [thread] = set(threading.enumerate()) - before
        assert thread.daemon, "a program that forgets to close it still ends"
        exporter.close()
        assert set(threading.enumerate()) == before
    tracker.record("198.18.0.1:7072", "timeout", "seed")
    exporter.close()
    assert telemetry.spans() == []
    assert not len(tracker._subscriptions)


class Failing(SpanProcessor):
    """A broken exporter of another library."""

    def __init__(self, times):
        self.times = times

    def on_end(self, span):
        self.times -= 1
        if self.times >= 0:
            raise ZeroDivisionError


def test_an_error_of_another_library_neither_ends_it_nor_reaches_a_dial(tracker, telemetry, caplog):
    telemetry.tracer_provider._active_span_processor._span_processors = (
        Failing(2),
        *telemetry.tracer_provider._active_span_processor._span_processors,
    )
    with telemetry.export(tracker) as exporter:
        for _ in range(5):
            tracker.record("198.18.0.1:7072", "timeout", "seed")
    assert exporter.errors_total == 2
    assert len(telemetry.spans("dial")) == 3
    assert [each.name for each in caplog.records] == ["nocarrier"], "said once"
    assert tracker.totals().failed == 5


def test_importing_nocarrier_loads_nothing_of_opentelemetry():
    assert run("import sys, nocarrier; print([name for name in sys.modules if 'telemetry' in name])") == ["[]"]
