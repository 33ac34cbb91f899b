"""The addresses that this node knows, where each came from, and which to dial next.

`shares` bounds it, and `introductions` counts what became of the addresses that each introducer named.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from nocarrier.model import bounds
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX, MAX_ADDRESS_LENGTH, Address
from nocarrier.model.node.state import BookState, Introduction
from nocarrier.model.ports import StandingBook
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node.book.introductions import Introductions
from nocarrier.sources.node.book.peer_entry import PeerEntry, Stage, stage_of, state_of
from nocarrier.sources.node.book.shares import AddOutcome, Shares

__all__ = ["MAX_ENTRIES", "AddOutcome", "PeerBook", "PeerBookFile", "PeerEntry", "state_of"]

MAX_ENTRIES = 2048
"""A full book is a file of at most 800 kB, saved in some 10 ms and loaded in 25 ms (measured)."""


class PeerBookFile(msgspec.Struct, tag_field="schema", tag=1):
    """The book in the form that `state_files` keeps."""

    entries: list[PeerEntry]


class PeerBook:
    """Known addresses, at most `max_entries`. Not thread-safe; the entries it returns are values and never change.

    Methods that take an address as text expect its normal form, as in `PeerEntry.addr`, and ignore unknown ones.

    Attributes:
        revision: changes with every change; compare it to know whether the book needs saving.
        refused_total: newcomers that found no room.
        evicted_total: entries that made room for others.
        introductions: what became of the addresses that each source and introducer named.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES, netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX) -> None:
        """Make an empty book.

        Args:
            max_entries: the bound of the whole book.
            netgroup_prefix: how many leading bits of an IPv4 address make its netgroup.
        """
        self.revision = 0
        self.refused_total = 0
        self.evicted_total = 0
        self._shares = Shares(max_entries, netgroup_prefix)
        self.introductions = Introductions(self._shares.netgroup)
        self._entries: dict[str, PeerEntry] = {}

    # ---- persistence ----------------------------------------------------------------------------------------------

    @classmethod
    def from_file(
        cls, file: PeerBookFile, max_entries: int = MAX_ENTRIES, netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX
    ) -> PeerBook:
        """Make the book that `file` holds. If the bounds are tighter now, entries are left out and counted as evicted.

        Seeds in the file are entries like any other until `add` names them as seeds again.
        """
        book = cls(max_entries, netgroup_prefix)
        newest_unix = max((entry.first_seen_unix for entry in file.entries), default=0.0)
        for entry in sorted(file.entries, key=_rank_in_file):
            if stage_of(entry) is Stage.PROVEN:
                book._enter(entry)
                book._evict_beyond_share(entry)
            elif book._admit(entry, newest_unix) is not AddOutcome.ADDED:
                book.evicted_total += 1
        # The sums begin with the entries that found room.
        book.introductions = Introductions(book._shares.netgroup)
        for entry in sorted(book, key=lambda entry: entry.first_seen_unix):
            book.introductions.entered(entry)
        return book

    def to_file(self) -> PeerBookFile:
        """The book as it is now; later changes do not affect it, so a thread may write it."""
        return PeerBookFile(list(self._entries.values()))

    # ---- changing -------------------------------------------------------------------------------------------------

    def add(self, address: Address, source: Source, via: str | None, now_unix: float) -> AddOutcome:
        """Take in an address that this node was given. The first source and via are kept; only a seed replaces them.

        Args:
            address: where the peer can be dialed.
            source: who gave us the address.
            via: which peer gave it. Prefer that peer's address to its node id: introducers are bounded by netgroup, and
                node ids cost nothing to make.
            now_unix: Unix seconds.
        """
        addr = str(address)
        known = self._entries.get(addr)
        if via is not None:
            via = bounds.text(via, MAX_ADDRESS_LENGTH)
        if known is not None:
            if via is not None:
                self.introductions.repeated(addr, source, via)
            if source is Source.SEED and not self._shares.is_seed(addr):
                self._make_seed(known)
            return AddOutcome.KNOWN
        newcomer = PeerEntry(addr=addr, source=source, via=via, first_seen_unix=now_unix)
        outcome = self._admit(newcomer, now_unix, as_seed=source is Source.SEED)
        if outcome is not AddOutcome.ADDED:
            self.refused_total += 1
            self.introductions.refused(source, via)
        return outcome

    def _make_seed(self, known: PeerEntry) -> None:
        seed = msgspec.structs.replace(known, source=Source.SEED, via=None)
        self._shares.leave(known)
        self._shares.enter(seed, as_seed=True)
        self._replace(seed)

    def dialed(self, addr: str, now_unix: float) -> None:
        """Note that a dial to `addr` begins."""
        self._change(addr, last_dial_unix=now_unix)

    def attempted(self, addr: str, now_unix: float) -> None:
        """Note that a dial to `addr` failed through no fault of ours: an entry that only fails makes room first."""
        entry = self._entries.get(addr)
        if entry is not None:
            self._change(
                addr,
                last_attempt_unix=now_unix,
                failing_since_unix=now_unix if entry.failing_since_unix is None else entry.failing_since_unix,
                failures_since_success=entry.failures_since_success + 1,
                is_dead=True,
            )
            self._evict_beyond_share(self._entries[addr])

    def answered(self, addr: str) -> None:
        """Note that a peer answers at `addr`, though the dial did not lead to a session."""
        self._change(addr, is_dead=False)

    def succeeded(self, addr: str, node_id: str | None, now_unix: float) -> None:
        """Note that a dial to `addr` reached a session with `node_id`; from now on no newcomer displaces the entry."""
        entry = self._entries.get(addr)
        if entry is not None:
            self._change(
                addr,
                node_id=node_id,
                last_success_unix=now_unix,
                last_attempt_unix=now_unix,
                successes_total=entry.successes_total + 1,
                failing_since_unix=None,
                failures_since_success=0,
                is_dead=False,
            )
            self._evict_beyond_share(self._entries[addr])

    def set_node_id(self, addr: str, node_id: str) -> None:
        """Remember which node proved to be at `addr`."""
        self._change(addr, node_id=node_id)

    def forget_node_id(self, addr: str) -> None:
        """No longer expect a particular node at `addr`."""
        self._change(addr, node_id=None)

    def remove(self, addr: str) -> None:
        """Forget `addr`, even a seed."""
        entry = self._entries.get(addr)
        if entry is not None:
            self._leave(entry)

    def note_connected(self, addrs: set[str]) -> None:
        """Note that exactly these addresses have an open session from now on."""
        changed = self.introductions.connected ^ addrs
        self.introductions.connected = addrs
        for addr in changed & self._entries.keys():
            self.introductions.changed(self._entries[addr])

    def _change(self, addr: str, **changes: Any) -> None:
        entry = self._entries.get(addr)
        if entry is not None:
            changed = msgspec.structs.replace(entry, **changes)
            self._shares.change(entry, changed)
            self._replace(changed)

    def _replace(self, entry: PeerEntry) -> None:
        self._entries[entry.addr] = entry
        self.introductions.changed(entry)
        self.revision += 1

    def _admit(self, newcomer: PeerEntry, now_unix: float, *, as_seed: bool = False) -> AddOutcome:
        leaving = self._shares.make_room(newcomer, now_unix, as_seed=as_seed)
        if isinstance(leaving, AddOutcome):
            return leaving
        for addr in leaving:
            self._evict(addr)
        self._enter(newcomer, as_seed=as_seed)
        return AddOutcome.ADDED

    def _enter(self, entry: PeerEntry, *, as_seed: bool = False) -> None:
        self._entries[entry.addr] = entry
        self._shares.enter(entry, as_seed=as_seed)
        self.introductions.entered(entry)
        self.revision += 1

    def _leave(self, entry: PeerEntry) -> None:
        del self._entries[entry.addr]
        self._shares.leave(entry)
        self.introductions.left(entry)
        self.revision += 1

    def _evict(self, addr: str) -> None:
        self._leave(self._entries[addr])
        self.evicted_total += 1

    def _evict_beyond_share(self, entry: PeerEntry) -> None:
        for addr in self._shares.beyond_share(entry):
            self._evict(addr)

    # ---- reading --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, addr: str) -> bool:
        return addr in self._entries

    def __iter__(self) -> Iterator[PeerEntry]:
        return iter(list(self._entries.values()))

    def get(self, addr: str) -> PeerEntry | None:
        """The entry of `addr`, or None."""
        return self._entries.get(addr)

    def dialed_unix(self, addr: str) -> float | None:
        """When `addr` was last dialed; None: never, as far as is known."""
        entry = self._entries.get(addr)
        return entry.dialed_unix if entry is not None else None

    def introduction_chain(self, addr: str) -> list[Introduction]:
        """How `addr` came to this node, itself first and the root last; empty if that is not known."""
        return self.introductions.chain(addr, self.get)

    def proven(self) -> dict[str, float]:
        """The addresses that have led to a session, with the time of the last one."""
        return {
            addr: entry.last_success_unix
            for addr, entry in self._entries.items()
            if entry.last_success_unix is not None
        }

    def counts(self, *, connected: Collection[str], standings: StandingBook, now_unix: float) -> dict[str, int]:
        """How many entries are hot, warm and cold, and the total."""
        alive = self._proven_or(connected)
        states = [state_of(entry, connected=connected, standings=standings, now_unix=now_unix) for entry in alive]
        hot, warm = states.count(BookState.HOT), states.count(BookState.WARM)
        return {"hot": hot, "warm": warm, "cold": len(self) - hot - warm, "total": len(self)}

    def candidates(
        self, *, connected: Collection[str], standings: StandingBook, now_unix: float, rng: random.Random
    ) -> list[PeerEntry]:
        """Entries in the order in which to dial them: hot, warm, then cold; without those that are connected.

        Within a state, one of every netgroup and introducer comes first, then a second of each, and so on, so that no
        introducer can hold back the addresses of others, however many it named. Within a netgroup, the one not dialed
        for longest comes first. `rng` decides between equals. A proven entry that is lost comes with the cold ones.
        """
        by_state: dict[BookState, list[PeerEntry]] = {state: [] for state in BookState}
        for entry in self:
            if entry.addr not in connected:
                state = state_of(entry, connected=(), standings=standings, now_unix=now_unix)
                by_state[BookState.COLD if entry.is_lost else state].append(entry)
        return [entry for entries in by_state.values() for entry in self._spread(entries, rng)]

    def addresses_to_share(self, limit: int, *, connected: Collection[str], rng: random.Random) -> list[str]:
        """At most `limit` addresses that are worth naming to others: connected or proven ones, chosen at random.

        Those that failed since they last worked are left out: a peer that names dead addresses is not believed for
        long. Chosen at random, so that what we name does not reveal our connections. The caller applies policy.
        """
        alive = self._proven_or(connected)
        addrs = [entry.addr for entry in alive if entry.failing_since_unix is None or entry.addr in connected]
        return rng.sample(addrs, min(limit, len(addrs)))

    def _proven_or(self, connected: Collection[str]) -> list[PeerEntry]:
        return [
            entry for entry in self._entries.values() if entry.last_success_unix is not None or entry.addr in connected
        ]

    def _spread(self, entries: list[PeerEntry], rng: random.Random) -> list[PeerEntry]:
        rng.shuffle(entries)
        entries.sort(key=lambda entry: entry.dialed_unix or 0.0)
        # Introducers take turns first, then netgroups: otherwise an introducer with many addresses in one netgroup
        # would delay those that others named in that netgroup.
        by_netgroup = _turns(entries, self._netgroup_of)
        entries.sort(key=lambda entry: by_netgroup[entry.addr])
        by_introducer = _turns(entries, self._introducer_of)
        entries.sort(key=lambda entry: by_introducer[entry.addr])
        by_netgroup = _turns(entries, self._netgroup_of)
        entries.sort(key=lambda entry: max(by_introducer[entry.addr], by_netgroup[entry.addr]))
        return entries

    def _netgroup_of(self, entry: PeerEntry) -> str:
        return self._shares.netgroup(entry.addr)

    def _introducer_of(self, entry: PeerEntry) -> str:
        """The netgroup of the peer that named it; an entry that no peer named waits for no one."""
        return entry.addr if entry.via is None else self._shares.netgroup(entry.via)


def _turns(entries: list[PeerEntry], group_of: Callable[[PeerEntry], str]) -> dict[str, int]:
    """By address, the turn of each entry if every group has one entry in each turn."""
    placed: Counter[str] = Counter()
    turns: dict[str, int] = {}
    for entry in entries:
        group = group_of(entry)
        turns[entry.addr] = placed[group]
        placed[group] += 1
    return turns


def _rank_in_file(entry: PeerEntry) -> tuple[bool, float]:
    """Proven entries are placed first, in the order of their last success, because that is their rank."""
    if stage_of(entry) is Stage.PROVEN:
        return False, entry.last_success_unix or 0.0
    return True, entry.first_seen_unix
