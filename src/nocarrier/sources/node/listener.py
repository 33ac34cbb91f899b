"""Inbound: accepts connections, performs the handshake, and tells rejected peers why."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable

from nocarrier.classification import blame_for, classify
from nocarrier.errors import ConfigError, PeerRejected
from nocarrier.model.address import Address, parse_ip
from nocarrier.model.fault import Evidence
from nocarrier.model.node.state import Direction
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source
from nocarrier.sources.node.neighbourhood import Neighbourhood
from nocarrier.sources.node.sessions.handshake import MakeConnection, part, shake_hands
from nocarrier.sources.node.sessions.session import Session, SessionOrigin
from nocarrier.sources.node.wire import Role
from nocarrier.sources.node.wire.events import DialedBack

MAX_PENDING = 64
"""How many handshakes may be under way at once, so that strangers cannot use up the descriptors. One more makes the
oldest give way: a good peer is done after three round trips, and a stalling one is soon the oldest."""

MAX_PENDING_PER_HOST = 16
"""How many of these may come from one IP address."""

BACKLOG = 128

LOCAL_OVERLOAD = "local_overload"
"""Rejections for which only our own event loop is to blame."""

_LOST_PATIENCE = frozenset({Reason.HANDSHAKE_TIMEOUT, Reason.REMOTE_CLOSED, Reason.CONNECTION_RESET})

_log = logging.getLogger("nocarrier.node")


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Make a listening socket on host and port.

    Raises:
        ConfigError: the address cannot be listened on; says what to change.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        hint = {
            errno.EADDRINUSE: "another program listens there; stop it or choose another port",
            errno.EACCES: "ports below 1024 need privileges; choose a higher one",
            errno.EADDRNOTAVAIL: "this machine has no such address; see: ip address show",
        }.get(exc.errno or 0, os.strerror(exc.errno or 0))
        raise ConfigError(f"{setting} = {Address(host, port)} cannot be listened on: {hint}") from exc
    return sock


class Listener:
    """Accepts peers.

    Attributes:
        rejections: how often an inbound connection did not become a session, by reason. ``too_many_pending`` and
            ``local_overload`` are our own fault.
        dialed_back_total: how often a node dialed only to see whether this node can be dialed, at our request or not.
    """

    def __init__(
        self,
        hood: Neighbourhood,
        sock: socket.socket,
        *,
        make_connection: MakeConnection,
        on_session: Callable[[Session], None],
    ) -> None:
        self._hood = hood
        self._sock = sock
        self._handshake_timeout_s = hood.timing.handshake_attempt_s
        self._stalled_s = hood.loop_monitor.stalled_s
        self._make_connection = make_connection
        self._on_session = on_session
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: dict[asyncio.Task[None], str] = {}
        """Handshakes under way, the oldest first, with the host of each."""
        self._server: asyncio.Server | None = None
        self.rejections: Counter[str] = Counter()
        self.dialed_back_total = 0

    @property
    def pending(self) -> int:
        """How many handshakes are under way."""
        return len(self._pending)

    async def start(self) -> None:
        """Start to accept."""
        self._server = await asyncio.start_server(self._accept, sock=self._sock)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if not peer:  # already gone
            writer.transport.abort()
            return
        remote = Address(str(parse_ip(peer[0]) or peer[0]), int(peer[1]))
        self._make_room(remote.host)
        task = asyncio.create_task(self._receive(remote, reader, writer))
        self._tasks.add(task)
        self._pending[task] = remote.host
        task.add_done_callback(lambda _: self._ended(remote, task, writer))

    def _make_room(self, host: str) -> None:
        of_host = [task for task, pending_host in self._pending.items() if pending_host == host]
        if len(of_host) >= MAX_PENDING_PER_HOST:
            oldest = of_host[0]
        elif len(self._pending) >= MAX_PENDING:
            oldest = next(iter(self._pending))
        else:
            return
        self.rejections["too_many_pending"] += 1
        del self._pending[oldest]
        oldest.cancel()

    def _ended(self, remote: Address, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        self._tasks.discard(task)
        self._pending.pop(task, None)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            _log.error("an inbound handshake with %s failed with an internal error", remote, exc_info=fault)
        if fault is not None or task.cancelled():  # perhaps before it began
            writer.transport.abort()

    async def _receive(self, remote: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started_s = time.monotonic()
        connection = self._make_connection(
            role=Role.LISTENER, remote=remote, admit=self._hood.admission.rules_for(remote, Direction.INBOUND)
        )
        try:
            async with asyncio.timeout(self._handshake_timeout_s):
                established = await shake_hands(connection, reader, writer)
        except PeerRejected as exc:
            self._count(exc.reason, started_s)
            await part(reader, writer)
            return
        except (OSError, TimeoutError) as exc:
            self._count(classify(exc, Phase.HANDSHAKE).reason, started_s)
            writer.transport.abort()
            return
        if isinstance(established, DialedBack):
            self.dialed_back_total += 1
            await part(reader, writer)
            return
        listen_port = established.completed.remote.listen_port
        origin = SessionOrigin(
            direction=Direction.INBOUND,
            address=Address(remote.host, listen_port) if listen_port else remote,
            source=Source.HANDSHAKE,
            is_dialable=listen_port is not None,
        )
        self._on_session(Session(established, origin, stalled_s=self._stalled_s))

    def _count(self, reason: str, started_s: float) -> None:
        # The connection may have waited in the backlog while our loop was stalled, before we accepted it.
        lag = Evidence(loop_lag_s=self._stalled_s(started_s - self._handshake_timeout_s))
        known = Reason.named(reason)
        is_ours = known in _LOST_PATIENCE and blame_for(known, lag) is Blame.US
        self.rejections[LOCAL_OVERLOAD if is_ours else reason] += 1

    async def stop(self) -> None:
        """Stop accepting and drop the handshakes under way."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sock.close()
