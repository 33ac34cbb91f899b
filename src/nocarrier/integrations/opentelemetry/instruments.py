"""The metrics of dials. None of them has an attribute that names a peer."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from nocarrier.integrations.opentelemetry.attributes import metric_attributes
from nocarrier.model.event import DialEvent
from nocarrier.tracking import BUCKETS_S


class DialInstruments:
    """Durations of dials that ended, the number of dials in flight, and skips."""

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            "nocarrier.dial.duration",
            unit="s",
            description="How long dials took that have ended.",
            explicit_bucket_boundaries_advisory=BUCKETS_S,
        )
        # Counted up and down instead of read by a callback, because a callback cannot be removed when the export ends.
        self._active = meter.create_up_down_counter(
            "nocarrier.dial.active", unit="{dial}", description="Dials that have begun and not ended yet."
        )
        self._skipped = meter.create_counter(
            "nocarrier.dial.skipped", unit="{dial}", description="Dials that policy prevented."
        )
        self._active_told = 0

    def count_ended(self, dial: DialEvent, context: Context | None = None) -> None:
        """Count a dial that ended. A dial without a known duration is not counted, because 0 would be wrong.

        Args:
            dial: the event that ended it.
            context: the context of its span, for an exemplar that points to it.
        """
        if dial.duration_s is not None:
            self._duration.record(dial.duration_s, metric_attributes(dial), context=context)

    def count_skip(self, skip: DialEvent) -> None:
        """Count a skip."""
        if skip.reason is not None:
            self._skipped.add(1, {"nocarrier.reason": skip.reason.value, "nocarrier.source": skip.source.value})

    def set_active(self, in_flight: int) -> None:
        """Set how many dials are in flight now."""
        if in_flight != self._active_told:
            self._active.add(in_flight - self._active_told)
            self._active_told = in_flight
