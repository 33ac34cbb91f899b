"""The metrics of dials. None of them has a peer in it."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from nocarrier.integrations.opentelemetry.attributes import metric_attributes
from nocarrier.model.event import DialEvent
from nocarrier.tracking import BUCKETS_S


class DialInstruments:
    """Duration of dials that ended, dials in flight, and dials that policy skipped."""

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            "nocarrier.dial.duration",
            unit="s",
            description="How long dials took that succeeded, failed or were cancelled.",
            explicit_bucket_boundaries_advisory=BUCKETS_S,
        )
        # Moved by differences and not read by a callback: a callback could not be taken back when the export ends.
        self._active = meter.create_up_down_counter(
            "nocarrier.dial.active", unit="{dial}", description="Dials that have begun and not ended."
        )
        self._skipped = meter.create_counter(
            "nocarrier.dial.skipped", unit="{dial}", description="Dials that policy kept from starting."
        )
        self._active_told = 0

    def count_ended(self, dial: DialEvent, context: Context | None = None) -> None:
        """Count a dial that ended; one without a duration is not counted, as 0 would be a lie.

        Args:
            dial: what became of it.
            context: of its span, which an exemplar then points to.
        """
        if dial.duration_s is not None:
            self._duration.record(dial.duration_s, metric_attributes(dial), context=context)

    def count_skip(self, skip: DialEvent) -> None:
        """Count a dial that did not start."""
        if skip.reason is not None:
            self._skipped.add(1, {"nocarrier.reason": skip.reason.value, "nocarrier.source": skip.source.value})

    def set_active(self, in_flight: int) -> None:
        """Tell how many dials are in flight now."""
        if in_flight != self._active_told:
            self._active.add(in_flight - self._active_told)
            self._active_told = in_flight
