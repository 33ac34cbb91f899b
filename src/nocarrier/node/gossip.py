"""Peers telling peers about peers: capped, rate-limited, and never naming a private address outside LAN mode."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from nocarrier.dial import AddressPolicy, Block
from nocarrier.errors import AddressError
from nocarrier.model.address import Address
from nocarrier.model.ports import DialRecorder
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.node.peer_book import PeerBook
from nocarrier.node.rate_limit import TokenBucket
from nocarrier.node.session import Session
from nocarrier.node.session_table import SessionTable
from nocarrier.node.shares import Outcome
from nocarrier.wire import PeerAddress
from nocarrier.wire.messages import PEER_LIST_MAX

ADDRESSES_BURST = 2 * PEER_LIST_MAX
"""Addresses one peer may name at once: the list it is asked for and one by interval."""

REQUESTS_PER_S = 0.1
REQUESTS_BURST = 3
"""Lists one peer may ask for. An answer costs us more than the question costs it."""


class _Limits:
    def __init__(self, addresses_per_s: float, now_s: float) -> None:
        self.addresses = TokenBucket(addresses_per_s, ADDRESSES_BURST, now_s)
        self.requests = TokenBucket(REQUESTS_PER_S, REQUESTS_BURST, now_s)


class Gossip:
    """What this node says about peers, and what it believes of what it is told.

    Attributes:
        ignored_total: addresses that came faster than a peer may name them.
    """

    def __init__(
        self,
        *,
        book: PeerBook,
        sessions: SessionTable,
        policy: AddressPolicy,
        recorder: DialRecorder,
        interval_s: float,
        on_learned: Callable[[], None],
        rng: random.Random,
    ) -> None:
        self._book = book
        self._sessions = sessions
        self._policy = policy
        self._recorder = recorder
        self._interval_s = interval_s
        self._on_learned = on_learned
        self._rng = rng
        self._limits: WeakKeyDictionary[Session, _Limits] = WeakKeyDictionary()
        self.ignored_total = 0

    def peers_to_share(self, limit: int, *, receiver: str | None = None) -> list[PeerAddress]:
        """At most `limit` peers that are known to be good and that others may dial."""
        dialable = {session.addr: session.node_id for session in self._sessions if session.is_dialable}
        shared: list[PeerAddress] = []
        for addr in self._book.addresses_to_share(2 * limit, connected=dialable.keys(), rng=self._rng):
            address = Address.parse(addr)
            # A name would make the receiver ask a resolver of our choice, so only addresses are passed on.
            if addr == receiver or address.ip is None or self._policy.check(address.ip, address.port) is not None:
                continue
            entry = self._book.get(addr)
            shared.append(PeerAddress(addr=addr, node_id=dialable.get(addr) or (entry.node_id if entry else None)))
            if len(shared) == limit:
                break
        return shared

    def answer(self, session: Session) -> None:
        """The peer asked for peers."""
        if self._limits_of(session).requests.take(1, time.monotonic()):
            session.send_peers(self.peers_to_share(PEER_LIST_MAX, receiver=session.addr))

    def broadcast(self) -> None:
        """Name peers to everyone, as happens every interval."""
        for session in self._sessions:
            session.send_peers(self.peers_to_share(PEER_LIST_MAX, receiver=session.addr))

    def learn(self, peers: Iterable[PeerAddress], source: Source, session: Session) -> None:
        """Take in addresses that a peer named; those that policy forbids are recorded as skips with who told us."""
        named = list(peers)
        allowed = self._limits_of(session).addresses.take(len(named), time.monotonic())
        self.ignored_total += len(named) - allowed
        added = False
        for peer in named[:allowed]:
            try:
                address = Address.parse(peer.addr)
            except AddressError as error:
                self._record_skip(peer.addr, source, session, Block(Reason.INVALID_IPV4_ENDPOINT, str(error)))
                continue
            block = self._policy.check_address(address)
            if block is None:
                added |= self._book.add(address, source, session.addr, time.time()) is Outcome.ADDED
            elif block.reason is not Reason.SELF_DIAL_BLOCKED:  # that peers know us is as it should be
                self._record_skip(str(address), source, session, block)
        if added:
            self._on_learned()

    def _record_skip(self, addr: str, source: Source, session: Session, block: Block) -> None:
        self._recorder.record(addr, block.reason, source, via=session.addr, detail=block.detail)

    def _limits_of(self, session: Session) -> _Limits:
        limits = self._limits.get(session)
        if limits is None:
            limits = self._limits[session] = _Limits(PEER_LIST_MAX / self._interval_s, time.monotonic())
        return limits
