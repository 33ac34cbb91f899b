"""Peers name other peers: capped, rate-limited, and never with a private address outside LAN mode.

A peer whose addresses are mostly dead is believed only slowly; `book.introductions` decides that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from nocarrier.dialing import Block
from nocarrier.errors import AddressError
from nocarrier.model.address import Address
from nocarrier.model.node.state import Direction, Introduction
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.book.shares import AddOutcome
from nocarrier.sources.node.neighbourhood import Neighbourhood
from nocarrier.sources.node.rate_limit import TokenBucket
from nocarrier.sources.node.sessions.session import Session
from nocarrier.sources.node.wire import PeerAddress
from nocarrier.sources.node.wire.messages import PEER_LIST_MAX

ADDRESSES_BURST = 2 * PEER_LIST_MAX
"""How many addresses one peer may name at once: one list that was requested and one for the interval."""

REQUESTS_PER_S = 0.1
REQUESTS_BURST = 3
"""How many lists one peer may request. To answer costs us more than it costs the peer to ask."""


THROTTLED_BURST = 1
"""How many new addresses are taken at once, and then per interval, from a peer whose addresses were nearly all dead:
enough to notice that it has become better. Counted by address and not by list, because lists can be short and many."""


class _Limits:
    def __init__(self, interval_s: float, now_s: float) -> None:
        self.addresses = TokenBucket(PEER_LIST_MAX / interval_s, ADDRESSES_BURST, now_s)
        self.requests = TokenBucket(REQUESTS_PER_S, REQUESTS_BURST, now_s)
        self.throttled = TokenBucket(THROTTLED_BURST / interval_s, THROTTLED_BURST, now_s)


class Gossip:
    """What this node says about peers, and how much it believes of what it is told.

    Attributes:
        ignored_total: addresses that were ignored because the peer named them too fast.
    """

    def __init__(self, hood: Neighbourhood) -> None:
        self._hood = hood
        self._book = hood.book
        self._sessions = hood.sessions
        self._interval_s = hood.timing.gossip_interval_s
        self._limits: WeakKeyDictionary[Session, _Limits] = WeakKeyDictionary()
        self.ignored_total = 0

    async def run(self) -> None:
        """Name peers to everyone at regular intervals, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_s * self._hood.rng.uniform(0.8, 1.2))
            self.broadcast()

    def peers_to_share(self, limit: int, *, receiver: str | None = None) -> list[PeerAddress]:
        """At most `limit` peers that are known to be good and that others may dial."""
        dialable = {session.addr: session.node_id for session in self._sessions if session.is_dialable}
        shared: list[PeerAddress] = []
        for addr in self._book.addresses_to_share(2 * limit, connected=dialable.keys(), rng=self._hood.rng):
            address = Address.parse(addr)
            # A name would make the receiver ask a resolver of our choice, so only IP addresses are passed on.
            if addr == receiver or address.ip is None or self._hood.policy.check(address.ip, address.port) is not None:
                continue
            if addr in self._hood.ports:
                continue  # do not spread a wrong port
            entry = self._book.get(addr)
            shared.append(PeerAddress(addr=addr, node_id=dialable.get(addr) or (entry.node_id if entry else None)))
            if len(shared) == limit:
                break
        return shared

    def answer(self, session: Session) -> None:
        """Answer a peer that asked for peers."""
        if self._limits_of(session).requests.take(1, time.monotonic()):
            session.send_peers(self.peers_to_share(PEER_LIST_MAX, receiver=session.addr))

    def broadcast(self) -> None:
        """Name peers to everyone once, as happens at every interval."""
        for session in self._sessions:
            session.send_peers(self.peers_to_share(PEER_LIST_MAX, receiver=session.addr))

    def learn(self, peers: Iterable[PeerAddress], source: Source, session: Session) -> None:
        """Take in addresses that a peer named; those that policy forbids are recorded as skips via that peer."""
        named = list(peers)
        allowed = self._limits_of(session).addresses.take(len(named), time.monotonic())
        self.ignored_total += len(named) - allowed
        self._note_introducer(source, session, ignored=len(named) - allowed)
        is_throttled = session.addr in self._book.introductions.throttled()
        added = False
        for peer in named[:allowed]:
            if peer.node_id == self._sessions.own_node_id:
                continue  # this node itself, under whatever port the peer saw
            try:
                address = Address.parse(peer.addr)
            except AddressError as error:
                self._record_skip(peer.addr, source, session, Block(Reason.INVALID_IPV4_ENDPOINT, str(error)))
                continue
            block = self._hood.policy.check_address(address)
            if block is None:
                self._hood.ports.told(address, peer.node_id, source, session.addr, time.time())
                if not self._hood.ports.is_corrected(str(address)):
                    added |= self._take_in(address, source, session, is_throttled=is_throttled)
            elif block.reason is not Reason.SELF_DIAL_BLOCKED:  # peers are supposed to know this node
                self._record_skip(str(address), source, session, block)
        if added:
            self._hood.changed.set()

    def _note_introducer(self, source: Source, session: Session, *, ignored: int) -> None:
        inbound = session.direction is Direction.INBOUND
        introducer = Introduction(
            addr=session.addr,
            source=session.source,
            via=session.addr if inbound else session.via,
            first_seen_unix=session.connected_at_unix,
        )
        self._book.introductions.heard(introducer)
        if ignored:
            self._book.introductions.refused(source, session.addr, ignored)

    def _take_in(self, address: Address, source: Source, session: Session, *, is_throttled: bool) -> bool:
        """Add an address to the book; returns whether it is new there."""
        if is_throttled and str(address) not in self._book:
            may_add = self._limits_of(session).throttled.take(1, time.monotonic())
            if not may_add:
                self._book.introductions.refused(source, session.addr)
                return False
        return self._book.add(address, source, session.addr, time.time()) is AddOutcome.ADDED

    def _record_skip(self, addr: str, source: Source, session: Session, block: Block) -> None:
        self._hood.recorder.record(addr, block.reason, source, via=session.addr, detail=block.detail)

    def _limits_of(self, session: Session) -> _Limits:
        limits = self._limits.get(session)
        if limits is None:
            limits = self._limits[session] = _Limits(self._interval_s, time.monotonic())
        return limits
