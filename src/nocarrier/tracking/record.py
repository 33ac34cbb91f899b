"""The compact form of an outcome inside the tracker, and its public form.

Recording happens while somebody waits for a dial, reading happens when somebody looks. So an outcome is kept as a plain
tuple, and the readable `DialFailure` is made of it when it is asked for.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from nocarrier.model.event import Attempt, DialEvent, DialFailure, DialStarted, DialSucceeded, EndedAttempt
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source

SAMPLES_PER_CELL = 5
"""How many of the last outcomes of every (reason, source) are kept, whatever one noisy peer does."""

BLAMELESS = frozenset({Blame.US, Blame.NONE})
"""Faults that are ours or nobody's never count against a peer."""


class Cell:
    """All outcomes of one (reason, source, kind): their exact count and the last few of them.

    Beginnings and successes have a cell for each source too, with `reason` and `kind` None.
    """

    __slots__ = ("concerns_peer", "ended_open", "is_begin", "kind", "penal", "reason", "samples", "source", "total")

    def __init__(self, reason: Reason | None, source: Source, kind: Kind | None, *, is_begin: bool = False) -> None:
        self.reason = reason
        self.source = source
        self.kind = kind
        self.is_begin = is_begin
        self.concerns_peer = not is_begin and kind not in {Kind.SKIP, Kind.CANCELLED}
        self.penal = (
            kind in {Kind.FAILURE, Kind.DISCONNECT}
            and reason is not None
            and reason.blame not in BLAMELESS
            and source is not Source.DIRECT  # a manual dial is not penalised
        )
        self.total = 0
        self.ended_open = 0
        """How many of `total` ended a dial that was begun before; the others were recorded whole."""
        self.samples: list[Record] = []
        """The last SAMPLES_PER_CELL, oldest first; more while a batch is taken in."""


class Details(NamedTuple):
    """What only a dial that was begun here knows."""

    dial_id: int
    phase: Phase = Phase.ANY
    blame: Blame = Blame.UNKNOWN
    attempts: tuple[EndedAttempt, ...] = ()
    phases: tuple[str | float, ...] = ()
    """Name and seconds of each phase in turn; a third of what a dictionary of one phase takes."""


# A plain tuple, because making one is a third of the cost of a NamedTuple and every failed dial pays for it. Positions:
# cell, at_unix, addr, penal, via, detail, evidence, duration_s, node_id, details.
Record: TypeAlias = tuple[
    Cell, float, str, bool, str | None, str | None, Evidence | None, float | None, str | None, Details | None
]


def _by_name(phases: tuple[str | float, ...]) -> dict[str, float]:
    return dict(zip(phases[::2], phases[1::2], strict=True))  # type: ignore[arg-type]


def to_failure(seq: int, record: Record, repeats: int = 1) -> DialFailure:
    """The public form of a failure, skip, cancellation or early disconnect."""
    cell, at_unix, addr, penal, via, detail, evidence, duration_s, node_id, details = record
    reason, kind = cell.reason, cell.kind
    assert reason is not None
    assert kind is not None
    dial_id, phase, blame, attempts, phases = details or (None, reason.phase, reason.blame, (), ())
    return DialFailure(
        addr=addr,
        reason=reason,
        timestamp_unix=int(at_unix),
        source=cell.source,
        phase=phase,
        kind=kind,
        blame=blame,
        detail=detail,
        via=via,
        duration_s=duration_s,
        attempts=tuple(map(Attempt.of, attempts)),
        evidence=evidence.copy() if evidence else Evidence(),
        phases_s=_by_name(phases),
        node_id=node_id,
        repeats=repeats,
        penalised=penal,
        dial_id=dial_id,
        seq=seq,
        at_unix=at_unix,
    )


def to_event(seq: int, record: Record) -> DialEvent:
    """The public form of whatever was recorded."""
    cell, at_unix, addr, _, via, _, _, duration_s, node_id, details = record
    if cell.reason is not None:
        return to_failure(seq, record)
    if cell.is_begin:
        assert details is not None
        return DialStarted(seq=seq, dial_id=details.dial_id, addr=addr, source=cell.source, via=via, at_unix=at_unix)
    return DialSucceeded(
        seq=seq,
        dial_id=details.dial_id if details else None,
        addr=addr,
        source=cell.source,
        via=via,
        at_unix=at_unix,
        duration_s=duration_s,
        node_id=node_id,
        attempts=tuple(map(Attempt.of, details.attempts)) if details else (),
        phases_s=_by_name(details.phases) if details else {},
    )
