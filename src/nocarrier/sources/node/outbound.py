"""Outbound: the dials of this node, each with its handshake window, and the sessions they lead to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from nocarrier.dialing import Dial, DialOptions, Resolve, resolve_with_system
from nocarrier.errors import PeerRejected
from nocarrier.model.address import Address
from nocarrier.model.node.session_end import SessionEndCode
from nocarrier.model.node.state import DialOutcome, DialResult, Direction
from nocarrier.model.taxonomy import Phase, Reason, Source
from nocarrier.sources.node.eligibility import Eligibility, Skip
from nocarrier.sources.node.given_address import GivenAddress, NotAnAddress
from nocarrier.sources.node.judgement import Judgement
from nocarrier.sources.node.neighbourhood import Neighbourhood
from nocarrier.sources.node.sessions.handshake import FAREWELL_TIMEOUT_S, Established, MakeConnection, part, shake_hands
from nocarrier.sources.node.sessions.session import Session, SessionOrigin
from nocarrier.sources.node.wire import Role

SLOW_DIAL_S = 3.0
"""A dial without a session after this time will most likely never have one, so another peer is dialed in addition. A
good dial takes some four round trips: less than three seconds even over a satellite link."""

_log = logging.getLogger("nocarrier.node")

_TOLD_NOTHING = frozenset({Reason.NOT_OUR_PROTOCOL, Reason.REMOTE_CLOSED})
"""A peer that uses another protocol, or is gone, is not sent a reason."""


class Outbound:
    """Makes the node's dials.

    Args:
        hood: the node's neighbourhood.
        make_connection: makes a wire connection.
        on_session: called with the session that a dial led to.
        resolve: how names become addresses.

    Attributes:
        eligibility: says whether an address may be dialed.
        last_started_unix: when the newest dial began; None if there was none yet.
    """

    def __init__(
        self,
        hood: Neighbourhood,
        *,
        make_connection: MakeConnection,
        on_session: Callable[[Session], None],
        resolve: Resolve = resolve_with_system,
    ) -> None:
        self._hood = hood
        self._make_connection = make_connection
        self._on_session = on_session
        self._tasks: dict[str, asyncio.Task[DialResult]] = {}
        self._started_s: dict[str, float] = {}
        self._judgement = Judgement(hood)
        self._for_names = DialOptions(
            policy=hood.policy, resolve=resolve, local_ip=hood.local.listen_ip, stalled_s=hood.loop_monitor.stalled_s
        )
        # Policy is checked before a dial to an IP address begins, and would say the same a moment later.
        self._for_ip_addresses = self._for_names._replace(policy=None)
        self.eligibility = Eligibility(hood, in_flight=self._tasks.keys())
        self.last_started_unix: float | None = None

    @property
    def in_flight(self) -> int:
        """How many dials are in flight."""
        return len(self._tasks)

    @property
    def promising(self) -> int:
        """How many of them are young enough to be likely to succeed."""
        slow_s = time.monotonic() - SLOW_DIAL_S
        return sum(started_s > slow_s for started_s in self._started_s.values())

    @property
    def deadline_s(self) -> float:
        """The longest that a dial can take: its last connection may begin just before the handshake window ends."""
        timing = self._hood.timing
        return 2 * timing.connect_timeout_s + timing.handshake_window_s + FAREWELL_TIMEOUT_S

    def start(
        self, given: GivenAddress, source: Source, via: str | None = None, *, is_manual: bool = False
    ) -> asyncio.Task[DialResult] | Skip:
        """Begin a dial in a task of its own; or record the skip that prevents it, and return it."""
        addr = str(given)
        skip = self.eligibility.why_not(given, is_manual=is_manual)
        if skip is not None or isinstance(given, NotAnAddress):
            assert skip is not None, "a text that is not an address cannot be dialed"
            self._hood.recorder.record(
                addr, skip.reason, source, detail=skip.detail, via=via, evidence=skip.evidence, node_id=skip.node_id
            )
            if skip.reason is Reason.SELF_DIAL_BLOCKED:
                self._hood.book.remove(addr)  # a seed enters the book without this check
            return skip
        task = asyncio.create_task(self._dial(given, source, via), name=f"dial {addr}")
        self._tasks[addr] = task
        self._started_s[addr] = time.monotonic()
        self.last_started_unix = time.time()
        self._hood.book.dialed(addr, self.last_started_unix)
        task.add_done_callback(lambda _: self._ended(addr, task))
        return task

    def _ended(self, addr: str, task: asyncio.Task[DialResult]) -> None:
        del self._tasks[addr], self._started_s[addr]
        if not task.cancelled() and task.exception() is not None:
            _log.error("a dial to %s failed with an internal error", addr, exc_info=task.exception())
        self._hood.changed.set()

    def close(self) -> None:
        """Start no more dials."""
        self.eligibility.is_stopping = True

    async def stop(self) -> None:
        """Start no more dials, and cancel those in flight; each is recorded as cancelled."""
        self.close()
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # ---- one dial -------------------------------------------------------------------------------------------------

    async def _dial(self, address: Address, source: Source, via: str | None) -> DialResult:
        started_s = time.monotonic()
        dial = Dial(
            address,
            source,
            via=via,
            recorder=self._hood.recorder,
            options=self._for_names if address.ip is None else self._for_ip_addresses,
            counts_against_peer=lambda fault: self._judgement.counts_against_peer(address, fault, started_s),
        )
        error: Exception | None = None
        try:
            async with dial:
                established = await self._shake_hands_in_window(dial, address)
                dial.node_id = established.completed.remote.node_id
                origin = SessionOrigin(direction=Direction.OUTBOUND, address=address, source=source, via=via)
                self._open_session(dial, established, origin)
        except Exception as exc:
            if dial.fault is None:
                raise
            error = exc
            self._judgement.learn_from(address, dial.fault, started_s, source, via)
        fault = dial.fault
        return DialResult(
            peer_addr=dial.addr,
            outcome=DialOutcome.FAILED if fault else DialOutcome.CONNECTED,
            reason=fault.reason if fault else None,
            phase=fault.phase if fault else Phase.SESSION,
            detail=(fault.detail or str(error) or None) if fault else None,
            duration_s=round(time.monotonic() - started_s, 6),
            node_id=dial.node_id,
        )

    def _open_session(self, dial: Dial, established: Established, origin: SessionOrigin) -> None:
        """Begin the session that the handshake led to.

        Raises:
            PeerRejected: this connection is a duplicate, and the other one stays.
        """
        hood, remote = self._hood, established.completed.remote
        hood.ports.met(origin.address, remote, time.time())
        if not hood.sessions.stays(remote, Direction.OUTBOUND):
            established.connection.send_goodbye(SessionEndCode.DUPLICATE_CONNECTION)
            established.writer.write(established.connection.data_to_send())
            raise PeerRejected(Reason.DUPLICATE_CONNECTION, "the other connection with this peer stays")
        dial.succeeded()
        if dial.addr not in hood.book:  # a manual dial may have found a new peer
            hood.book.add(origin.address, origin.source, origin.via, time.time())
        hood.book.succeeded(dial.addr, remote.node_id, time.time())
        self._on_session(Session(established, origin, stalled_s=hood.loop_monitor.stalled_s))

    async def _shake_hands_in_window(self, dial: Dial, address: Address) -> Established:
        """Connect and do the handshake; if it gets no answer, it is tried again on a fresh connection."""
        timing = self._hood.timing
        window_ends_s: float | None = None
        connections = 0
        while True:
            reader, writer = await dial.connect(timing.connect_timeout_s)
            self._hood.connectivity.heard(time.monotonic())
            connections += 1
            now_s = time.monotonic()
            window_ends_s = window_ends_s or now_s + timing.handshake_window_s
            attempt_s = min(timing.handshake_attempt_s, max(0.0, window_ends_s - now_s))
            dial.evidence["connect_attempts"] = connections
            peer = writer.get_extra_info("peername")
            remote = Address(str(peer[0]), int(peer[1])) if peer else address
            entry = self._hood.book.get(str(address))
            connection = self._make_connection(
                role=Role.DIALER,
                remote=remote,
                admit=self._hood.admission.rules_for(remote, Direction.OUTBOUND),
                expected_node_id=entry.node_id if entry else None,
            )
            try:
                async with dial.phase(Phase.HANDSHAKE, timeout_s=attempt_s):
                    established = await shake_hands(connection, reader, writer)
                assert isinstance(established, Established), "only a node that dials back ends with a dial-back"
                return established
            except TimeoutError:
                # Another attempt could not even begin before the window ends, and would only rename the failure.
                if time.monotonic() + attempt_s / 2 >= window_ends_s:
                    window = f"{connections} connections in {timing.handshake_window_s:g} s"
                    raise TimeoutError(f"{window}, the last one {connection.state.value}") from None
            except PeerRejected as exc:
                if exc.evidence.get("stated_by") == "us" and exc.reason not in _TOLD_NOTHING:
                    await part(reader, writer)  # give the peer time to read the reason
                    if exc.reason == Reason.BANNED:
                        raise PeerRejected(Reason.BANNED_LOCAL, exc.detail, evidence=exc.evidence) from None
                raise
