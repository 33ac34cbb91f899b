"""The newest entries, oldest first, with repeated skips merged into one entry."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from nocarrier.model.event import DialFailure
from nocarrier.model.taxonomy import Kind
from nocarrier.tracking.record import ADDR, AT_UNIX, CELL, Cell, Numbered, Record, to_failure
from nocarrier.tracking.run_name import RunName

REPEAT_WINDOW_S = 60.0
"""An identical skip within this time of the last one updates its entry. Twice the maintainer's usual interval, so that
a peer skipped in every round stays one entry and does not push out real failures."""


class _Entry(NamedTuple):
    """One place in the ring. Its public form is made for each reader: keeping it would double the memory."""

    seq: int
    record: Record
    repeats: int


class Ring:
    """The `capacity` newest failures, skips, cancellations and early disconnects.

    First in, first out. Entries older than `ttl_s` seconds are dropped and no longer shown. `run` is the name of this
    run of the program.
    """

    def __init__(self, capacity: int, ttl_s: float | None, run: RunName) -> None:
        self._run = run
        self.capacity = capacity
        self.ttl_s = ttl_s
        self._entries: deque[_Entry] = deque()
        self._newest_skip: dict[tuple[str, Cell], _Entry] = {}
        """The entry of the last skip of an address for one reason and source, as long as it is in the ring."""

    def extend(self, first_seq: int, records: Sequence[Record], cells: Collection[Cell]) -> None:
        """Add those of `records` that make an entry; the first has number `first_seq`, `cells` are the cells of all."""
        if any(cell.kind is Kind.SKIP for cell in cells):
            for seq, record in enumerate(records, first_seq):
                self._add(seq, record)
        elif any(cell.makes_entry for cell in cells):
            # Without skips, which may be merged into earlier entries, it is known in advance which records stay.
            for seq, record in self._newest(first_seq, records):
                self._add(seq, record)

    def _newest(self, first_seq: int, records: Sequence[Record]) -> list[Numbered]:
        """Those of `records` that make the newest entries, oldest first; no more than there is room for."""
        newest_first: list[Numbered] = []
        for ago, record in enumerate(reversed(records), 1):
            if record[CELL].makes_entry:
                newest_first.append((first_seq + len(records) - ago, record))
                if len(newest_first) == self.capacity:
                    self.clear()  # nothing older has room
                    break
        return newest_first[::-1]

    def _add(self, seq: int, record: Record) -> None:
        if record[CELL].kind is Kind.SKIP:
            self._add_skip(seq, record)
        elif record[CELL].makes_entry:
            self._entries.append(_Entry(seq, record, 1))
        if len(self._entries) > self.capacity:
            self._drop_oldest()

    def _add_skip(self, seq: int, record: Record) -> None:
        cell, at_unix, addr = record[CELL], record[AT_UNIX], record[ADDR]
        earlier = self._newest_skip.get((addr, cell))
        repeats = 1
        if earlier is not None and 0 <= at_unix - earlier.record[AT_UNIX] <= REPEAT_WINDOW_S:
            self._entries.remove(earlier)
            repeats = earlier.repeats + 1
        entry = _Entry(seq, record, repeats)
        self._entries.append(entry)
        self._newest_skip[addr, cell] = entry

    def _drop_oldest(self) -> None:
        entry = self._entries.popleft()
        key = (entry.record[ADDR], entry.record[CELL])
        if self._newest_skip.get(key) is entry:
            del self._newest_skip[key]

    def read(self, now_unix: float) -> Iterator[DialFailure]:
        """The entries that have not expired, oldest first."""
        if self.ttl_s is not None:
            while self._entries and self._entries[0].record[AT_UNIX] < now_unix - self.ttl_s:
                self._drop_oldest()
        return (to_failure(self._run.text, *entry) for entry in self._entries)

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._newest_skip.clear()
