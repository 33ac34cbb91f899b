"""One open session with a peer: pumps `wire` over a stream, keeps the session alive, and knows why it ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nocarrier.classification import classify
from nocarrier.model.address import Address, parse_ip
from nocarrier.model.node.session_end import SessionEndCode, SessionEndFacts, session_end_facts
from nocarrier.model.node.state import Direction
from nocarrier.model.taxonomy import Phase, Source
from nocarrier.sources.node.connectivity import NOBODY_ANSWERED
from nocarrier.sources.node.rate_limit import TokenBucket
from nocarrier.sources.node.sessions.handshake import Established, part
from nocarrier.sources.node.wire import PeerAddress, RemotePeer
from nocarrier.sources.node.wire.events import (
    GoodbyeReceived,
    PongReceived,
    ProtocolViolation,
    WireEvent,
)
from nocarrier.sources.node.wire.messages import DialBackOutcome

PING_INTERVAL_S = 15.0
"""Shorter than any NAT's timeout for an established mapping (RFC 5382 REQ-5 asks for two hours, home routers keep it
for minutes), and short enough to notice a dead peer before an operator does."""

IDLE_TIMEOUT_S = 45.0
"""Three pings without a single byte in return."""

SEND_TIMEOUT_S = 10.0
"""A peer that does not take a few kilobytes within this time has stopped reading."""

GOODBYE_TIMEOUT_S = 1.0
"""How long the end of a session waits for the peer to take its last bytes."""

MESSAGES_PER_S = 100.0
MESSAGES_BURST = 500.0
"""Far above what our own protocol sends (a ping and two peer lists in 15 s); more than this is a flood."""

_READ_BYTES = 65536

_log = logging.getLogger("nocarrier.node")


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Why a session ended."""

    by_us: bool
    code: str
    """A `SessionEndCode`, or a code of the peer's own."""
    detail: str = ""
    nobody_answered: bool = False
    """Whether it ended in silence, which may be our own outage."""

    @property
    def facts(self) -> SessionEndFacts:
        """What the code means."""
        return session_end_facts(self.code)

    @property
    def was_our_wish(self) -> bool:
        """Whether we ended it though the peer had given no cause."""
        return self.by_us and not self.facts.other_gave_cause

    def __str__(self) -> str:
        who = "this node ended it" if self.by_us else "the peer ended it"
        said = ", ".join(filter(None, (self.code, self.detail)))
        return f"{who}: {self.facts.meaning} ({said})" if self.facts.meaning else f"{who}: {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrigin:
    """How a session came about."""

    direction: Direction
    address: Address
    """Where the peer can be dialed; for an inbound one without a listen port, where it came from."""
    source: Source
    via: str | None = None
    is_dialable: bool = True
    """Whether something listens at `address`, as far as we know."""


class Session:
    """An open session with a peer that has proved who it is.

    Args:
        established: the handshake that it begins with.
        origin: how it came about.
        stalled_s: see `DialOptions`.

    Attributes:
        remote: what the peer said about itself.
        addr: where it can be dialed, as text; for an inbound peer without a listen port, where it came from.
        tcp_address: the other end of the TCP connection; if inbound, its port is the one that the peer dials from.
        welcome: what the peer told us at the end of the handshake, such as where it sees us.
        latency_s: the round-trip time of the last answered ping.
        last_received_s: when anything was last received, monotonic.
    """

    def __init__(self, established: Established, origin: SessionOrigin, *, stalled_s: Callable[[float], float]) -> None:
        completed = established.completed
        self.remote: RemotePeer = completed.remote
        self.version = completed.version
        self.node_id = completed.remote.node_id
        self.welcome = completed.welcome
        self.address = origin.address
        self.addr = str(origin.address)
        peer = established.writer.get_extra_info("peername")
        self.tcp_address = Address(str(parse_ip(peer[0]) or peer[0]), int(peer[1])) if peer else origin.address
        self.is_dialable = origin.is_dialable
        self.direction = origin.direction
        self.source = origin.source
        self.via = origin.via
        self.latency_s: float | None = None
        self.connected_at_unix = time.time()
        self.connected_at_s = time.monotonic()
        self.last_received_unix = self.connected_at_unix
        self.end: SessionEnd | None = None
        self._stalled_s = stalled_s
        self._over = asyncio.Event()
        self._connection = established.connection
        self._reader = established.reader
        self._writer = established.writer
        self._early_events = established.early_events
        self.last_received_s = self.connected_at_s
        self._nonces = itertools.count(1)
        self._ping_sent: tuple[int, float] | None = None
        self._budget = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST, self.connected_at_s)

    @property
    def age_s(self) -> float:
        """Seconds since the handshake."""
        return time.monotonic() - self.connected_at_s

    @property
    def silent_since_s(self) -> float:
        """When the next byte is or was due, monotonic: a live peer answers our pings, so at least that often."""
        return self.last_received_s + PING_INTERVAL_S

    @property
    def own_lag_s(self) -> float:
        """How long our event loop was stalled in this session, if that may have ended it; otherwise 0."""
        end = self.end
        may_be_ours = end is not None and not end.by_us and end.facts.is_impatience
        return self._stalled_s(self.connected_at_s) if may_be_ours else 0.0

    async def run(self, begin: Callable[[], None], handle: EventHandler) -> SessionEnd:
        """Serve the session until it ends; returns why it ended. Never raises, whichever side is at fault.

        Args:
            begin: called first, once.
            handle: called with every event that is not about keeping the session alive.
        """
        keepalive = asyncio.create_task(self._keep_alive())
        keepalive.add_done_callback(self._keepalive_ended)
        try:
            begin()
            await self._take_events(self._early_events, handle)
            while self.end is None:
                data = await self._reader.read(_READ_BYTES)
                if data:
                    await self._receive(data, handle)
                else:
                    self._finish(SessionEnd(by_us=False, code=SessionEndCode.CLOSED))
            if self.end.by_us:
                await part(self._reader, self._writer)  # gives the peer time to read why, but a limited time
        except OSError as exc:
            self._lose(exc)
        except Exception as error:  # noqa: BLE001 - a task boundary; noted and logged
            self._fail(error)
        finally:
            keepalive.cancel()
            await asyncio.wait([keepalive])
            self._writer.transport.abort()
            self._over.set()
        assert self.end is not None
        return self.end

    async def _receive(self, data: bytes, handle: EventHandler) -> None:
        if self.end is not None:
            return  # it came after our goodbye
        self.last_received_unix, self.last_received_s = time.time(), time.monotonic()
        await self._take_events(self._connection.receive_data(data, self.last_received_unix), handle)

    async def _take_events(self, events: Sequence[WireEvent], handle: EventHandler) -> None:
        if events and self._budget.take(len(events), time.monotonic()) < len(events):
            self._begin_close(SessionEndCode.FLOODING, f"more than {MESSAGES_PER_S:g} messages a second")
            self._writer.transport.abort()
            return
        for event in events:
            match event:
                case PongReceived(nonce=nonce):
                    self._take_pong(nonce)
                case GoodbyeReceived(code=code, detail=detail):
                    self._finish(SessionEnd(by_us=False, code=code, detail=detail))
                case ProtocolViolation(detail=detail):
                    self._finish(SessionEnd(by_us=True, code=SessionEndCode.PROTOCOL_VIOLATION, detail=detail))
                    handle(event)
                case _:
                    handle(event)
        if self.end is None:
            await self.flush()
        else:
            self._write()

    def _take_pong(self, nonce: int) -> None:
        if self._ping_sent is not None and self._ping_sent[0] == nonce:
            self.latency_s = time.monotonic() - self._ping_sent[1]
            self._ping_sent = None

    async def _keep_alive(self) -> None:
        unanswered = 0
        while self.end is None:
            asked_s = time.monotonic()
            self._ping_sent = (next(self._nonces), asked_s)
            self._connection.send_ping(self._ping_sent[0])
            await self.flush()
            await asyncio.sleep(PING_INTERVAL_S)
            # Count pings, not seconds: while our own event loop is stalled nothing is asked, and the answers that came
            # wait to be read.
            unanswered = 0 if self.last_received_s >= asked_s else unanswered + 1
            if unanswered * PING_INTERVAL_S >= IDLE_TIMEOUT_S:
                self._give_up(SessionEndCode.PING_TIMEOUT, f"nothing received for {IDLE_TIMEOUT_S:g} s")

    def ping_now(self) -> None:
        """Ask now whether the peer is there: a peer that restarted answers with a reset, which ends a dead session."""
        self._connection.send_ping(next(self._nonces))
        self._write()

    def ask_for_peers(self) -> None:
        """Ask for a peer list."""
        self._connection.send_get_peers()
        self._write()

    def send_peers(self, peers: Sequence[PeerAddress]) -> None:
        """Name peers."""
        self._connection.send_peer_list(peers)
        self._write()

    def send_dial_back(self, nonce: int, port: int) -> None:
        """Ask the peer to dial our `port`."""
        self._connection.send_dial_back(nonce, port)
        self._write()

    def send_dial_back_result(self, nonce: int, outcome: DialBackOutcome, reason: str | None) -> None:
        """Tell the peer what became of the dial that it requested."""
        self._connection.send_dial_back_result(nonce, outcome, reason)
        self._write()

    def _write(self) -> None:
        data = self._connection.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)

    async def flush(self) -> None:
        """Write what waits; if the peer does not take it in time, the session ends."""
        self._write()
        asked_s = time.monotonic()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._writer.drain()
        except TimeoutError:
            if self._stalled_s(asked_s) >= SEND_TIMEOUT_S / 2:
                await self.flush()  # the peer may have read it all; it was this side that did not write
                return
            self._give_up(SessionEndCode.SEND_TIMEOUT, f"the peer read nothing for {SEND_TIMEOUT_S:g} s")
        except OSError as exc:
            self._lose(exc)

    async def close(self, code: str, detail: str = "") -> None:
        """End the session and say why. Does not wait for a peer that does not read the goodbye."""
        if self.end is not None:
            return
        self._begin_close(code, detail)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                await self._writer.drain()
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                # The peer's own end of stream shows that it has the goodbye; to close before that could send a RST
                # instead.
                await self._over.wait()
        self._writer.transport.abort()

    def _begin_close(self, code: str, detail: str) -> None:
        self._finish(SessionEnd(by_us=True, code=code, detail=detail))
        self._connection.send_goodbye(code, detail)
        self._write()

    def _lose(self, error: OSError) -> None:
        reason = classify(error, Phase.SESSION).reason
        is_silence = reason in NOBODY_ANSWERED
        end = SessionEnd(by_us=False, code=SessionEndCode.CONNECTION_LOST, detail=reason, nobody_answered=is_silence)
        self._finish(end)

    def _give_up(self, code: SessionEndCode, detail: str) -> None:
        """End the session because nobody answers."""
        self._finish(SessionEnd(by_us=True, code=code, detail=detail, nobody_answered=True))
        self._writer.transport.abort()

    def _keepalive_ended(self, keepalive: asyncio.Task[None]) -> None:
        error = None if keepalive.cancelled() else keepalive.exception()
        if error is not None:  # otherwise nothing would notice any more that the peer is gone
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """End the session because of a fault in our own program."""
        _log.critical("a session with %s died of an internal error", self.addr, exc_info=error)
        self._finish(SessionEnd(by_us=True, code=SessionEndCode.INTERNAL_ERROR, detail=type(error).__name__))
        self._writer.transport.abort()

    def _finish(self, end: SessionEnd) -> None:
        if self.end is None:
            self.end = end


EventHandler: TypeAlias = Callable[[WireEvent], None]
