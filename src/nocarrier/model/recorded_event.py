"""The events of dials in one shape for all kinds, as the live stream, the history and the page share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nocarrier.model.event import Attempt, DialEvent, DialFailure, DialStarted
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.model.word import Word


class EventKind(Word):
    """What an event tells of: the kinds of entries, and the beginnings and good ends that make no entry."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIP = "skip"
    DISCONNECT = "disconnect"


_OF_ENTRY = {kind: EventKind(kind.value) for kind in Kind}


@dataclass(slots=True, kw_only=True)
class RecordedEvent:
    """One event of a dial."""

    seq: int
    """Counts every event since the program started; a number that is left out was lost."""
    kind: EventKind
    addr: str
    source: Source
    via: str | None = None
    at_unix: float
    timestamp_unix: int
    dial_id: int | None = None
    """The same for the beginning and the end of one dial; None: somebody else made the dial, and told of it."""
    reason: Reason | None = None
    """None where the dial began or succeeded."""
    phase: Phase | None = None
    """None where the dial began."""
    blame: Blame | None = None
    detail: str | None = None
    """Text for people. May come from a peer: hostile."""
    duration_s: float | None = None
    node_id: str | None = None
    penalised: bool = False
    attempts: tuple[Attempt, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    phases_s: Mapping[str, float] = field(default_factory=dict)


def recorded_event(event: DialEvent) -> RecordedEvent:
    """`event` in that shape."""
    if isinstance(event, DialFailure):
        return RecordedEvent(
            seq=event.seq,
            kind=_OF_ENTRY[event.kind],
            addr=event.addr,
            source=event.source,
            via=event.via,
            at_unix=event.at_unix,
            timestamp_unix=event.timestamp_unix,
            dial_id=event.dial_id,
            reason=event.reason,
            phase=event.phase,
            blame=event.blame,
            detail=event.detail,
            duration_s=event.duration_s,
            node_id=event.node_id,
            penalised=event.penalised,
            attempts=event.attempts,
            evidence=event.evidence,
            phases_s=event.phases_s,
        )
    if isinstance(event, DialStarted):
        return RecordedEvent(
            seq=event.seq,
            kind=EventKind.STARTED,
            addr=event.addr,
            source=event.source,
            via=event.via,
            at_unix=event.at_unix,
            timestamp_unix=int(event.at_unix),
            dial_id=event.dial_id,
        )
    return RecordedEvent(
        seq=event.seq,
        kind=EventKind.SUCCEEDED,
        addr=event.addr,
        source=event.source,
        via=event.via,
        at_unix=event.at_unix,
        timestamp_unix=int(event.at_unix),
        dial_id=event.dial_id,
        phase=Phase.SESSION,
        blame=Blame.NONE,
        duration_s=event.duration_s,
        node_id=event.node_id,
        attempts=event.attempts,
        phases_s=event.phases_s,
    )
