"""The books whose sums add up: a count for every (reason, source), and the dials that have not ended yet.

Every dial is counted when it begins and again when it ends. That the two counts agree, source by source, is the
accounting identity; neither is ever computed from the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import TypeAlias

from nocarrier.model import bounds
from nocarrier.model.event import DialEvent, DialFailure, EndedAttempt
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.tracking.durations import Durations
from nocarrier.tracking.record import (
    AT_UNIX,
    BLAMELESS,
    CELL,
    DETAILS,
    DURATION_S,
    SAMPLES_PER_CELL,
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


End: TypeAlias = tuple[
    None, float, int, Fault | None, float | None, tuple[EndedAttempt, ...], tuple[str | float, ...], str | None, bool
]
"""A dial ended: no cell yet, at_unix, dial id, fault (None: it succeeded), duration_s, attempts, phases, node_id,
penalise. Its record is made once the dial's beginning has been found."""


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
        cell = self.cells.get((reason, source) if kind is reason.kind else (reason, source, kind))
        if cell is None:
            # Plain text as keys: comparing it with a caller's literal costs half as much as comparing enum members.
            key = (reason.value, source.value) if kind is reason.kind else (reason.value, source.value, kind.value)
            cell = self.cells.setdefault(key, Cell(reason, source, kind))  # atomic: two threads get the same cell
        return cell

    # ---- taking in ------------------------------------------------------------------------------------------------

    def take_in(self, first_seq: int, items: Sequence[Record | End]) -> tuple[Sequence[Record], Collection[Cell]]:
        """Count `items`, oldest first. Returns the records they make, from number `first_seq` on, and their cells."""
        counts = Counter(map(_CELL_OF, items))
        records: Sequence[Record] = items  # type: ignore[assignment]
        if None in counts or any(cell.is_begin for cell in counts):
            records = self._joined(first_seq, items)
            counts = Counter(map(_CELL_OF, records))
        for record in records:
            if record[DURATION_S] is not None:
                self.durations.take_in(record)
        for cell, count in counts.items():
            cell.total += count
        self._keep_samples(first_seq + len(records), records, counts)
        return records, counts.keys()

    def _joined(self, first_seq: int, items: Iterable[Record | End]) -> list[Record]:
        """The records that `items` make, once beginnings and ends have found each other."""
        records: list[Record] = []
        for item in items:
            if item[CELL] is None:
                record = self._end(item)
                if record is not None:
                    records.append(record)
                continue
            details = item[DETAILS]
            if details is not None:
                self._open[details[0]] = first_seq + len(records), item
            records.append(item)
        return records

    def _end(self, end: End) -> Record | None:
        """The record of an end; None where the dial has already ended."""
        _, at_unix, dial_id, fault, duration_s, attempts, phases, node_id, penalise = end
        numbered = self._open.pop(dial_id, None)
        if numbered is None:
            self.ended_twice += 1
            return None
        begun_cell, begun_unix, addr, _, via, *_ = numbered[1]
        source = begun_cell.source
        details: Details
        if fault is None:
            cell = self.success_cells[source]
            detail, evidence, penal = None, None, False
            details = (dial_id, Phase.SESSION, Blame.NONE, attempts, phases)
        else:
            kind = Kind.CANCELLED if fault.reason is Reason.CANCELLED else Kind.FAILURE
            cell = self.cell(fault.reason, source, kind)
            detail, evidence = bounds.optional_text(fault.detail), fault.evidence
            penal = penalise and source is not Source.DIRECT and fault.blame not in BLAMELESS
            details = (dial_id, fault.phase, fault.blame, attempts, phases)
        cell.ended_open += 1
        if duration_s is None:  # still None if the wall clock was set back meanwhile
            duration_s = bounds.seconds(at_unix - begun_unix)
        return (cell, at_unix, addr, penal, via, detail, evidence, duration_s, node_id, details)

    def _keep_samples(self, end_seq: int, records: Sequence[Record], counts: Mapping[Cell, int]) -> None:
        """Keep the last few of each cell. The newest first, as a batch usually has enough of each near its end."""
        missing = {cell: min(count, SAMPLES_PER_CELL) for cell, count in counts.items() if not cell.is_begin}
        still_missing = sum(missing.values())
        newest_first: list[Numbered] = []
        for ago, record in enumerate(reversed(records), 1):
            if not still_missing:
                break
            cell = record[CELL]
            if missing.get(cell):
                missing[cell] -= 1
                still_missing -= 1
                newest_first.append((end_seq - ago, record))
        for numbered in reversed(newest_first):
            numbered[1][CELL].samples.append(numbered)
        for cell in missing:
            del cell.samples[:-SAMPLES_PER_CELL]

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
