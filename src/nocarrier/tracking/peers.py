"""What is known about each address: streak, last reason, last success, and when it may be dialed again. Bounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from nocarrier.model.ports import Standing
from nocarrier.model.taxonomy import Blame, Kind, Reason, Retry, Source
from nocarrier.tracking.backoff import delay_s
from nocarrier.tracking.latest import LastOutcome, last_outcome
from nocarrier.tracking.record import (
    ADDR,
    AT_UNIX,
    CELL,
    DETAIL,
    DETAILS,
    EVIDENCE,
    PENAL,
    VIA,
    Record,
)

_AT = itemgetter(AT_UNIX)
"""When a record was made."""

_SEQ = attrgetter("seq")

EVICTION_SLACK = 0.25
"""The share by which the table outgrows its capacity before the addresses seen longest ago are dropped: one sort then
pays for many additions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRecord:
    """What the tracker knows about one address."""

    addr: str
    source: Source
    via: str | None
    failures_total: int
    successes_total: int
    streak: int
    """Failures in a row that count against the peer; faults that are ours or nobody's do not."""
    last_reason: Reason | None
    last_detail: str | None
    last_failure_unix: float | None
    last_success_unix: float | None
    next_attempt_unix: float | None
    """None: now. Infinite: not before something changes."""
    because: Reason | None


class _Peer:
    __slots__ = (
        "blameless",
        "failure_seq",
        "failures",
        "failures_before_success",
        "last",
        "last_manual",
        "last_success",
        "outcome",
        "outcome_count",
        "own_streak",
        "seq",
        "successes",
        "waits",
    )

    def __init__(self) -> None:
        self.failures = 0
        self.failures_before_success = 0
        self.blameless = 0
        """How many of the failures since the last success count against nobody."""
        self.seq = 0
        """Sequence number of the newest outcome."""
        self.failure_seq = 0
        """Sequence number of the newest failure."""
        self.successes = 0
        self.own_streak = 0
        """Failures in a row that are ours or nobody's: they delay the next dial, but count against nobody."""
        self.last: Record | None = None
        """The last failure that determines when the next dial makes sense."""
        self.last_manual: Record | None = None
        """The last failure of a manual dial, which ignores backoff and causes none."""
        self.last_success: Record | None = None
        self.outcome: LastOutcome | None = None
        """What `latest` last made of this; valid until the next failure or success."""
        self.outcome_count = 0
        """How many failures and successes `outcome` is made from."""
        self.waits = False
        """Whether `last` still delays the next dial: there has been no success since."""

    @property
    def newest_failure(self) -> Record | None:
        if self.last is None or self.last_manual is None:
            return self.last or self.last_manual
        return max(self.last, self.last_manual, key=_AT)

    @property
    def streak(self) -> int:
        """Failures in a row that count against the peer."""
        return self.failures - self.failures_before_success - self.blameless


class PeerTable:
    """The state of at most `capacity` addresses (a few more between evictions); the least recently seen go first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._limit = int(capacity * (1 + EVICTION_SLACK))
        self._peers: dict[str, _Peer] = {}

    def apply(self, first_seq: int, records: Iterable[Record]) -> None:
        """Take in outcomes, oldest first; the first has number `first_seq`."""
        peers = self._peers
        for seq, record in enumerate(records, first_seq):
            if record[PENAL]:
                peer = peers.get(record[ADDR])
                if peer is None:
                    peer = self._add(record[ADDR])
                peer.failures += 1
                peer.last = record
                peer.failure_seq = peer.seq = seq
                peer.waits = True
            elif record[CELL].concerns_peer:
                self._apply_blameless(peers.get(record[ADDR]) or self._add(record[ADDR]), seq, record)
        if len(peers) > self._limit:
            self._evict()

    def _add(self, addr: str) -> _Peer:
        peer = self._peers[addr] = _Peer()
        return peer

    def _apply_blameless(self, peer: _Peer, seq: int, record: Record) -> None:
        cell = record[CELL]
        peer.seq = seq
        if cell.kind is Kind.SUCCEEDED:
            peer.successes += 1
            peer.failures_before_success = peer.failures
            peer.blameless = peer.own_streak = 0
            peer.waits = False
            peer.last_success = record
            return
        peer.failures += 1
        peer.blameless += 1
        peer.failure_seq = seq
        if cell.source is Source.DIRECT:
            peer.last_manual = record
        else:
            peer.own_streak += 1
            peer.last = record
            peer.waits = True

    def _evict(self) -> None:
        # Numbers are read and sorted in C, in a fraction of the time that a key function for each peer takes.
        first_kept = sorted(map(_SEQ, self._peers.values()))[-self.capacity]
        for addr in [addr for addr, peer in self._peers.items() if peer.seq < first_kept]:
            del self._peers[addr]

    def forgive_own_faults(self) -> None:
        """Let every address that waits only because of a fault of ours be dialed now."""
        for peer in self._peers.values():
            if peer.last is not None and not peer.last[PENAL]:
                peer.waits = False
                peer.own_streak = 0

    def standing(self, addr: str, now_unix: float) -> Standing:
        """What the past says about dialing `addr` at `now_unix`."""
        peer = self._peers.get(addr)
        return _standing(peer, now_unix) if peer else Standing()

    def read(self, now_unix: float) -> list[PeerRecord]:
        """All addresses, the one with the longest streak first."""
        records = [_peer_record(addr, peer, now_unix) for addr, peer in self._peers.items()]
        records.sort(key=attrgetter("streak", "failures_total"), reverse=True)
        return records

    def latest(self) -> list[LastOutcome]:
        """The last outcome of each address: the same object as before if nothing has happened to it since."""
        return [
            outcome
            if (outcome := peer.outcome) is not None and peer.outcome_count == peer.failures + peer.successes
            else _outcome_made(addr, peer)
            for addr, peer in self._peers.items()
        ]

    def clear(self) -> None:
        """Forget all addresses."""
        self._peers.clear()

    def __len__(self) -> int:
        return len(self._peers)


def _outcome_made(addr: str, peer: _Peer) -> LastOutcome:
    """The outcome of `addr`, kept until the next failure or success, which raises one of the two counts."""
    peer.outcome_count = peer.failures + peer.successes
    peer.outcome = last_outcome(
        addr,
        peer.newest_failure,
        peer.failure_seq,
        peer.failures - peer.failures_before_success,
        peer.last_success,
    )
    return peer.outcome


def _standing(peer: _Peer, now_unix: float) -> Standing:
    next_attempt_unix: float | None = None
    because: Reason | None = None
    failure = peer.newest_failure
    if peer.waits and peer.last is not None:
        cell, at_unix, addr, penal = peer.last[CELL], peer.last[AT_UNIX], peer.last[ADDR], peer.last[PENAL]
        assert cell.reason is not None
        failures_in_a_row = peer.streak if penal else peer.own_streak
        retry = Retry.SHORT if _is_own_stall(peer.last) else cell.reason.retry
        until = at_unix + delay_s(retry, failures_in_a_row, source=cell.source, addr=addr)
        # If the wall clock was set back, seconds must not turn into hours: an entry from the future counts as past.
        if at_unix <= now_unix < until:
            next_attempt_unix, because = until, cell.reason
    return Standing(
        streak=peer.streak,
        last_reason=failure[CELL].reason if failure else None,
        last_failure_unix=failure[AT_UNIX] if failure else None,
        last_success_unix=peer.last_success[AT_UNIX] if peer.last_success else None,
        next_attempt_unix=next_attempt_unix,
        because=because,
    )


def _is_own_stall(record: Record) -> bool:
    """Whether our own event loop had stalled: that passes in a moment, whatever wait the reason usually calls for."""
    evidence, details = record[EVIDENCE], record[DETAILS]
    if details is None or evidence is None:
        return False
    _, _, blame, _, _ = details
    return blame is Blame.US and "loop_lag_s" in evidence


def _peer_record(addr: str, peer: _Peer, now_unix: float) -> PeerRecord:
    standing = _standing(peer, now_unix)
    failure = peer.newest_failure
    newest = max(filter(None, (failure, peer.last_success)), key=_AT)
    return PeerRecord(
        addr=addr,
        source=newest[CELL].source,
        via=newest[VIA],
        failures_total=peer.failures,
        successes_total=peer.successes,
        streak=standing.streak,
        last_reason=standing.last_reason,
        last_detail=failure[DETAIL] if failure else None,
        last_failure_unix=standing.last_failure_unix,
        last_success_unix=standing.last_success_unix,
        next_attempt_unix=standing.next_attempt_unix,
        because=standing.because,
    )
