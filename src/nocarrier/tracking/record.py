"""The compact form of an outcome inside the tracker, and its public form.

Recording happens while somebody waits for a dial; reading happens when somebody looks. So an outcome is kept as a plain
tuple, and only this module turns it into a readable `DialEvent`, when one is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, TypeVar

from nocarrier.model import bounds
from nocarrier.model.event import Attempt, DialEvent, DialFailure, EndedAttempt
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source

SAMPLES_PER_CELL = 5
"""How many of the last outcomes of every (reason, source) are kept, however noisy another one is."""

BLAMELESS = frozenset({Blame.US, Blame.NONE})
"""Faults that are ours or nobody's never count against a peer."""


class Cell:
    """All outcomes of one (reason, source, kind): their exact count and the last few of them.

    Beginnings and successes have a cell for each source too, without a reason.
    """

    __slots__ = (
        "concerns_peer",
        "ended_open",
        "is_begin",
        "kind",
        "makes_entry",
        "penal",
        "reason",
        "samples",
        "source",
        "total",
    )

    def __init__(self, reason: Reason | None, source: Source, kind: Kind) -> None:
        self.reason = reason
        self.source = source
        self.kind = kind
        self.is_begin = kind is Kind.STARTED
        self.makes_entry = kind.is_entry
        self.concerns_peer = kind in {Kind.SUCCEEDED, Kind.FAILURE, Kind.DISCONNECT}
        self.penal = (
            kind in {Kind.FAILURE, Kind.DISCONNECT}
            and reason is not None
            and reason.blame not in BLAMELESS
            and source is not Source.DIRECT  # a manual dial is not penalised
        )
        self.total = 0
        self.ended_open = 0
        """How many of `total` ended a dial that had been begun here; the others were recorded as a whole."""
        self.samples: list[Numbered] = []
        """The last SAMPLES_PER_CELL records, oldest first; more while a batch is taken in."""


def flat_phases(phases_s: Mapping[str, float]) -> tuple[str | float, ...]:
    """Name and seconds of each phase in turn, without values that are not a duration."""
    phases: tuple[str | float, ...] = ()
    for name, seconds in phases_s.items():
        if bounds.seconds(seconds) is not None:
            phases += (name, seconds)
    return phases


# Details, records and ends of dials are plain tuples: making one costs a third of making a NamedTuple, and every dial
# pays for all three.

Details: TypeAlias = tuple[int, Phase | None, Blame | None, tuple[EndedAttempt, ...], tuple[str | float, ...]]
"""What is known only about a dial that was begun here: its id; phase and blame, None while it has not ended; its
attempts; its phases in the form of `flat_phases`, which takes a third of the memory of a dictionary with one phase."""

Record: TypeAlias = tuple[
    Cell, float, str, bool, str | None, str | None, Evidence | None, float | None, str | None, Details | None
]

# The positions of the fields in a record; each is `Final`, so that the types of the values are known.
CELL: Final = 0
AT_UNIX: Final = 1
ADDR: Final = 2
PENAL: Final = 3
VIA: Final = 4
DETAIL: Final = 5
EVIDENCE: Final = 6
DURATION_S: Final = 7
NODE_ID: Final = 8
DETAILS: Final = 9

Numbered: TypeAlias = tuple[int, Record]
"""A record and its sequence number."""


def to_event(run: str, seq: int, record: Record) -> DialEvent:
    """The public form of any record."""
    return _made(DialEvent, run, seq, record)


def to_failure(run: str, seq: int, record: Record, repeats: int = 1) -> DialFailure:
    """The public form of an entry: a failure, skip, cancellation or early disconnect."""
    failure = _made(DialFailure, run, seq, record)
    failure.repeats = repeats
    return failure


_Made = TypeVar("_Made", bound=DialEvent)


def _made(make: type[_Made], run: str, seq: int, record: Record) -> _Made:
    cell, at_unix, addr, penal, via, detail, evidence, duration_s, node_id, details = record
    # Field by field: calling the class with so many keywords takes more than twice as long (measured, CPython 3.11),
    # and every event of a busy program passes through here on its way to the history.
    event = make.__new__(make)
    event.run = run
    event.seq = seq
    event.kind = cell.kind
    event.outcome = cell.kind.outcome
    event.addr = addr
    event.source = cell.source
    event.via = via
    event.at_unix = at_unix
    event.timestamp_unix = int(at_unix)
    event.reason = cell.reason
    event.detail = detail
    event.duration_s = duration_s
    event.node_id = node_id
    event.penalised = penal
    event.evidence = evidence.copy() if evidence else {}
    if details is None:
        event.dial_id, event.attempts, event.phases_s = None, (), {}
        event.phase, event.blame = _usual(cell)
    else:
        event.dial_id, event.phase, event.blame, attempts, phases = details
        event.attempts = tuple(map(Attempt.of, attempts)) if attempts else ()
        event.phases_s = _by_name(phases) if phases else {}
    return event


def _by_name(phases: tuple[str | float, ...]) -> dict[str, float]:
    return dict(zip(phases[::2], phases[1::2], strict=True))  # type: ignore[arg-type]


def _usual(cell: Cell) -> tuple[Phase | None, Blame | None]:
    """The reason's usual phase and blame, for a record that does not state them."""
    if cell.reason is not None:
        return cell.reason.phase, cell.reason.blame
    return (None, None) if cell.is_begin else (Phase.SESSION, Blame.NONE)
