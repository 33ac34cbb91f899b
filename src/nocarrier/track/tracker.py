"""The tracker: every dial ends here, exactly once."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nocarrier.model import bounds
from nocarrier.model.event import Attempt, DialFailure, DialStarted, DialSucceeded
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.ports import Clock, Standing
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source
from nocarrier.track.peers import PeerRecord, PeerTable
from nocarrier.track.record import BLAMELESS, Cell, Details, Record, to_event, to_failure
from nocarrier.track.ring import Ring
from nocarrier.track.snapshot import Snapshot, Totals
from nocarrier.track.subscription import Subscription, Subscriptions

if TYPE_CHECKING:
    import asyncio

DEFAULT_CAPACITY = 100
"""Entries in the ring; the mission's number."""

DEFAULT_MAX_PEERS = 4096
"""Addresses whose state is kept."""

BATCH = 1024
"""Outcomes that may wait to be taken in. Taking in one batch costs some 0.3 ms; a reader takes in what waits first."""

MAX_WAITING = 64 * BATCH
"""From here on a recording thread waits for its turn instead of leaving the work to the thread that has it, so that
many threads cannot outrun one."""

_MAX_ADDR_LENGTH = bounds.MAX_ADDR_LENGTH

_FIRST = itemgetter(0)
"""The cell of a record; None where the item still has to be resolved."""

_log = logging.getLogger("nocarrier")
_Name = TypeVar("_Name", Reason, Source)


class DialTracker:
    """Records what became of every dial: newest entries, exact counts, samples, and each address's standing.

    Safe from any thread. Recording appends to a queue without a lock and never raises or waits for a reader; whoever
    fills a batch, or reads, takes the queue in.

    Args:
        capacity: entries in the ring of newest failures and skips.
        clock: returns Unix seconds.
        ttl_s: entries older than this are no longer shown; None keeps them until newer ones push them out.
        max_peers: addresses whose state is kept.
    """

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        clock: Clock = time.time,
        *,
        ttl_s: float | None = None,
        max_peers: int = DEFAULT_MAX_PEERS,
    ) -> None:
        if capacity < 1 or max_peers < 1:
            raise ValueError("capacity and max_peers must be at least 1")
        self._clock = clock
        self._waiting: deque[tuple[object, ...]] = deque()
        self._batch = BATCH
        self._lock = threading.Lock()
        self._dial_ids = itertools.count(1)
        self._cells: dict[tuple[str, ...], Cell] = {}
        self._success_cells = {source: Cell(None, source, None) for source in Source}
        self._begin_cells = {source: Cell(None, source, None, is_begin=True) for source in Source}
        # Everything below is touched only under the lock.
        self._seq = 0
        self._open: dict[int, Record] = {}
        self._ring = Ring(capacity, ttl_s)
        self._peers = PeerTable(max_peers)
        self._subscriptions = Subscriptions()
        self._ended_twice = 0
        self._cleared = 0
        self._recorder_errors = 0

    # ---- recording ------------------------------------------------------------------------------------------------

    def record(
        self,
        addr: str,
        reason: str,
        source: str,
        *,
        detail: str | None = None,
        via: str | None = None,
        evidence: Evidence | None = None,
        duration_s: float | None = None,
        node_id: str | None = None,
        penalise: bool = True,
    ) -> None:
        """Record a whole outcome at once: a skip, an early disconnect, or a dial that somebody else made.

        The reason's kind decides how it counts. An unknown reason or source is recorded as ``other`` with the text as
        detail. Never raises.
        """
        try:
            try:
                cell = self._cells.get((reason, source))
            except TypeError:  # unhashable, so no name
                cell = None
            has_more = detail or via or evidence or duration_s or node_id
            # The usual record has nothing to bound, which is cheaper to see than to do.
            if cell is None or has_more or type(addr) is not str or not addr.isascii() or len(addr) > _MAX_ADDR_LENGTH:
                cell, addr, via, detail, evidence = self._bounded(reason, source, addr, via, detail, evidence)
                duration_s, node_id = _seconds(duration_s), bounds.optional_text(node_id)
            waiting = self._waiting
            waiting.append(
                (cell, self._clock(), addr, cell.penal and penalise, via, detail, evidence, duration_s, node_id, None)
            )
            if len(waiting) >= self._batch:
                self._take_in_if_free()
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()

    def record_success(
        self,
        addr: str,
        source: str,
        *,
        via: str | None = None,
        duration_s: float | None = None,
        node_id: str | None = None,
    ) -> None:
        """Record a dial that somebody else made and that reached its session. Never raises."""
        try:
            cell = self._success_cells[_known_source(source)]
            addr, via = bounds.text(addr, bounds.MAX_ADDR_LENGTH), bounds.optional_text(via)
            duration_s, node_id = _seconds(duration_s), bounds.optional_text(node_id)
            self._append((cell, self._clock(), addr, False, via, None, None, duration_s, node_id, None))
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()

    def begin(self, addr: str, source: str, *, via: str | None = None) -> int:
        """Record that a dial begins; returns its id, to be ended exactly once with `fail` or `succeed`."""
        dial_id = next(self._dial_ids)
        try:
            addr, via = bounds.text(addr, bounds.MAX_ADDR_LENGTH), bounds.optional_text(via)
            self._append(_Begin(None, self._clock(), dial_id, addr, _known_source(source), via))
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()
        return dial_id

    def fail(
        self,
        dial_id: int,
        fault: Fault,
        *,
        duration_s: float | None = None,
        attempts: tuple[Attempt, ...] = (),
        phases_s: Mapping[str, float] | None = None,
        node_id: str | None = None,
        penalise: bool = True,
    ) -> None:
        """Record that the dial failed, or, with the reason ``cancelled``, that our own code ended it."""
        self._end(dial_id, fault, duration_s, attempts, phases_s, node_id, penalise=penalise)

    def succeed(
        self,
        dial_id: int,
        *,
        duration_s: float | None = None,
        attempts: tuple[Attempt, ...] = (),
        phases_s: Mapping[str, float] | None = None,
        node_id: str | None = None,
    ) -> None:
        """Record that the dial reached its session."""
        self._end(dial_id, None, duration_s, attempts, phases_s, node_id, penalise=False)

    def _end(
        self,
        dial_id: int,
        fault: Fault | None,
        duration_s: float | None,
        attempts: tuple[Attempt, ...],
        phases_s: Mapping[str, float] | None,
        node_id: str | None,
        *,
        penalise: bool,
    ) -> None:
        try:
            duration_s, node_id = _seconds(duration_s), bounds.optional_text(node_id)
            self._append(_End(None, self._clock(), dial_id, fault, duration_s, attempts, phases_s, node_id, penalise))
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()

    def _append(self, item: tuple[object, ...]) -> None:
        self._waiting.append(item)
        if len(self._waiting) >= self._batch:
            self._take_in_if_free()

    def _bounded(
        self, reason: str, source: str, addr: str, via: str | None, detail: str | None, evidence: Evidence | None
    ) -> tuple[Cell, str, str | None, str | None, Evidence | None]:
        known_reason, known_source = _known_reason(reason), _known_source(source)
        unknown = [
            f"{what} {bounds.text(given)!r}"
            for what, given, known in (("reason", reason, known_reason), ("source", source, known_source))
            if given != known
        ]
        if unknown:
            detail = "; ".join([*unknown, *([bounds.text(detail)] if detail else [])])
        cell = self._cell(known_reason, known_source, known_reason.kind)
        return (
            cell,
            bounds.text(addr, bounds.MAX_ADDR_LENGTH),
            bounds.optional_text(via),
            bounds.optional_text(detail),
            bounds.evidence(evidence),
        )

    def _cell(self, reason: Reason, source: Source, kind: Kind) -> Cell:
        # Plain text as keys: comparing it with a caller's literal is half the cost of comparing enum members.
        key = (reason.value, source.value) if kind is reason.kind else (reason.value, source.value, kind.value)
        # setdefault is atomic: two threads get the same cell.
        return self._cells.get(key) or self._cells.setdefault(key, Cell(reason, source, kind))

    def _count_recorder_error(self) -> None:
        self._recorder_errors += 1
        if self._recorder_errors == 1:
            _log.exception("nocarrier could not record a dial; further ones are counted in dropped.recorder_error")

    # ---- taking in ------------------------------------------------------------------------------------------------

    def _take_in_if_free(self) -> None:
        # Whoever holds the lock looks again after releasing it (a reader too), so nothing is left behind by giving up.
        while len(self._waiting) >= self._batch and self._lock.acquire(blocking=len(self._waiting) > MAX_WAITING):
            try:
                self._take_in()
            finally:
                self._lock.release()

    @contextlib.contextmanager
    def _all_taken_in(self) -> Iterator[None]:
        """Hold the lock with nothing waiting."""
        with self._lock:
            self._take_in()
            yield
        self._take_in_if_free()

    def _take_in(self) -> None:
        next_item = self._waiting.popleft
        records: list[Record] = [next_item() for _ in range(len(self._waiting))]  # type: ignore[misc]
        counts = Counter(map(_FIRST, records))
        if None in counts:
            records = list(filter(None, map(self._resolve, records)))
            counts = Counter(map(_FIRST, records))
        if not records:
            return
        for cell, count in counts.items():
            cell.total += count
        for record in records:
            record[0].samples.append(record)
        first_seq = self._seq + 1
        self._seq += len(records)
        self._peers.apply(records)
        one_entry_each = all(cell.kind is not None and cell.kind is not Kind.SKIP for cell in counts)
        self._ring.extend(first_seq, records, one_entry_each=one_entry_each)
        if len(self._subscriptions):
            self._subscriptions.publish([to_event(seq, record) for seq, record in enumerate(records, first_seq)])
        else:
            self._batch = BATCH  # the last reader that listened is gone

    def _resolve(self, item: Record | _Begin | _End) -> Record | None:
        """Make a record of a beginning or an end; None where the dial has already ended."""
        if isinstance(item, _Begin):
            cell = self._begin_cells[item.source]
            record: Record = (
                cell,
                item.at_unix,
                item.addr,
                False,
                item.via,
                None,
                None,
                None,
                None,
                Details(item.dial_id),
            )
            self._open[item.dial_id] = record
            return record
        if not isinstance(item, _End):
            return item
        begun = self._open.pop(item.dial_id, None)
        if begun is None:
            self._ended_twice += 1
            return None
        fault, source = item.fault, begun[0].source
        phases_s = item.phases_s or {}
        if fault is None:
            cell = self._success_cells[source]
            detail, evidence, penal = None, None, False
            details = Details(item.dial_id, Phase.SESSION, Blame.NONE, item.attempts, phases_s)
        else:
            cell = self._cell(
                fault.reason, source, Kind.CANCELLED if fault.reason is Reason.CANCELLED else Kind.FAILURE
            )
            detail, evidence = bounds.optional_text(fault.detail), fault.evidence
            penal = item.penalise and source is not Source.DIRECT and fault.blame not in BLAMELESS
            details = Details(item.dial_id, fault.phase, fault.blame, item.attempts, phases_s)
        cell.ended_open += 1
        return (cell, item.at_unix, begun[2], penal, begun[4], detail, evidence, item.duration_s, item.node_id, details)

    # ---- reading --------------------------------------------------------------------------------------------------

    def recent(
        self,
        limit: int | None = None,
        *,
        reason: str | None = None,
        source: str | None = None,
        addr: str | None = None,
        via: str | None = None,
        phase: str | None = None,
        kind: str | None = None,
        since_unix: float | None = None,
    ) -> list[DialFailure]:
        """The newest failures, skips, cancellations and early disconnects, oldest first.

        Args:
            limit: at most this many, the newest ones; None: all that the ring holds.
            reason: only this reason; likewise `source`, `addr`, `via`, `phase` and `kind`.
            since_unix: only entries at or after this time.
        """
        with self._all_taken_in():
            entries = list(self._ring.read(self._clock()))
        wanted = {"reason": reason, "source": source, "addr": addr, "via": via, "phase": phase, "kind": kind}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if wanted or since_unix is not None:
            entries = [
                entry
                for entry in entries
                if all(getattr(entry, name) == value for name, value in wanted.items())
                and (since_unix is None or entry.at_unix >= since_unix)
            ]
        return entries if limit is None else entries[max(0, len(entries) - max(0, limit)) :]

    def counts(self) -> dict[tuple[Reason, Source], int]:
        """How often each (reason, source) was recorded since start, skips and cancellations among them."""
        with self._all_taken_in():
            return self._counts()

    def totals(self, source: str | None = None) -> Totals:
        """Dials by outcome since start, of one source or of all."""
        with self._all_taken_in():
            by_source = self._totals_by_source()
        if source is not None:
            return by_source[_known_source(source)]
        return _sum(by_source.values())

    def peers(self) -> list[PeerRecord]:
        """What is known of each address, the longest streak first."""
        with self._all_taken_in():
            return self._peers.read(self._clock())

    def standing(self, addr: str) -> Standing:
        """When `addr` may be dialed again, and why not now."""
        with self._all_taken_in():
            return self._peers.standing(addr, self._clock())

    def snapshot(self) -> Snapshot:
        """Everything at one instant, consistent with itself."""
        with self._all_taken_in():
            now_unix = self._clock()
            by_source = self._totals_by_source()
            samples: dict[tuple[Reason, Source], tuple[DialFailure, ...]] = {}
            for cell in list(self._cells.values()):  # recording threads add to it without the lock
                if cell.reason is not None:
                    # Samples carry no sequence number of their own: 0.
                    made = tuple(to_failure(0, record) for record in cell.samples)
                    samples[cell.reason, cell.source] = samples.get((cell.reason, cell.source), ()) + made
            return Snapshot(
                at_unix=now_unix,
                seq=self._seq,
                totals=_sum(by_source.values()),
                totals_by_source=by_source,
                counts=self._counts(),
                recent=tuple(self._ring.read(now_unix)),
                samples=samples,
                successes=tuple(
                    event
                    for cell in self._success_cells.values()
                    for event in (to_event(0, record) for record in cell.samples)
                    if isinstance(event, DialSucceeded)
                ),
                peers=tuple(self._peers.read(now_unix)),
                in_flight=tuple(
                    event
                    for event in (to_event(0, record) for record in self._open.values())
                    if isinstance(event, DialStarted)
                ),
                dropped={
                    "subscriber_slow": self._subscriptions.dropped_total,
                    "ended_twice": self._ended_twice,
                    "recorder_error": self._recorder_errors,
                },
            )

    @property
    def revision(self) -> int:
        """A number that changes with every recorded outcome and with `clear`.

        Cheap to compare, so that readers can keep what they made.
        """
        with self._lock:  # in the middle of taking in, the sum would be that of an earlier time
            return self._seq + len(self._waiting) + self._ended_twice + self._cleared

    def _counts(self) -> dict[tuple[Reason, Source], int]:
        counts: dict[tuple[Reason, Source], int] = {}
        for cell in list(self._cells.values()):  # recording threads add to it without the lock
            if cell.reason is not None and cell.total:
                key = (cell.reason, cell.source)
                counts[key] = counts.get(key, 0) + cell.total
        return counts

    def _totals_by_source(self) -> dict[Source, Totals]:
        ended: dict[tuple[Source, Kind | None], int] = {}
        recorded_whole = dict.fromkeys(Source, 0)
        for cell in (*self._cells.values(), *self._success_cells.values()):
            ended[cell.source, cell.kind] = ended.get((cell.source, cell.kind), 0) + cell.total
            if cell.kind in {None, Kind.FAILURE, Kind.CANCELLED}:
                recorded_whole[cell.source] += cell.total - cell.ended_open
        in_flight = dict.fromkeys(Source, 0)
        for record in self._open.values():
            in_flight[record[0].source] += 1
        return {
            source: Totals(
                # Counted at the beginnings, not summed from the ends: that the two agree is a fact, not a formula.
                started=self._begin_cells[source].total + recorded_whole[source],
                succeeded=ended.get((source, None), 0),
                failed=ended.get((source, Kind.FAILURE), 0),
                cancelled=ended.get((source, Kind.CANCELLED), 0),
                in_flight=in_flight[source],
                skipped=ended.get((source, Kind.SKIP), 0),
                disconnected_early=ended.get((source, Kind.DISCONNECT), 0),
            )
            for source in Source
        }

    # ---- watching and steering ------------------------------------------------------------------------------------

    def subscribe(self, capacity: int = 1000, *, loop: asyncio.AbstractEventLoop | None = None) -> Subscription:
        """Every event from now on, in a queue of `capacity`; pass the running loop to read it with ``async for``."""
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        with self._all_taken_in():
            subscription = self._subscriptions.add(capacity, loop)
            self._batch = 1  # a reader that listens should not wait for a batch to fill
        return subscription

    def forgive_own_faults(self) -> None:
        """Let addresses that only wait because of a fault of ours be dialed now, for when ours is mended."""
        with self._all_taken_in():
            self._peers.forgive_own_faults()

    def clear(self) -> None:
        """Forget entries, samples, counts and standings. Dials in flight stay, and so the sums keep adding up."""
        with self._all_taken_in():
            self._cleared += 1
            self._ring.clear()
            self._peers.clear()
            for cell in (*self._cells.values(), *self._success_cells.values(), *self._begin_cells.values()):
                cell.total = cell.ended_open = 0
                cell.samples.clear()
            for record in self._open.values():
                record[0].total += 1


class _Begin(NamedTuple):
    """Waiting to be taken in: a dial began."""

    cell: None
    at_unix: float
    dial_id: int
    addr: str
    source: Source
    via: str | None


class _End(NamedTuple):
    """Waiting to be taken in: a dial ended; with a fault, or well."""

    cell: None
    at_unix: float
    dial_id: int
    fault: Fault | None
    duration_s: float | None
    attempts: tuple[Attempt, ...]
    phases_s: Mapping[str, float] | None
    node_id: str | None
    penalise: bool


MAX_SECONDS = 1e9
"""Some thirty years; a longer duration is none."""


def _seconds(value: object) -> float | None:
    """`value` where it is a duration, else None: NaN would poison every sum that it enters."""
    return float(value) if isinstance(value, int | float) and 0 <= value <= MAX_SECONDS else None


def _sum(parts: Iterable[Totals]) -> Totals:
    return Totals(*map(sum, zip(*(astuple(part) for part in parts), strict=True)))


_REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
_SOURCES: Mapping[str, Source] = {source.value: source for source in Source}
_warned: set[str] = set()
MAX_WARNINGS = 100
"""How many unknown names are warned about; who invents names endlessly has been told."""


def _known_reason(name: str) -> Reason:
    return _known(name, _REASONS, Reason.OTHER, "reason")


def _known_source(name: str) -> Source:
    return _known(name, _SOURCES, Source.OTHER, "source")


def _known(name: str, table: Mapping[str, _Name], other: _Name, what: str) -> _Name:
    known = table.get(name) if isinstance(name, str) else None
    if known is not None:
        return known
    text = bounds.text(name)
    if text not in _warned and len(_warned) < MAX_WARNINGS:
        _warned.add(text)
        _log.warning("nocarrier: unknown %s %r is recorded as 'other'; known ones are %s", what, text, ", ".join(table))
    return other
