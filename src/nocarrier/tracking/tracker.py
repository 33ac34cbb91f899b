"""The tracker: every dial is recorded here, exactly once."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nocarrier.model import bounds
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.event import DialFailure, EndedAttempt
from nocarrier.model.event_filter import EventFilter
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.ports import Clock, Standing
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.tracking.intake import BATCH, Intake
from nocarrier.tracking.latest import Latest
from nocarrier.tracking.ledger import End, Ledger, sum_of
from nocarrier.tracking.names import known_names, known_source
from nocarrier.tracking.peers import PeerRecord, PeerTable
from nocarrier.tracking.record import Cell, Record, flat_phases
from nocarrier.tracking.ring import Ring
from nocarrier.tracking.run_name import RunName
from nocarrier.tracking.snapshot import Snapshot, Tally, Totals
from nocarrier.tracking.subscription import Subscription, Subscriptions

if TYPE_CHECKING:
    import asyncio

DEFAULT_CAPACITY = 100
"""Entries in the ring: as many as one look at `/api/p2p/debug` shows."""

DEFAULT_MAX_PEERS = 4096
"""Addresses whose state is kept."""

_log = logging.getLogger("nocarrier")


class DialTracker:
    """Records the outcome of every dial: newest entries, exact counts, samples, and the standing of each address.

    Safe from any thread. Recording appends to a queue without a lock; it never raises and never waits for a reader. The
    thread that fills a batch, or reads, takes in the queue.

    Args:
        capacity: entries in the ring of newest failures and skips.
        clock: returns Unix seconds.
        ttl_s: entries older than this are no longer shown; None keeps them until newer ones push them out.
        max_peers: addresses whose state is kept.

    Attributes:
        since_unix: when counting began: when the tracker was made, or at the last `clear`.
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
        self.since_unix = clock()
        self._run = RunName()
        self._intake = Intake(self._take_in)
        self._waiting = self._intake.waiting
        self._dial_ids = itertools.count(1)
        self._ledger = Ledger(self._run)
        self._cells = self._ledger.cells
        # Everything below is used only under the lock.
        self._seq = 0
        self._ring = Ring(capacity, ttl_s, self._run)
        self._peers = PeerTable(max_peers)
        self._subscriptions = Subscriptions(self._run)
        self._cleared = 0
        self._recorder_errors = 0

    # ---- recording ------------------------------------------------------------------------------------------------

    def record(
        self,
        addr: str,
        reason: str,
        source: str,
        # Pass these by name. There is no `*` because filling in six keyword-only defaults would take a seventh of the
        # cost of a record (measured, CPython 3.11).
        detail: str | None = None,
        via: str | None = None,
        evidence: Evidence | None = None,
        duration_s: float | None = None,
        node_id: str | None = None,
        penalise: bool = True,
    ) -> None:
        """Record a complete outcome: a skip, an early disconnect, or a dial that was made by other code.

        The reason's kind decides how it counts. An unknown reason or source is recorded as ``other``, its name kept as
        detail. Never raises.

        Args:
            addr: the peer's address, as text.
            reason: the name of a reason in the taxonomy.
            source: who gave us the address.
            detail: text for people; at most 300 characters are kept.
            via: which peer gave us the address.
            evidence: what is known, with the keys of `model.evidence.EVIDENCE_KEYS`.
            duration_s: how long the dial took. Pass it if you know it: it shows whether anybody answered during the
                dial, which distinguishes an outage from dead peers. Without it that is a guess, made with less
                confidence.
            node_id: the identity that the peer has proved.
            penalise: whether the failure may count against the peer.
        """
        try:
            # The usual record has nothing to bound, and checking that is cheaper than bounding.
            try:
                cell: Cell | None = self._cells[reason, source]
                has_more = detail or via or evidence or duration_s or node_id or len(addr) > MAX_ADDRESS_LENGTH
                if has_more or not addr.isascii():
                    cell = None
            except (KeyError, TypeError, AttributeError):  # first of its kind, unhashable, or not text
                cell = None
            if cell is None:
                the_reason, the_source, detail = known_names(reason, source, detail)
                cell = self._ledger.cell(the_reason, the_source, the_reason.kind)
                addr, via = bounds.text(addr, MAX_ADDRESS_LENGTH), bounds.optional_text(via)
                detail, evidence = bounds.optional_text(detail), bounds.evidence(evidence)
                duration_s, node_id = bounds.seconds(duration_s), bounds.optional_text(node_id)
            waiting = self._waiting
            waiting.append(
                (cell, self._clock(), addr, cell.penal and penalise, via, detail, evidence, duration_s, node_id, None)
            )
            if len(waiting) >= self._intake.batch:
                self._intake.take_in_if_free()
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
        """Record a dial that was made by other code and reached its session. Never raises."""
        try:
            cell = self._ledger.success_cells[known_source(source)]
            addr, via = bounds.text(addr, MAX_ADDRESS_LENGTH), bounds.optional_text(via)
            duration_s, node_id = bounds.seconds(duration_s), bounds.optional_text(node_id)
            self._intake.put((cell, self._clock(), addr, False, via, None, None, duration_s, node_id, None))
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()

    def begin(self, addr: str, source: str, *, via: str | None = None) -> int:
        """Record that a dial begins. Returns its id; end the dial exactly once, with `fail` or `succeed`."""
        dial_id = next(self._dial_ids)
        try:
            addr, via = bounds.text(addr, MAX_ADDRESS_LENGTH), bounds.optional_text(via)
            cell = self._ledger.begin_cells[known_source(source)]
            self._intake.put(
                (cell, self._clock(), addr, False, via, None, None, None, None, (dial_id, None, None, (), ()))
            )
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()
        return dial_id

    def fail(
        self,
        dial_id: int,
        fault: Fault,
        *,
        duration_s: float | None = None,
        attempts: tuple[EndedAttempt, ...] = (),
        phases_s: Mapping[str, float] | None = None,
        node_id: str | None = None,
        penalise: bool = True,
    ) -> None:
        """Record that the dial failed or, with the reason ``cancelled``, that our own code ended it.

        Args:
            dial_id: from `begin`.
            fault: why it failed.
            duration_s: how long the dial took; None: the time since `begin`, by the tracker's clock.
            attempts: the connection attempts, in the order in which they began.
            phases_s: how long each phase took, by name.
            node_id: the identity that the peer has proved.
            penalise: whether the failure may count against the peer.
        """
        self._end(dial_id, fault, duration_s, attempts, phases_s, node_id, penalise=penalise)

    def succeed(
        self,
        dial_id: int,
        *,
        duration_s: float | None = None,
        attempts: tuple[EndedAttempt, ...] = (),
        phases_s: Mapping[str, float] | None = None,
        node_id: str | None = None,
    ) -> None:
        """Record that the dial reached its session. The arguments are those of `fail`."""
        self._end(dial_id, None, duration_s, attempts, phases_s, node_id, penalise=False)

    def _end(
        self,
        dial_id: int,
        fault: Fault | None,
        duration_s: float | None,
        attempts: tuple[EndedAttempt, ...],
        phases_s: Mapping[str, float] | None,
        node_id: str | None,
        *,
        penalise: bool,
    ) -> None:
        try:
            duration_s, node_id = bounds.seconds(duration_s), bounds.optional_text(node_id)
            phases = flat_phases(phases_s) if phases_s else ()
            self._intake.put((None, self._clock(), dial_id, fault, duration_s, attempts, phases, node_id, penalise))
        except Exception:  # noqa: BLE001 - recording must never raise into a dial
            self._count_recorder_error()

    def _count_recorder_error(self) -> None:
        self._recorder_errors += 1
        if self._recorder_errors == 1:
            _log.exception("nocarrier could not record a dial; further errors are counted in dropped.recorder_error")

    def _take_in(self, items: list[Record | End]) -> None:
        first_seq = self._seq + 1
        records, cells = self._ledger.take_in(first_seq, items)
        if not records:
            return
        self._seq += len(records)
        self._peers.apply(first_seq, records)
        self._ring.extend(first_seq, records, cells)
        if len(self._subscriptions):
            self._subscriptions.publish(list(enumerate(records, first_seq)))
        if self._intake.batch == 1 and not self._subscriptions.wait_for_events:
            self._intake.batch = BATCH  # the last waiting reader is gone

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

        At most the newest `limit`; None: all. Each other argument is the field of the same name in `EventFilter`.
        """
        with self._intake.all_taken_in():
            entries = list(self._ring.read(self._clock()))
        kinds = None if kind is None else (kind,)
        wanted = EventFilter(
            reason=reason, source=source, addr=addr, via=via, phase=phase, kind=kinds, since_unix=since_unix
        )
        if wanted != EventFilter():
            entries = [entry for entry in entries if wanted.matches(entry)]
        return entries if limit is None else entries[max(0, len(entries) - max(0, limit)) :]

    def counts(self) -> dict[tuple[Reason, Source], int]:
        """How often each (reason, source) was recorded since start, skips and cancellations included."""
        with self._intake.all_taken_in():
            return self._ledger.counts()

    def totals(self, source: str | None = None) -> Totals:
        """Dials by outcome since start, of one source or of all sources."""
        with self._intake.all_taken_in():
            by_source = self._ledger.totals()
        if source is not None:
            return by_source[known_source(source)]
        return sum_of(by_source.values())

    def peers(self) -> list[PeerRecord]:
        """What is known about each address, the longest streak first."""
        with self._intake.all_taken_in():
            return self._peers.read(self._clock())

    def standing(self, addr: str) -> Standing:
        """When `addr` may be dialed again, and why not now."""
        with self._intake.all_taken_in():
            return self._peers.standing(addr, self._clock())

    def snapshot(self) -> Snapshot:
        """Everything that the tracker knows at one instant, consistent with itself."""
        with self._intake.all_taken_in():
            now_unix = self._clock()
            by_source = self._ledger.totals()
            return Snapshot(
                at_unix=now_unix,
                run=self.run,
                seq=self._seq,
                totals=sum_of(by_source.values()),
                totals_by_source=by_source,
                counts=self._ledger.counts(),
                recent=tuple(self._ring.read(now_unix)),
                samples=self._ledger.samples(),
                successes=self._ledger.successes(),
                peers=tuple(self._peers.read(now_unix)),
                in_flight=self._ledger.in_flight(),
                dropped=self._dropped(),
            )

    def tally(self) -> Tally:
        """Only the numbers, at one instant: what a scrape reads, at a hundredth of the cost of a snapshot."""
        with self._intake.all_taken_in():
            return Tally(
                at_unix=self._clock(),
                seq=self._seq,
                totals_by_source=self._ledger.totals(),
                counts=self._ledger.counts_by_kind(),
                durations=self._ledger.durations.dials(),
                phase_durations=self._ledger.durations.phases(),
                oldest_begun_unix=self._ledger.oldest_begun_unix(),
                dropped=self._dropped(),
            )

    def _dropped(self) -> dict[str, int]:
        return {
            "subscriber_slow": self._subscriptions.dropped_total,
            "ended_twice": self._ledger.ended_twice,
            "recorder_error": self._recorder_errors,
        }

    def latest(self) -> Latest:
        """The latest outcome of every address, and whatever else a diagnosis reads; cheaper than a snapshot."""
        with self._intake.all_taken_in():
            now_unix = self._clock()
            return Latest(
                at_unix=now_unix,
                run=self.run,
                peers=tuple(self._peers.latest()),
                recent=tuple(self._ring.read(now_unix)),
                in_flight=self._ledger.in_flight(),
            )

    @property
    def run(self) -> str:
        """The random name of this run of the program: 32 hex digits. Together with `seq` it names an event."""
        return self._run.text

    start_id = run  # its older name

    @property
    def seq(self) -> int:
        """Sequence number of the newest event."""
        with self._intake.all_taken_in():
            return self._seq

    @property
    def revision(self) -> int:
        """Changes with every recorded outcome and with `clear`; cheap, so a reader knows when to read again."""
        with self._intake.lock:  # in the middle of taking in, the sum would be that of an earlier time
            return self._seq + len(self._waiting) + self._ledger.ended_twice + self._cleared

    # ---- watching and steering ------------------------------------------------------------------------------------

    def subscribe(
        self, capacity: int = 1000, *, loop: asyncio.AbstractEventLoop | None = None, polled: bool = False
    ) -> Subscription:
        """Subscribe to every event from now on, in a queue of `capacity`.

        Args:
            capacity: how many events may wait for the reader; beyond that the oldest are dropped and counted.
            loop: the running loop, to read the events in it with ``async for``.
            polled: the reader only calls `drain`, now and then. Recording then costs hardly more than without a reader.
        """
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        with self._intake.all_taken_in():
            if polled:
                return self._subscriptions.add(capacity, take_in=self._intake.take_in_all)
            subscription = self._subscriptions.add(capacity, loop=loop)
            self._intake.batch = 1  # a waiting reader should not have to wait for a batch to fill
        return subscription

    def forgive_own_faults(self) -> None:
        """Let addresses that wait only because of a fault of ours be dialed now; called when that fault is fixed."""
        with self._intake.all_taken_in():
            self._peers.forgive_own_faults()

    def clear(self) -> None:
        """Forget entries, samples, counts and standings. Dials in flight remain, so the sums still add up."""
        with self._intake.all_taken_in():
            self._cleared += 1
            self.since_unix = self._clock()
            self._ring.clear()
            self._peers.clear()
            self._ledger.clear()
