"""What became of the addresses from each source and each introducer, and which introducers to believe only slowly.

An address counts for the source and the introducer that first named it, and it counts once: while it is in the peer
book, the sums follow its entry; when it leaves, they keep its last state. If it is named again after that, it counts as
new.

Sums of sources are never forgotten. Sums of introducers are kept for the 512 heard from last. After a restart all sums
begin with the entries of the book. Entries that had left it, repetitions and refusals are forgotten, and so is how
introducers that have left the book came to us; the addresses they named keep them as via.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from nocarrier.model.node.introduction_chain import introduction_chain
from nocarrier.model.node.state import Introducer, Introduction, IntroductionCounts
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node.book.peer_entry import PeerEntry

MAX_INTRODUCERS = 512
"""Eight times the sessions that a node has by default, so that the introducers of the last hours are known. With a full
book and this many introducers the sums take 420 kB (measured)."""

THROTTLE_DIALED = 8
"""How many addresses of an introducer must have been dialed before it is judged. If half of all addresses are dead, as
in live networks, seven or eight of eight are dead by chance once in 28 times; if a third is, once in 400 times. An
introducer throttled by chance is not throttled for long: its addresses are still dialed, only later."""

THROTTLE_DEAD_SHARE = 0.8
"""An introducer with a larger share of dead addresses has an old book, or means harm. From this share on the cause
`stale_source` names it."""

LEFT_COUNT_AS = 32.0
"""Addresses that have left the book count as at most this many. So eight good ones make up for a bad past, but pushing
the dead ones out of the book does not."""

THROTTLE_DEAD_REPEATS = 64
"""How often dead addresses may be named again before their introducer is throttled for it: eight addresses eight times,
in four minutes of gossip. A good introducer names proven addresses; it dials those that stopped answering, and then no
longer names them."""

REPEATS_REMEMBERED = 256
"""When this many addresses were named again, all earlier ones count half: half an hour of gossip with four per list."""


class _Facts(NamedTuple):
    """How one address counts."""

    source: Source
    via: str | None
    is_dialed: bool
    is_connected: bool
    """Whether it has led to a session."""
    is_dead: bool
    is_told: bool
    """Whether another peer named it: a peer that names itself says nothing about others."""


@dataclass(slots=True)
class _Sums:
    introduced: int = 0
    dialed: int = 0
    connected: int = 0
    dead: int = 0
    told_and_dialed: int = 0
    told_in_vain: int = 0
    """Addresses named, dead, and without a session so far."""

    def add(self, facts: _Facts, times: int = 1) -> None:
        self.introduced += times
        self.dialed += times * facts.is_dialed
        self.connected += times * facts.is_connected
        self.dead += times * facts.is_dead
        self.told_and_dialed += times * (facts.is_told and facts.is_dialed)
        self.told_in_vain += times * (facts.is_told and facts.is_dead and not facts.is_connected)


class _Record(NamedTuple):
    """The numbers by which an introducer is judged."""

    dialed: float
    in_vain: float

    @property
    def is_enough(self) -> bool:
        return self.dialed >= THROTTLE_DIALED

    @property
    def is_bad(self) -> bool:
        return self.is_enough and self.in_vain >= THROTTLE_DEAD_SHARE * self.dialed


@dataclass(slots=True)
class _Introducer:
    netgroup: str
    origin: Introduction | None = None
    """How the introducer itself came to us, for when it is not in the book."""
    left: _Sums = field(default_factory=_Sums)
    """The sums of its addresses that have left the book."""
    repeated: int = 0
    refused: int = 0
    repeated_lately: float = 0.0
    repeated_dead_lately: float = 0.0

    def repeat(self, *, is_dead: bool) -> None:
        self.repeated += 1
        self.repeated_lately += 1
        self.repeated_dead_lately += is_dead
        if self.repeated_lately >= REPEATS_REMEMBERED:
            self.repeated_lately /= 2
            self.repeated_dead_lately /= 2

    @property
    def repeats_dead(self) -> bool:
        dead = self.repeated_dead_lately
        return dead >= THROTTLE_DEAD_REPEATS and dead >= THROTTLE_DEAD_SHARE * self.repeated_lately


class Introductions:
    """Counts introductions. The peer book reports what becomes of its entries; gossip reports what it does not take in.

    Attributes:
        connected: addresses with an open session. None of them is dead, whatever became of a dial.
    """

    def __init__(self, netgroup: Callable[[str], str]) -> None:
        """Start without any introductions.

        Args:
            netgroup: returns the netgroup of an introducer, like `Shares.netgroup`.
        """
        self.connected: set[str] = set()
        self._netgroup = netgroup
        self._facts: dict[str, _Facts] = {}
        """The facts of the entries in the book."""
        self._sources: defaultdict[Source, _Sums] = defaultdict(_Sums)
        self._repeated: Counter[Source] = Counter()
        self._refused: Counter[Source] = Counter()
        self._in_book: defaultdict[str, _Sums] = defaultdict(_Sums)
        """By introducer."""
        self._introducers: dict[str, _Introducer] = {}
        """The one heard from longest ago comes first."""

    # ---- changes of the book --------------------------------------------------------------------------------------

    def entered(self, entry: PeerEntry) -> None:
        """Note that `entry` is now in the book."""
        if entry.via is not None:
            self._heard(entry.via)
        self._count(entry)

    def changed(self, entry: PeerEntry) -> None:
        """Note that `entry` has replaced the one with the same address."""
        self._uncount(entry.addr, entirely=True)
        self._count(entry)

    def left(self, entry: PeerEntry) -> None:
        """Note that `entry` is no longer in the book."""
        facts = self._uncount(entry.addr, entirely=False)
        told_by = self._introducers.get(facts.via) if facts.via is not None else None
        if told_by is not None:
            told_by.left.add(facts)
        itself = self._introducers.get(entry.addr)
        if itself is not None:
            itself.origin = _introduction(entry)

    def _count(self, entry: PeerEntry) -> None:
        facts = self._facts[entry.addr] = _Facts(
            source=entry.source,
            via=entry.via,
            is_dialed=entry.dialed_unix is not None,
            is_connected=entry.last_success_unix is not None,
            is_dead=entry.is_dead and entry.addr not in self.connected,
            is_told=entry.via not in {None, entry.addr},
        )
        self._sources[facts.source].add(facts)
        if facts.via is not None:
            self._in_book[facts.via].add(facts)

    def _uncount(self, addr: str, *, entirely: bool) -> _Facts:
        facts = self._facts.pop(addr)
        if entirely:
            self._sources[facts.source].add(facts, -1)
        if facts.via is not None:
            sums = self._in_book[facts.via]
            sums.add(facts, -1)
            if sums.introduced == 0:
                del self._in_book[facts.via]
        return facts

    # ---- reports from introducers ---------------------------------------------------------------------------------

    def heard(self, introducer: Introduction) -> None:
        """Note that a peer names addresses; `introducer` says how it came to us, for when it is not in the book."""
        known = self._heard(introducer.addr)
        known.origin = known.origin or introducer

    def repeated(self, addr: str, source: Source, via: str) -> None:
        """Note that `via` named `addr`, which is already in the book."""
        self._repeated[source] += 1
        self._heard(via).repeat(is_dead=self._facts[addr].is_dead)

    def refused(self, source: Source, via: str | None, newcomers: int = 1) -> None:
        """Note that `newcomers` addresses from `source`, named by `via`, are not taken in."""
        self._refused[source] += newcomers
        if via is not None:
            self._heard(via).refused += newcomers

    def _heard(self, addr: str) -> _Introducer:
        introducer = self._introducers.pop(addr, None) or _Introducer(self._netgroup(addr))
        self._introducers[addr] = introducer
        if len(self._introducers) > MAX_INTRODUCERS:
            del self._introducers[next(iter(self._introducers))]
        return introducer

    # ---- reading --------------------------------------------------------------------------------------------------

    def by_source(self) -> dict[Source, IntroductionCounts]:
        """What became of the addresses of each source that gave us any."""
        told = self._sources.keys() | self._repeated.keys() | self._refused.keys()
        return {
            source: _counts(self._sources[source], repeated=self._repeated[source], refused=self._refused[source])
            for source in Source
            if source in told
        }

    def introducers(self) -> tuple[Introducer, ...]:
        """The introducers, in the order in which they were last heard from."""
        throttled = self.throttled()
        return tuple(
            Introducer(
                addr=addr,
                counts=_counts(
                    self._in_book.get(addr, _Sums()),
                    introducer.left,
                    repeated=introducer.repeated,
                    refused=introducer.refused,
                ),
                throttled=addr in throttled,
            )
            for addr, introducer in self._introducers.items()
        )

    def chain(self, addr: str, entry_of: Callable[[str], PeerEntry | None]) -> list[Introduction]:
        """How `addr` came to this node, itself first and the root last; empty if that is not known."""

        def origin_of(step: str) -> Introduction | None:
            entry = entry_of(step)
            if entry is not None:
                return _introduction(entry)
            introducer = self._introducers.get(step)
            return introducer.origin if introducer is not None else None

        return introduction_chain(addr, origin_of)

    # ---- judging --------------------------------------------------------------------------------------------------

    def throttled(self) -> dict[str, str]:
        """The introducers to believe only slowly, because nearly all they named is dead or they keep naming the dead.

        Maps each to its netgroup.

        An introducer is judged by what it named itself or, until that is enough, by what its netgroup named: addresses
        within one netgroup cost nothing.
        """
        records = {addr: self._record(addr, introducer) for addr, introducer in self._introducers.items()}
        of_netgroup: defaultdict[str, _Record] = defaultdict(lambda: _Record(0.0, 0.0))
        for addr, record in records.items():
            netgroup = self._introducers[addr].netgroup
            known = of_netgroup[netgroup]
            of_netgroup[netgroup] = _Record(known.dialed + record.dialed, known.in_vain + record.in_vain)
        return {
            addr: introducer.netgroup
            for addr, introducer in self._introducers.items()
            if introducer.repeats_dead
            or (records[addr] if records[addr].is_enough else of_netgroup[introducer.netgroup]).is_bad
        }

    def _record(self, addr: str, introducer: _Introducer) -> _Record:
        left = introducer.left
        weight = min(1.0, LEFT_COUNT_AS / left.told_and_dialed) if left.told_and_dialed else 0.0
        in_book = self._in_book.get(addr, _Sums())
        return _Record(
            in_book.told_and_dialed + weight * left.told_and_dialed, in_book.told_in_vain + weight * left.told_in_vain
        )


def _introduction(entry: PeerEntry) -> Introduction:
    return Introduction(addr=entry.addr, source=entry.source, via=entry.via, first_seen_unix=entry.first_seen_unix)


def _counts(*sums: _Sums, repeated: int, refused: int) -> IntroductionCounts:
    return IntroductionCounts(
        introduced=sum(each.introduced for each in sums),
        dialed=sum(each.dialed for each in sums),
        connected=sum(each.connected for each in sums),
        dead=sum(each.dead for each in sums),
        repeated=repeated,
        refused=refused,
    )
