"""Which entries must leave the peer book to make room: no single netgroup or introducer can use up the whole book.

Every entry is in one of three stages: *untried*, *failed* (dialed, but never with success or not for a long time) or
*proven* (succeeded, and not lost since). There are three rules:

- A netgroup may hold an eighth of the book in untried and failed entries, and another eighth in proven ones. The same
  bound applies to all introducers of one netgroup together, for the addresses they named.
- Newcomers displace only failed entries, those longest in that stage first, or untried ones that nobody dialed for 30
  days. An untried entry is worth as much as a newcomer, so if there is no other entry to displace, the newcomer is
  refused: a flood of made-up addresses cannot grow beyond its share. Only addresses from the operator (seed, direct)
  displace any untried entry.
- Proven entries never make room for newcomers. Beyond their share, the one longest without success leaves. An entry
  that fails for a week is no longer proven: it counts as failed, and if there are too many failed entries, the oldest
  leaves.

Seeds of this run never leave and do not count in any share.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterator
from enum import StrEnum

from nocarrier.errors import AddressError
from nocarrier.model.address import Address, netgroup_of
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node.book.peer_entry import PeerEntry, Stage, stage_of

SHARES = 8
"""A netgroup or introducer may hold one of this many equal shares: made-up addresses need eight unrelated netgroups to
fill the book, nodes that answer need four, and a small network inside one /16 may fill a quarter of it."""

STALE_AFTER_S = 30 * 86_400.0
"""An address that nobody dialed for this long means little; Bitcoin Core's ADDRMAN_HORIZON is the same 30 days."""

_HOST_NAMES = "host names"
"""The netgroup of all host names: the owner of one domain has an endless supply of names."""

_OPERATOR = frozenset({Source.SEED, Source.DIRECT})


class AddOutcome(StrEnum):
    """What became of an address that this node was given."""

    ADDED = "added"
    KNOWN = "known"
    NETGROUP_FULL = "netgroup_full"
    INTRODUCER_FULL = "introducer_full"
    BOOK_FULL = "book_full"


class _Bucket:
    """Addresses that share a bound, with the time they were first seen.

    By stage, with the one longest in it first (proven: longest without success). The dicts serve as ordered sets: to
    add, remove or find the first takes no search, even if a peer floods us.
    """

    __slots__ = ("failed", "proven", "untried")

    def __init__(self) -> None:
        self.untried: dict[str, float] = {}
        self.failed: dict[str, float] = {}
        self.proven: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self.untried or self.failed or self.proven)

    @property
    def newcomers_total(self) -> int:
        return len(self.untried) + len(self.failed)

    def of(self, stage: Stage) -> dict[str, float]:
        return {Stage.UNTRIED: self.untried, Stage.FAILED: self.failed, Stage.PROVEN: self.proven}[stage]

    def replaceable(self, newcomer: PeerEntry, but: Collection[str], now_unix: float) -> str | None:
        """The least promising entry that may leave for `newcomer`; entries in `but` have already left."""
        for addr in self.failed:
            if addr not in but:
                return addr
        for addr, first_seen_unix in self.untried.items():
            if addr not in but:
                stale = now_unix - first_seen_unix > STALE_AFTER_S
                return addr if stale or newcomer.source in _OPERATOR else None
        return None


class Shares:
    """In which shares every entry of a book counts. The book reports changes, and asks which entries must leave."""

    def __init__(self, max_entries: int, netgroup_prefix: int) -> None:
        """Start without entries.

        Args:
            max_entries: the bound of the whole book.
            netgroup_prefix: how many leading bits of an IPv4 address make its netgroup.
        """
        self.max_entries = max_entries
        self.share = max(1, max_entries // SHARES)
        self._netgroup_prefix = netgroup_prefix
        self._seeds: set[str] = set()
        self._all = _Bucket()
        """All entries but the seeds."""
        self._groups: defaultdict[tuple[AddOutcome, str], _Bucket] = defaultdict(_Bucket)
        """Buckets of netgroups and introducers, by the outcome for a newcomer when they are full."""

    def make_room(self, newcomer: PeerEntry, now_unix: float, *, as_seed: bool) -> set[str] | AddOutcome:
        """Which entries must leave for `newcomer`, usually none; or, if none may be evicted, which bound is reached."""
        leaving: set[str] = set()
        if not as_seed:
            for key in self._keys(newcomer):
                bucket = self._groups.get(key)
                if bucket is None:
                    continue
                staying = bucket.newcomers_total - sum(
                    addr in bucket.untried or addr in bucket.failed for addr in leaving
                )
                if staying >= self.share:
                    addr = bucket.replaceable(newcomer, leaving, now_unix)
                    if addr is None:
                        return key[0]
                    leaving.add(addr)
        if len(self) - len(leaving) >= self.max_entries:
            addr = self._all.replaceable(newcomer, leaving, now_unix)
            if addr is None and as_seed:
                addr = next(iter(self._all.proven), None)
            if addr is None:
                return AddOutcome.BOOK_FULL
            leaving.add(addr)
        return leaving

    def beyond_share(self, changed: PeerEntry) -> Iterator[str]:
        """Which entries must leave as `changed` became proven, or no longer is. Remove each before asking again."""
        for bucket in self._buckets(changed):
            limit = self.max_entries if bucket is self._all else self.share
            while len(bucket.proven) > limit:
                yield next(iter(bucket.proven))
            while bucket.newcomers_total > limit:
                yield next(iter(bucket.failed))

    def enter(self, entry: PeerEntry, *, as_seed: bool) -> None:
        """Note that `entry` is now in the book; with `as_seed` it stays whatever happens."""
        if as_seed:
            self._seeds.add(entry.addr)
        for bucket in self._buckets(entry):
            bucket.of(stage_of(entry))[entry.addr] = entry.first_seen_unix

    def leave(self, entry: PeerEntry) -> None:
        """Note that `entry` is no longer in the book."""
        for bucket in self._buckets(entry):
            del bucket.of(stage_of(entry))[entry.addr]
        for key in self._keys(entry):
            if not self._groups.get(key):
                self._groups.pop(key, None)
        self._seeds.discard(entry.addr)

    def change(self, before: PeerEntry, after: PeerEntry) -> None:
        """Note that an entry changed. It keeps its rank within its stage, but a success makes it the last to leave."""
        if stage_of(before) is stage_of(after) and before.successes_total == after.successes_total:
            return
        for bucket in self._buckets(before):
            del bucket.of(stage_of(before))[before.addr]
            bucket.of(stage_of(after))[after.addr] = after.first_seen_unix

    def is_seed(self, addr: str) -> bool:
        """Whether `addr` was given as a seed in this run."""
        return addr in self._seeds

    def __len__(self) -> int:
        return self._all.newcomers_total + len(self._all.proven) + len(self._seeds)

    def netgroup(self, text: str) -> str:
        """The netgroup of an address; for a node id, which may name an introducer, the id itself."""
        return _netgroup(text, self._netgroup_prefix)

    def _buckets(self, entry: PeerEntry) -> list[_Bucket]:
        if entry.addr in self._seeds:
            return []
        return [*(self._groups[key] for key in self._keys(entry)), self._all]

    def _keys(self, entry: PeerEntry) -> list[tuple[AddOutcome, str]]:
        keys = [(AddOutcome.NETGROUP_FULL, self.netgroup(entry.addr))]
        if entry.via is not None:
            keys.append((AddOutcome.INTRODUCER_FULL, self.netgroup(entry.via)))
        return keys


# As many as a full book has addresses and introducers: grouping them is most of the work of ordering candidates.
@functools.lru_cache(maxsize=4096)
def _netgroup(text: str, ipv4_prefix: int) -> str:
    try:
        address = Address.parse(text)
    except AddressError:
        return text
    return _HOST_NAMES if address.ip is None else netgroup_of(address.host, ipv4_prefix=ipv4_prefix)
