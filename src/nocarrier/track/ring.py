"""The newest entries, oldest first, with repeated skips told once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from nocarrier.model.event import DialFailure
from nocarrier.model.taxonomy import Kind
from nocarrier.track.record import Cell, Record, to_failure

REPEAT_WINDOW_S = 60.0
"""An identical skip within this time after its last one updates its entry. Twice the maintainer's usual interval, so
that a peer which is skipped at every round stays one entry and flushes no real failure."""


class _Entry:
    """One place in the ring; its public form is made when it is first read."""

    __slots__ = ("_failure", "record", "repeats", "seq")

    def __init__(self, seq: int, record: Record, repeats: int) -> None:
        self.seq = seq
        self.record = record
        self.repeats = repeats
        self._failure: DialFailure | None = None

    @property
    def failure(self) -> DialFailure:
        if self._failure is None:
            self._failure = to_failure(self.seq, self.record, self.repeats)
        return self._failure


class Ring:
    """The `capacity` newest failures, skips, cancellations and early disconnects.

    First in, first out; entries older than `ttl_s` seconds are no longer shown and dropped.
    """

    def __init__(self, capacity: int, ttl_s: float | None) -> None:
        self.capacity = capacity
        self.ttl_s = ttl_s
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._newest_skip: dict[tuple[str, Cell], int] = {}
        """Where the entry of the last skip of an address for one reason and source stands, if it still stands."""

    def extend(self, first_seq: int, records: Sequence[Record], *, one_entry_each: bool) -> None:
        """Add `records`, the first of which has the sequence number `first_seq`.

        Beginnings and successes make no entry and skips may fold into earlier ones; only where `one_entry_each` says
        that there are none of these is it known beforehand which records will stay.
        """
        start = max(0, len(records) - self.capacity) if one_entry_each else 0
        for seq, record in enumerate(records[start:], first_seq + start):
            cell = record[0]
            if cell.kind is Kind.SKIP:
                self._add_skip(seq, record)
            elif cell.reason is not None:
                self._entries[seq] = _Entry(seq, record, 1)
            if len(self._entries) > self.capacity:
                _, evicted = self._entries.popitem(last=False)
                self._forget_skip(evicted)

    def _add_skip(self, seq: int, record: Record) -> None:
        cell, at_unix, addr = record[:3]
        earlier_seq = self._newest_skip.get((addr, cell))
        repeats = 1
        if earlier_seq is not None:
            earlier = self._entries[earlier_seq]
            if 0 <= at_unix - earlier.record[1] <= REPEAT_WINDOW_S:
                del self._entries[earlier_seq]
                repeats = earlier.repeats + 1
        self._entries[seq] = _Entry(seq, record, repeats)
        self._newest_skip[addr, cell] = seq

    def _forget_skip(self, entry: _Entry) -> None:
        key = (entry.record[2], entry.record[0])
        if self._newest_skip.get(key) == entry.seq:
            del self._newest_skip[key]

    def read(self, now_unix: float) -> Iterator[DialFailure]:
        """The entries that are not expired, oldest first."""
        if self.ttl_s is not None:
            oldest = now_unix - self.ttl_s
            for entry in [entry for entry in self._entries.values() if entry.record[1] < oldest]:
                del self._entries[entry.seq]
                self._forget_skip(entry)
        return (entry.failure for entry in self._entries.values())

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._newest_skip.clear()
