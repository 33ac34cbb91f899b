"""Converts events to rows and back."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

import msgspec

from nocarrier.model.event import Attempt, DialEvent
from nocarrier.model.fault import Evidence
from nocarrier.model.history import StoredEvent
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source

COLUMNS = (
    "id",
    "run",
    "seq",
    "at_unix",
    "kind",
    "source",
    "phase",
    "reason",
    "blame",
    "addr",
    "via",
    "dial_id",
    "duration_s",
    "detail",
    "node_id",
    "penalised",
    "more",
)
"""Columns of the table event, in the order of `EventRow`."""

IDENTITY = "(SELECT identity FROM run WHERE run.id = run)"
"""SQL for the random id of the run that a row of event or finding belongs to. It is not a join, because that would
change which index SQLite uses."""

SELECTED = ", ".join(IDENTITY if column == "run" else column for column in COLUMNS)
"""The columns to select from event for `to_event`."""

SHOWN = "at_unix >= (SELECT at_unix FROM horizon)"
"""SQL condition for events that are shown; the others will soon be deleted."""

EventRow: TypeAlias = tuple[Any, ...]
"""One value for each of `COLUMNS`."""

MinuteKey: TypeAlias = tuple[int, str, str, str, str]
"""The key by which the table minute counts: minute, kind, source, phase, reason."""

KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}

MINUTE_S = 60
HOUR_S = 3_600


class _More(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The parts of an event that cannot be filtered by; kept as JSON."""

    attempts: tuple[Attempt, ...] = ()
    evidence: dict[str, Any] = {}
    phases_s: dict[str, float] = {}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_More).decode


def to_row(event: DialEvent, place: int, run: int) -> EventRow:
    """Return `event` as the row with the id `place`, in the run with the id `run`."""
    more = None
    if event.attempts or event.phases_s or event.evidence:
        more = _encode(
            _More(attempts=event.attempts, evidence=event.evidence, phases_s=event.phases_s)  # type: ignore[arg-type]
        ).decode()
    # `_value_` is plain text; for any other type, even a subclass of str, sqlite3 looks for an adapter. And unlike
    # `value` it is not a property, which would be called five times for each row.
    phase, reason, blame = event.phase, event.reason, event.blame
    return (
        place,
        run,
        event.seq,
        event.at_unix,
        event.kind._value_,
        event.source._value_,
        phase and phase._value_,
        reason and reason._value_,
        blame and blame._value_,
        event.addr,
        event.via,
        event.dial_id,
        event.duration_s,
        event.detail,
        event.node_id,
        int(event.penalised),
        more,
    )


def minute_of(row: EventRow) -> MinuteKey:
    """Return the key under which `row` counts."""
    return int(row[3]) // MINUTE_S * MINUTE_S, row[4], row[5], row[6] or "", row[7] or ""


def to_event(row: EventRow) -> StoredEvent:
    """Return the event in `row`, which has the columns of `SELECTED`."""
    place, run, seq, at_unix, kind, source, phase, reason, blame = row[:9]
    addr, via, dial_id, duration_s, detail, node_id, penalised, more = row[9:]
    rest = _more(more)
    return StoredEvent(
        id=place,
        run=run,
        seq=seq,
        kind=KINDS[kind],
        outcome=KINDS[kind].outcome,
        addr=addr,
        source=member(Source, source) or Source.OTHER,
        via=via,
        at_unix=at_unix,
        timestamp_unix=int(at_unix),
        dial_id=dial_id,
        reason=(member(Reason, reason) or Reason.OTHER) if reason else None,
        phase=member(Phase, phase),
        blame=member(Blame, blame),
        detail=detail,
        duration_s=duration_s,
        node_id=node_id,
        penalised=bool(penalised),
        attempts=rest.attempts,
        evidence=Evidence(**rest.evidence),  # type: ignore[typeddict-item]
        phases_s=rest.phases_s,
    )


def _more(text: str | None) -> _More:
    if text is None:
        return _More()
    try:
        return _decode(text)
    except msgspec.ValidationError:  # written by a newer nocarrier: leave out what this one does not know
        plain = msgspec.json.decode(text)
        return _More(evidence=plain.get("evidence", {}), phases_s=plain.get("phases_s", {}))


_Member = TypeVar("_Member", bound=StrEnum)


@functools.cache
def member(words: type[_Member], text: str | None) -> _Member | None:
    """Return the word for `text`; None if there is no text, or only a newer nocarrier knows the word."""
    try:
        return words(text) if text is not None else None
    except ValueError:
        return None
