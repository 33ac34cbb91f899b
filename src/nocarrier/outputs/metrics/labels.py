"""The labels, each with a closed set of values, derived from the tables of reasons, sources and causes."""

from __future__ import annotations

from nocarrier.diagnosis import CAUSES
from nocarrier.model import version
from nocarrier.model.finding import HealthStatus, Severity
from nocarrier.model.node.counters import DialBackCount, Refusal
from nocarrier.model.node.state import BookState, Direction
from nocarrier.model.taxonomy import Kind, Reason, Source
from nocarrier.outputs.metrics.metric import Label
from nocarrier.tracking import DIAL_OUTCOMES, OTHER_PHASE, TIMED_PHASES

SOURCE = Label(name="source", values=tuple(Source))

OUTCOME = Label(name="outcome", values=DIAL_OUTCOMES)

PHASE = Label(name="phase", values=(*TIMED_PHASES, OTHER_PHASE))

FAILURE_REASON = Label(
    name="reason",
    values=tuple(reason for reason in Reason if reason.kind is not Kind.CANCELLED),
    # A host name can resolve to an address that policy forbids. The dial has begun by then, so it fails.
    seldom=frozenset(reason for reason in Reason if reason.kind is not Kind.FAILURE),
)

SKIP_REASON = Label(name="reason", values=tuple(reason for reason in Reason if reason.kind is Kind.SKIP))

DIRECTION = Label(name="direction", values=tuple(Direction))

BOOK_STATE = Label(name="state", values=tuple(BookState))

REFUSAL = Label(name="what", values=tuple(Refusal))

DIAL_BACK = Label(name="what", values=tuple(DialBackCount))

CODE = Label(name="code", values=tuple(cause.code for cause in CAUSES))

STATUS = Label(name="status", values=tuple(HealthStatus))

SEVERITY = Label(name="severity", values=tuple(Severity))

LOST_BY_HISTORY = "history"

LOST_BY = Label(name="cause", values=("subscriber_slow", "ended_twice", "recorder_error", LOST_BY_HISTORY))
"""The causes in `Snapshot.dropped`, and events that the history could not write."""

VERSION = Label(name="version", values=(version.VERSION,))
