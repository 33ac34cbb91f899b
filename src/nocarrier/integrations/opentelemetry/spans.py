"""A dial as a trace: one span for the dial, and below it one for the attempt at each address."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from nocarrier.integrations.opentelemetry.attributes import attempt_attributes, dial_attributes
from nocarrier.model.bounds import MAX_SECONDS
from nocarrier.model.event import Attempt, DialEvent
from nocarrier.model.taxonomy import Kind, Reason

MAX_ATTEMPTS = 32
"""How many attempts of a dial get a span. One name gives at most 16 addresses; ``nocarrier.attempts`` counts all."""


def span_count(dial: DialEvent) -> int:
    """Return how many spans `trace_dial` makes of `dial`."""
    return 1 + min(len(dial.attempts), MAX_ATTEMPTS)


def trace_dial(tracer: Tracer, dial: DialEvent) -> Context:
    """Make the spans of a dial that has ended, and return the context of its own span, for exemplars.

    The dial's span is a root span, because an event does not record which span of the program was active.
    """
    end_ns = int(dial.at_unix * 1e9)
    start_ns = max(0, end_ns - _nanoseconds(dial.duration_s or 0.0))
    span = tracer.start_span(
        "dial", context=Context(), kind=SpanKind.CLIENT, attributes=dial_attributes(dial), start_time=start_ns
    )
    within = set_span_in_context(span, Context())
    if span.is_recording():
        for attempt in dial.attempts[:MAX_ATTEMPTS]:
            _trace_attempt(tracer, attempt, within, start_ns)
        if dial.reason is not None:
            _set_status(span, dial.reason, dial.kind)
    span.end(end_ns)
    return within


def _trace_attempt(tracer: Tracer, attempt: Attempt, within: Context, dial_start_ns: int) -> None:
    start_ns = dial_start_ns + _nanoseconds(attempt.started_s)
    # Not of kind client: a map of services drawn from client spans would show every dial twice.
    span = tracer.start_span("attempt", context=within, attributes=attempt_attributes(attempt), start_time=start_ns)
    if attempt.reason is not None:
        _set_status(span, attempt.reason, attempt.reason.kind)
    span.end(start_ns + _nanoseconds(attempt.duration_s))


def _set_status(span: Span, reason: Reason, kind: Kind) -> None:
    """Mark a failure as an error. A cancelled or skipped dial is neither an error nor a success: it has no status."""
    if kind is Kind.FAILURE:
        span.set_status(Status(StatusCode.ERROR, reason.meaning))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9) if 0 <= seconds <= MAX_SECONDS else 0
