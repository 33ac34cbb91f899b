"""The books whose sums add up: a count for every (reason, source), and the dials that have not ended yet.

Every dial is counted when it begins and again when it ends. That the two counts agree, source by source, is the
accounting identity; neither is ever computed from the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import NamedTuple

from nocarrier.model import bounds
from nocarrier.model.event import DialEvent, DialFailure, EndedAttempt
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.tracking.durations import Durations
from nocarrier.tracking.record import (
    ADDR,
    AT_UNIX,
    BLAMELESS,
    CELL,
    DETAILS,
    DURATION_S,
    SAMPLES_PER_CELL,
    VIA,
    Cell,
    Details,
    Numbered,
    Record,
    to_event,
    to_failure,
)
from nocarrier.tracking.run_name import RunName
from nocarrier.tracking.snapshot import Totals

_CELL_OF = itemgetter(CELL)
"""The cell of a record; None if the item is an `End`, which is not a record yet."""

_AMOUNTS = attrgetter(*(field.name for field in fields(Totals)))


class End(NamedTuple):
    """A dial ended, with a fault or successfully. Its record is made once the dial's beginning has been found."""

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

    `cell` may be called from any thread; the caller protects everything else with one lock.

    Args:
        run: the name of this run of the program.

    Attributes:
        cells: by (reason, source), or by (reason, source, kind) if the kind is not the reason's usual one.
        success_cells: of dials that reached their session, by source.
        begin_cells: of dials that began, by source.
        durations: of the dials that ended, and of their phases.
        ended_twice: ends of dials that had already ended, or never began.
    """

    def __init__(self, run: RunName) -> None:
        self._run = run
        self.cells: dict[tuple[str, ...], Cell] = {}
        self.success_cells = {source: Cell(None, source, Kind.SUCCEEDED) for source in Source}
        self.begin_cells = {source: Cell(None, source, Kind.STARTED) for source in Source}
        self.durations = Durations()
        self._open: dict[int, Numbered] = {}
        self.ended_twice = 0

    def cell(self, reason: Reason, source: Source, kind: Kind) -> Cell:
        """The cell of (reason, source, kind); made on first use."""
        # Plain text as keys: comparing it with a caller's literal costs half as much as comparing enum members.
        key = (reason.value, source.value) if kind is reason.kind else (reason.value, source.value, kind.value)
        # setdefault is atomic: two threads get the same cell.
        return self.cells.get(key) or self.cells.setdefault(key, Cell(reason, source, kind))

    # ---- taking in ------------------------------------------------------------------------------------------------

    def take_in(self, first_seq: int, items: Sequence[Record | End]) -> tuple[list[Numbered], Iterable[Cell]]:
        """Count `items`, oldest first. Returns the records they make, numbered from `first_seq` on, and their cells."""
        counts = Counter(map(_CELL_OF, items))
        records: list[Record] = items  # type: ignore[assignment]
        if None in counts or any(cell.is_begin for cell in counts):
            records = []
            for item in items:
                self._add(first_seq + len(records), item, records)
            counts = Counter(map(_CELL_OF, records))
        numbered = list(enumerate(records, first_seq))
        for each in numbered:
            _, record = each
            record[CELL].samples.append(each)
            if record[DURATION_S] is not None:
                self.durations.take_in(record)
        for cell, count in counts.items():
            cell.total += count
            del cell.samples[:-SAMPLES_PER_CELL]
        return numbered, counts.keys()

    def _add(self, seq: int, item: Record | End, records: list[Record]) -> None:
        """Add to `records` the record that `item` makes, if any."""
        if isinstance(item, End):
            record = self._end(item)
            if record is not None:
                records.append(record)
            return
        details = item[DETAILS]
        if item[CELL].is_begin and details is not None:
            self._open[details.dial_id] = seq, item
        records.append(item)

    def _end(self, end: End) -> Record | None:
        """The record of an end; None where the dial has already ended."""
        numbered = self._open.pop(end.dial_id, None)
        if numbered is None:
            self.ended_twice += 1
            return None
        _, begun = numbered
        fault, source = end.fault, begun[CELL].source
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
        if duration_s is None:  # still None if the wall clock was set back meanwhile
            duration_s = bounds.seconds(end.at_unix - begun[AT_UNIX])
        return (cell, end.at_unix, begun[ADDR], penal, begun[VIA], detail, evidence, duration_s, end.node_id, details)

    def clear(self) -> None:
        """Forget all counts and samples. Dials in flight remain, so the sums still add up."""
        for cell in (*self.cells.values(), *self.success_cells.values(), *self.begin_cells.values()):
            cell.total = cell.ended_open = 0
            cell.samples.clear()
        self.durations.clear()
        for _, record in self._open.values():
            record[CELL].total += 1

    # ---- reading --------------------------------------------------------------------------------------------------

    def counts(self) -> dict[tuple[Reason, Source], int]:
        """How often each (reason, source) was recorded."""
        counts: dict[tuple[Reason, Source], int] = {}
        for reason, cell in self._reason_cells():
            if cell.total:
                counts[reason, cell.source] = counts.get((reason, cell.source), 0) + cell.total
        return counts

    def counts_by_kind(self) -> dict[tuple[Reason, Source, Kind], int]:
        """The same, separately for each kind: a policy reason is a failure if its dial had begun."""
        return {(reason, cell.source, cell.kind): cell.total for reason, cell in self._reason_cells()}

    def totals(self) -> dict[Source, Totals]:
        """Dials by outcome, of each source."""
        counted: Counter[tuple[Source, Kind]] = Counter()
        recorded_whole: Counter[Source] = Counter()
        for cell in (*self.cells.values(), *self.success_cells.values()):
            counted[cell.source, cell.kind] += cell.total
            if cell.kind.ends_dial:
                recorded_whole[cell.source] += cell.total - cell.ended_open
        in_flight = Counter(record[CELL].source for _, record in self._open.values())
        return {
            source: Totals(
                started=self.begin_cells[source].total + recorded_whole[source],
                succeeded=counted[source, Kind.SUCCEEDED],
                failed=counted[source, Kind.FAILURE],
                cancelled=counted[source, Kind.CANCELLED],
                in_flight=in_flight[source],
                skipped=counted[source, Kind.SKIP],
                disconnected_early=counted[source, Kind.DISCONNECT],
            )
            for source in Source
        }

    def samples(self) -> dict[tuple[Reason, Source], tuple[DialFailure, ...]]:
        """The last few entries of each (reason, source), oldest first."""
        samples: dict[tuple[Reason, Source], tuple[DialFailure, ...]] = {}
        for reason, cell in self._reason_cells():
            made = tuple(to_failure(self._run.text, seq, record) for seq, record in cell.samples)
            samples[reason, cell.source] = samples.get((reason, cell.source), ()) + made
        return samples

    def successes(self) -> tuple[DialEvent, ...]:
        """The last few successes of every source."""
        return tuple(
            to_event(self._run.text, seq, record)
            for cell in self.success_cells.values()
            for seq, record in cell.samples
        )

    def in_flight(self) -> tuple[DialEvent, ...]:
        """The beginnings of the dials that have not ended, oldest first."""
        return tuple(to_event(self._run.text, seq, record) for seq, record in self._open.values())

    def oldest_begun_unix(self) -> float | None:
        """When the oldest dial in flight began; None if there is none."""
        # Dials are added as they begin, so the first is the oldest.
        return next((record[AT_UNIX] for _, record in self._open.values()), None)

    def _reason_cells(self) -> list[tuple[Reason, Cell]]:
        # A copy, because recording threads add cells without the lock.
        return [(cell.reason, cell) for cell in list(self.cells.values()) if cell.reason is not None]


def sum_of(parts: Iterable[Totals]) -> Totals:
    """The totals of several sources, added up."""
    return Totals(*map(sum, zip(*map(_AMOUNTS, parts), strict=True)))
