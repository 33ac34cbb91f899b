"""The books whose sums add up: what was counted for every (reason, source), and the dials that have not ended yet.

Every dial is counted when it begins and once more when it ends. That the two counts agree, source by source, is the
accounting identity; nothing here computes the one from the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import NamedTuple

from nocarrier.model import bounds
from nocarrier.model.event import DialFailure, DialStarted, DialSucceeded, EndedAttempt
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.tracking.durations import Durations
from nocarrier.tracking.record import BLAMELESS, SAMPLES_PER_CELL, Cell, Details, Record, to_event, to_failure
from nocarrier.tracking.snapshot import Totals

_CELL = itemgetter(0)
"""The cell of a record; None where an end still has to be made a record."""

_AMOUNTS = attrgetter(*(field.name for field in fields(Totals)))


class End(NamedTuple):
    """A dial ended; with a fault, or well. Which record that makes is known once its beginning has been found."""

    cell: None
    at_unix: float
    dial_id: int
    fault: Fault | None
    duration_s: float | None
    attempts: tuple[EndedAttempt, ...]
    phases: tuple[str | float, ...]
    node_id: str | None
    penalise: bool


class Ledger:
    """Exact counts since start, the last few outcomes of each kind, and the dials in flight.

    `cell` may be called from any thread; the caller keeps the rest under one lock.

    Attributes:
        cells: by (reason, source), or (reason, source, kind) where the kind is not the reason's usual one.
        success_cells: of dials that reached their session, by source.
        begin_cells: of dials that began, by source.
        durations: of dials that ended, and of their phases.
        ended_twice: ends of dials that had ended before, or never began.
    """

    def __init__(self) -> None:
        self.cells: dict[tuple[str, ...], Cell] = {}
        self.success_cells = {source: Cell(None, source, None) for source in Source}
        self.begin_cells = {source: Cell(None, source, None, is_begin=True) for source in Source}
        self.durations = Durations()
        self._open: dict[int, Record] = {}
        self.ended_twice = 0

    def cell(self, reason: Reason, source: Source, kind: Kind) -> Cell:
        """The cell of (reason, source, kind), made when it is first asked for."""
        # Plain text as keys: comparing it with a caller's literal is half the cost of comparing enum members.
        key = (reason.value, source.value) if kind is reason.kind else (reason.value, source.value, kind.value)
        # setdefault is atomic: two threads get the same cell.
        return self.cells.get(key) or self.cells.setdefault(key, Cell(reason, source, kind))

    # ---- taking in ------------------------------------------------------------------------------------------------

    def take_in(self, items: Sequence[Record | End]) -> tuple[list[Record], Iterable[Cell]]:
        """Count `items`, oldest first; returns the records they make, and their cells, each once."""
        counts = Counter(map(_CELL, items))
        records: list[Record] = items  # type: ignore[assignment]
        if None in counts or any(cell.is_begin for cell in counts):
            records = list(filter(None, map(self._to_record, items)))
            counts = Counter(map(_CELL, records))
        for record in records:
            record[0].samples.append(record)
            if record[7] is not None:
                self.durations.take_in(record)
        for cell, count in counts.items():
            cell.total += count
            del cell.samples[:-SAMPLES_PER_CELL]
        return records, counts.keys()

    def _to_record(self, item: Record | End) -> Record | None:
        if isinstance(item, End):
            return self._end(item)
        cell, details = item[0], item[-1]
        if cell.is_begin and details is not None:
            self._open[details.dial_id] = item
        return item

    def _end(self, end: End) -> Record | None:
        """The record of an end; None where the dial has already ended."""
        begun = self._open.pop(end.dial_id, None)
        if begun is None:
            self.ended_twice += 1
            return None
        fault, source = end.fault, begun[0].source
        if fault is None:
            cell = self.success_cells[source]
            detail, evidence, penal = None, None, False
            details = Details(end.dial_id, Phase.SESSION, Blame.NONE, end.attempts, end.phases)
        else:
            kind = Kind.CANCELLED if fault.reason is Reason.CANCELLED else Kind.FAILURE
            cell = self.cell(fault.reason, source, kind)
            detail, evidence = bounds.optional_text(fault.detail), fault.evidence
            penal = end.penalise and source is not Source.DIRECT and fault.blame not in BLAMELESS
            details = Details(end.dial_id, fault.phase, fault.blame, end.attempts, end.phases)
        cell.ended_open += 1
        duration_s = end.duration_s
        if duration_s is None:  # no duration either where the wall clock was set back meanwhile
            duration_s = bounds.seconds(end.at_unix - begun[1])
        return (cell, end.at_unix, begun[2], penal, begun[4], detail, evidence, duration_s, end.node_id, details)

    def clear(self) -> None:
        """Forget all counts and samples. Dials in flight stay, and so the sums keep adding up."""
        for cell in (*self.cells.values(), *self.success_cells.values(), *self.begin_cells.values()):
            cell.total = cell.ended_open = 0
            cell.samples.clear()
        self.durations.clear()
        for record in self._open.values():
            record[0].total += 1

    # ---- reading --------------------------------------------------------------------------------------------------

    def counts(self) -> dict[tuple[Reason, Source], int]:
        """How often each (reason, source) was recorded."""
        counts: dict[tuple[Reason, Source], int] = {}
        for reason, cell in self._reason_cells():
            if cell.total:
                counts[reason, cell.source] = counts.get((reason, cell.source), 0) + cell.total
        return counts

    def counts_by_kind(self) -> dict[tuple[Reason, Source, Kind], int]:
        """The same, apart by kind: a reason of policy is a failure where its dial had begun."""
        return {
            (reason, cell.source, cell.kind): cell.total
            for reason, cell in self._reason_cells()
            if cell.kind is not None
        }

    def totals(self) -> dict[Source, Totals]:
        """Dials by outcome, of each source."""
        ended: Counter[tuple[Source, Kind | None]] = Counter()
        recorded_whole: Counter[Source] = Counter()
        for cell in (*self.cells.values(), *self.success_cells.values()):
            ended[cell.source, cell.kind] += cell.total
            if cell.kind in {None, Kind.FAILURE, Kind.CANCELLED}:
                recorded_whole[cell.source] += cell.total - cell.ended_open
        in_flight = Counter(record[0].source for record in self._open.values())
        return {
            source: Totals(
                started=self.begin_cells[source].total + recorded_whole[source],
                succeeded=ended[source, None],
                failed=ended[source, Kind.FAILURE],
                cancelled=ended[source, Kind.CANCELLED],
                in_flight=in_flight[source],
                skipped=ended[source, Kind.SKIP],
                disconnected_early=ended[source, Kind.DISCONNECT],
            )
            for source in Source
        }

    def samples(self) -> dict[tuple[Reason, Source], tuple[DialFailure, ...]]:
        """The last few of each (reason, source), oldest first; without sequence numbers."""
        samples: dict[tuple[Reason, Source], tuple[DialFailure, ...]] = {}
        for reason, cell in self._reason_cells():
            made = tuple(to_failure(0, record) for record in cell.samples)
            samples[reason, cell.source] = samples.get((reason, cell.source), ()) + made
        return samples

    def successes(self) -> tuple[DialSucceeded, ...]:
        """The last few successes of every source."""
        records = (record for cell in self.success_cells.values() for record in cell.samples)
        return tuple(event for event in (to_event(0, record) for record in records) if isinstance(event, DialSucceeded))

    def in_flight(self) -> tuple[DialStarted, ...]:
        """The dials that have not ended, oldest first."""
        events = (to_event(0, record) for record in self._open.values())
        return tuple(event for event in events if isinstance(event, DialStarted))

    def oldest_begun_unix(self) -> float | None:
        """When the oldest dial in flight began; None: there is none."""
        # Dials are added as they begin, so the first is the oldest.
        return next((record[1] for record in self._open.values()), None)

    def _reason_cells(self) -> list[tuple[Reason, Cell]]:
        # A copy: recording threads add cells without the lock.
        return [(cell.reason, cell) for cell in list(self.cells.values()) if cell.reason is not None]


def sum_of(parts: Iterable[Totals]) -> Totals:
    """The totals of several sources together."""
    return Totals(*map(sum, zip(*map(_AMOUNTS, parts), strict=True)))
