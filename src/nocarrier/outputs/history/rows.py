"""An event as a row, and back."""

from __future__ import annotations

import functools
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

import msgspec

from nocarrier.model.event import Attempt, DialEvent, DialFailure, DialStarted
from nocarrier.model.fault import Evidence
from nocarrier.model.history import StoredEvent
from nocarrier.model.recorded_event import EventKind
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source

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
"""Of the table event, in the order of `Row`."""

Row: TypeAlias = tuple[Any, ...]
"""One value for each of COLUMNS."""

MinuteKey: TypeAlias = tuple[int, str, str, str, str]
"""What the table minute counts by: minute, kind, source, phase, reason."""

MINUTE_S = 60
HOUR_S = 3_600


class _More(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What no filter asks for; kept as JSON."""

    attempts: tuple[Attempt, ...] = ()
    evidence: dict[str, Any] = {}
    phases_s: dict[str, float] = {}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_More).decode


def to_row(event: DialEvent, place: int, run: int) -> Row:
    """`event` as the row with the id `place`."""
    if isinstance(event, DialStarted):
        beginning = (place, run, event.seq, event.at_unix, "started", event.source._value_, None, None, None)
        return (*beginning, event.addr, event.via, event.dial_id, None, None, None, 0, None)
    more = None
    if event.attempts or event.phases_s or (isinstance(event, DialFailure) and event.evidence):
        evidence = event.evidence if isinstance(event, DialFailure) else {}
        more = _encode(
            _More(attempts=event.attempts, evidence=evidence, phases_s=event.phases_s)  # type: ignore[arg-type]
        ).decode()
    if isinstance(event, DialFailure):
        # Plain text: SQLite's binding looks for an adapter of every other type, subclasses of text included. And
        # `_value_` is `value` without the call of a property, of which there would be five for each row.
        what: tuple[str | None, ...] = (
            event.kind._value_,
            event.source._value_,
            event.phase._value_,
            event.reason._value_,
            event.blame._value_,
        )
        detail, penalised = event.detail, int(event.penalised)
    else:
        what = ("succeeded", event.source._value_, "session", None, "none")
        detail, penalised = None, 0
    who = (event.addr, event.via, event.dial_id, event.duration_s, detail, event.node_id, penalised, more)
    return (place, run, event.seq, event.at_unix, *what, *who)


def minute_of(row: Row) -> MinuteKey:
    """Where `row` counts."""
    return int(row[3]) // MINUTE_S * MINUTE_S, row[4], row[5], row[6] or "", row[7] or ""


def to_event(row: Row) -> StoredEvent:
    """The event that `row`, in the order of COLUMNS, keeps."""
    place, run, seq, at_unix, kind, source, phase, reason, blame = row[:9]
    addr, via, dial_id, duration_s, detail, node_id, penalised, more = row[9:]
    rest = _more(more)
    return StoredEvent(
        id=place,
        run=run,
        seq=seq,
        kind=EventKind(kind),
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
    except msgspec.ValidationError:  # words of a newer nocarrier: what is not known here is left out
        plain = msgspec.json.decode(text)
        return _More(evidence=plain.get("evidence", {}), phases_s=plain.get("phases_s", {}))


_Member = TypeVar("_Member", bound=StrEnum)


@functools.cache
def member(words: type[_Member], text: str | None) -> _Member | None:
    """The word of our table; None for none, and for one that only a newer nocarrier knows."""
    try:
        return words(text) if text is not None else None
    except ValueError:
        return None
