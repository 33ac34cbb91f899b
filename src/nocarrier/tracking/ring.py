"""The newest entries, oldest first, with repeated skips merged into one entry."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
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

    def extend(self, records: Sequence[Numbered], *, one_entry_each: bool) -> None:
        """Add `records`.

        Beginnings and successes make no entry, and skips may be merged into earlier ones. Only if `one_entry_each` says
        that there are none of these is it known in advance which records will stay.
        """
        start = max(0, len(records) - self.capacity) if one_entry_each else 0
        for seq, record in records[start:]:
            cell = record[CELL]
            if cell.kind is Kind.SKIP:
                self._add_skip(seq, record)
            elif cell.reason is not None:
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
