"""One event as a table row for people."""

from __future__ import annotations

from nocarrier.cli.render.evidence import in_words
from nocarrier.cli.render.text import clock_time, took_in_words
from nocarrier.model.event import DialEvent, DialFailure
from nocarrier.model.wording.numbers import SHOWN_ID_DIGITS

COLUMNS = ("time", "address", "outcome", "from", "what is known")

WIDTHS = (8, 21, 20, 10, 0)
"""Characters that are enough for most cells of each column, for rows that are printed one by one."""


def event_row(event: DialEvent) -> tuple[str, str, str, str, str]:
    """The cells of `event`. They may be hostile."""
    via = f" via {event.via}" if event.via else ""
    return (clock_time(event.at_unix), event.addr, outcome(event), event.source + via, what_is_known(event))


def outcome(event: DialEvent) -> str:
    """The reason, or the kind of event where there is none."""
    return event.reason or event.kind


def what_is_known(event: DialEvent) -> str:
    """Phase, blame, evidence, how long it took and how often it was seen, as far as they are known."""
    took = took_in_words(event.duration_s)
    if event.reason is None:
        node = f"node {event.node_id[:SHOWN_ID_DIGITS]}…" if event.node_id else ""
        return ", ".join(filter(None, (took, node)))
    parts = (event.phase, event.blame and f"blame {event.blame}", took, repeats_in_words(event))
    known = evidence_of(event)
    return ", ".join(filter(None, parts)) + (f": {known}" if known else "")


def repeats_in_words(event: DialEvent) -> str:
    """How often an entry of the record was seen; empty if once."""
    return f"{event.repeats} times" if isinstance(event, DialFailure) and event.repeats > 1 else ""


def evidence_of(event: DialEvent) -> str:
    """The evidence in words, or the detail; may be hostile."""
    return in_words({"evidence": event.evidence, "detail": event.detail})
