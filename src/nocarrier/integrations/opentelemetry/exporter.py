"""The thread that reads what was recorded and makes spans and metrics of it, so that no dial has to."""

from __future__ import annotations

import logging
import threading
import time
from importlib.metadata import version
from types import TracebackType
from typing import Self

from opentelemetry import metrics, trace
from opentelemetry.context import Context

from nocarrier.integrations.opentelemetry.instruments import DialInstruments
from nocarrier.integrations.opentelemetry.spans import trace_dial
from nocarrier.model.event import DialEvent
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import Kind
from nocarrier.supervision import Supervisor
from nocarrier.tracking import DialTracker

POLL_INTERVAL_S = 0.25
"""How long an event waits at most, if the exporter keeps up; whoever looks at traces does not see the difference."""

MAX_WAITING_EVENTS = 8192
"""Events that may wait: what is exported in a second or two. Of more, the oldest are dropped and counted in the
tracker's ``dropped.subscriber_slow``."""

VERSION = version("nocarrier")

_SCOPE = "nocarrier"

_log = logging.getLogger("nocarrier")


class Exporter:
    """Makes spans and metrics of every dial that `tracker` records, until it is closed. See `export_dials`.

    Attributes:
        errors_total: events of which no span or metric could be made, which is a bug; the first is logged.
    """

    def __init__(
        self,
        tracker: DialTracker,
        tracer_provider: trace.TracerProvider | None,
        meter_provider: metrics.MeterProvider | None,
    ) -> None:
        self.errors_total = 0
        self._tracker = tracker
        self._tracer = trace.get_tracer(_SCOPE, VERSION, tracer_provider)
        self._instruments = DialInstruments(metrics.get_meter(_SCOPE, VERSION, meter_provider))
        self._events = tracker.subscribe(capacity=MAX_WAITING_EVENTS, polled=True)
        self._closing = threading.Event()
        self._supervisor = Supervisor()
        self._thread = threading.Thread(
            target=self._supervisor.run_in_thread,
            args=("OpenTelemetry exporter", self._run, self._closing),
            name="nocarrier-opentelemetry",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Hand over what was recorded until now, and end. May be called again.

        Providers that were given, or are the program's, stay as they are: flush and end them afterwards.
        """
        self._closing.set()
        self._thread.join()

    def tasks(self) -> tuple[TaskState, ...]:
        """The thread of the exporter, whether it works; from any thread."""
        return self._supervisor.states()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._closing.wait(POLL_INTERVAL_S):
            self._export_waiting()
        self._export_waiting()
        self._events.close()
        self._instruments.set_active(0)  # dials may go on, but nobody would say when they end

    def _export_waiting(self) -> None:
        events = self._events.drain()
        for event in events:
            try:
                self._export(event)
            except Exception:  # noqa: BLE001 - one event that cannot be told must not keep the others from it
                self._count_error()
            # Let go of the interpreter's lock, else an event loop that dials waits 5 ms for it each time it has waited
            # for the network. Measured at 700 dials a second: the slowest of a hundred takes some 1 ms and not 6 ms.
            time.sleep(0)
        if events:  # else no dial began or ended
            self._instruments.set_active(self._tracker.totals().in_flight)

    def _export(self, event: DialEvent) -> None:
        if event.kind.ends_dial:
            self._instruments.count_ended(event, self._trace(event))
        elif event.kind is Kind.SKIP:
            self._instruments.count_skip(event)

    def _trace(self, dial: DialEvent) -> Context | None:
        """The context of the span that was made, if one was."""
        return trace_dial(self._tracer, dial)

    def _count_error(self) -> None:
        self.errors_total += 1
        if self.errors_total == 1:
            _log.exception("nocarrier could not export a dial to OpenTelemetry; further ones are counted")


def export_dials(
    tracker: DialTracker,
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> Exporter:
    """Make spans and metrics of every dial that `tracker` records from now on; close what this returns when done.

    A thread of its own does it a few times a second. Recording neither waits for it nor sees its errors.

    Args:
        tracker: whose dials to export.
        tracer_provider: makes the spans; None: the global one, whenever the program sets it.
        meter_provider: makes the metrics; None: the global one, whenever the program sets it.
    """
    return Exporter(tracker, tracer_provider, meter_provider)
