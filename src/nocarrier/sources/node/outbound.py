"""Outbound: what keeps a dial from starting, the dial with its handshake window, and the session it leads to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from nocarrier.dialing import AddressPolicy, Dial, DialOptions, Resolve, resolve_with_system
from nocarrier.errors import AddressError, PeerRejected
from nocarrier.host.kernel import has_route_to, is_own_ip
from nocarrier.host.routes import has_way_out
from nocarrier.model.address import Address, IPAddress, netgroup_of
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.node_state import DialOutcome, DialResult, Direction
from nocarrier.model.ports import DialRecorder, StandingBook
from nocarrier.model.taxonomy import HANDSHAKE_VERDICTS, Blame, Phase, Reason, Source
from nocarrier.sources.node.access.admission import Admission
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.book.peer_book import PeerBook
from nocarrier.sources.node.connectivity import NOBODY_ANSWERED, Connectivity
from nocarrier.sources.node.options import DEFAULT_P2P_PORT, NodeOptions, TimingOptions
from nocarrier.sources.node.reachability.port_truth import PortTruth
from nocarrier.sources.node.sessions.handshake import FAREWELL_TIMEOUT_S, Established, MakeConnection, part, shake_hands
from nocarrier.sources.node.sessions.session import Session, SessionOrigin
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire import Role

SLOW_DIAL_S = 3.0
"""A dial without a session after this time most likely never has one, and another peer is dialed beside it. A good dial
takes some four round trips: even over a satellite link less than three seconds."""

_log = logging.getLogger("nocarrier.node")

_ONE_OF_US_IS_WRONG = frozenset({Reason.CLOCK_SKEW, Reason.GENESIS_MISMATCH})
"""One event does not tell who. Live sessions are peers that agree with us, so that the odd one is the other."""

_TOLD_NOTHING = frozenset({Reason.NOT_OUR_PROTOCOL, Reason.REMOTE_CLOSED})
"""Who speaks another protocol, or is gone, gets no reason to read."""

_NO_WAY_OUT = frozenset({Reason.NETWORK_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE})

_RESOLVER_FAILED = frozenset({Reason.DNS_TEMPORARY, Reason.DNS_TIMEOUT})


def normal_form(text: str) -> str:
    """`text` as the address is recorded; unchanged where it is none, as then a record says what is wrong with it."""
    try:
        return str(Address.parse(text, default_port=DEFAULT_P2P_PORT))
    except AddressError:
        return text


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a dial is not started."""

    reason: Reason
    detail: str
    evidence: Evidence | None = None
    node_id: str | None = None
    """Who the peer is, where a session proves it: one that has a name and an address is then one peer."""


class Outbound:
    """Makes the node's dials."""

    def __init__(
        self,
        options: NodeOptions,
        timing: TimingOptions,
        *,
        recorder: DialRecorder,
        standings: StandingBook,
        policy: AddressPolicy,
        bans: BanList,
        book: PeerBook,
        sessions: SessionTable,
        admission: Admission,
        connectivity: Connectivity,
        ports: PortTruth,
        make_connection: MakeConnection,
        on_session: Callable[[Session], None],
        on_dial_ended: Callable[[], None],
        is_stopping: Callable[[], bool],
        stalled_s: Callable[[float], float],
        local_ip: IPAddress | None = None,
        resolve: Resolve = resolve_with_system,
    ) -> None:
        self._options = options
        self._timing = timing
        self._recorder = recorder
        self._standings = standings
        self._policy = policy
        self._bans = bans
        self._book = book
        self._sessions = sessions
        self._admission = admission
        self._connectivity = connectivity
        self._ports = ports
        self._make_connection = make_connection
        self._on_session = on_session
        self._is_stopping = is_stopping
        self._stalled_s = stalled_s
        self._dial_options = DialOptions(policy=policy, resolve=resolve, local_ip=local_ip, stalled_s=stalled_s)
        self._on_dial_ended = on_dial_ended
        self._tasks: dict[str, asyncio.Task[DialResult]] = {}
        self._started_s: dict[str, float] = {}
        self.last_started_unix: float | None = None

    @property
    def in_flight(self) -> int:
        """How many dials are under way."""
        return len(self._tasks)

    @property
    def promising(self) -> int:
        """How many of them are young enough to be counted on."""
        slow_s = time.monotonic() - SLOW_DIAL_S
        return sum(started_s > slow_s for started_s in self._started_s.values())

    @property
    def deadline_s(self) -> float:
        """The longest that a dial can take: its last connection may begin just before the handshake window ends."""
        timing = self._timing
        return 2 * timing.connect_timeout_s + timing.handshake_window_s + FAREWELL_TIMEOUT_S

    # ---- whether --------------------------------------------------------------------------------------------------

    def why_not(self, addr: str, *, is_manual: bool = False) -> Skip | None:
        """What keeps `addr` from being dialed now. A manual dial passes backoff."""
        if self._is_stopping():
            return Skip(Reason.SHUTTING_DOWN, "this node is stopping")
        forbidden = self.why_forbidden(addr)
        if forbidden is not None:
            return forbidden
        address = Address.parse(addr, default_port=DEFAULT_P2P_PORT)
        text = str(address)
        return (
            self._why_banned(address)
            or self._why_already(text)
            or (None if is_manual else self._why_backing_off(text))
            or self._why_full(is_manual=is_manual)
        )

    def why_forbidden(self, addr: str) -> Skip | None:
        """What policy has against `addr`, whatever else is going on."""
        try:
            address = Address.parse(addr, default_port=DEFAULT_P2P_PORT)
        except AddressError as error:
            return Skip(Reason.INVALID_IPV4_ENDPOINT, str(error))
        self._learn_whether_own(address)
        block = self._policy.check_address(address)
        return Skip(block.reason, block.detail) if block is not None else None

    def _learn_whether_own(self, address: Address) -> None:
        # Only a node that listens on every interface has own addresses that its settings do not name.
        if address.ip is not None and is_own_ip(address.host):
            self._policy.own_ips.add(address.ip)

    def _why_banned(self, address: Address) -> Skip | None:
        entry = self._book.get(str(address))
        ban = self._bans.match(
            ip=address.ip, port=address.port, node_id=entry.node_id if entry else None, now_unix=time.time()
        )
        if ban is None:
            return None
        evidence = Evidence() if ban.until_unix is None else Evidence(until_unix=ban.until_unix)
        return Skip(Reason.BANNED_LOCAL, f"{ban.target} is on our ban list: {ban.reason}", evidence)

    def _why_already(self, addr: str) -> Skip | None:
        entry = self._book.get(addr)
        session = self._sessions.at(addr) or (self._sessions.get(entry.node_id) if entry and entry.node_id else None)
        if session is not None:
            return Skip(Reason.ALREADY_CONNECTED, "there is a live session with that peer", node_id=session.node_id)
        if addr in self._tasks:
            return Skip(Reason.ALREADY_DIALING, "a dial to that address is in flight")
        return None

    def _why_backing_off(self, addr: str) -> Skip | None:
        standing = self._standings.standing(addr)
        if standing.next_attempt_unix is None or standing.because is None:
            return None
        entry = self._book.get(addr)
        if standing.because is Reason.PEER_ID_MISMATCH and (entry is None or entry.node_id is None):
            return None  # never again for that pair, but by now nobody in particular is expected there
        evidence = Evidence(because=standing.because, until_unix=standing.next_attempt_unix)
        return Skip(Reason.BACKOFF_ACTIVE, f"waiting because of {standing.because}", evidence)

    def _why_full(self, *, is_manual: bool) -> Skip | None:
        if len(self._sessions) + self.in_flight >= self._options.max_peers:
            return Skip(Reason.SLOTS_FULL, f"max_peers = {self._options.max_peers} is reached")
        if not is_manual and self.in_flight >= self._options.max_dials_in_flight:
            return Skip(Reason.SLOTS_FULL, f"max_dials_in_flight = {self._options.max_dials_in_flight} is reached")
        return None

    # ---- dialing --------------------------------------------------------------------------------------------------

    def start(
        self, addr: str, source: Source, via: str | None = None, *, is_manual: bool = False
    ) -> asyncio.Task[DialResult] | Skip:
        """Begin to dial `addr` in a task of its own; or record the skip that keeps it from starting, and return it."""
        addr = normal_form(addr)
        skip = self.why_not(addr, is_manual=is_manual)
        if skip is not None:
            self._recorder.record(
                addr, skip.reason, source, detail=skip.detail, via=via, evidence=skip.evidence, node_id=skip.node_id
            )
            if skip.reason is Reason.SELF_DIAL_BLOCKED:
                self._book.remove(addr)  # as a seed it came in unasked
            return skip
        address = Address.parse(addr)
        task = asyncio.create_task(self._dial(address, source, via), name=f"dial {addr}")
        self._tasks[addr] = task
        self._started_s[addr] = time.monotonic()
        self.last_started_unix = time.time()
        self._book.dialed(addr, self.last_started_unix)
        task.add_done_callback(lambda _: self._ended(addr, task))
        return task

    def _ended(self, addr: str, task: asyncio.Task[DialResult]) -> None:
        del self._tasks[addr], self._started_s[addr]
        if not task.cancelled() and task.exception() is not None:
            _log.error("a dial to %s failed by a fault of ours", addr, exc_info=task.exception())
        self._on_dial_ended()

    async def stop(self) -> None:
        """Cancel the dials in flight; each is recorded as cancelled."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _dial(self, address: Address, source: Source, via: str | None) -> DialResult:
        started_s = time.monotonic()
        addr = str(address)
        dial = Dial(
            addr,
            source,
            via=via,
            recorder=self._recorder,
            options=self._dial_options,
            counts_against_peer=lambda fault: self._counts_against_peer(address, fault, started_s),
        )
        node_id: str | None = None
        try:
            async with dial:
                established = await self._shake_hands_in_window(dial, address)
                node_id = dial.node_id = established.completed.remote.node_id
                self._ports.met(address, established.completed.remote, time.time())
                if not self._sessions.stays(established.completed.remote, Direction.OUTBOUND):
                    established.connection.send_goodbye(Reason.DUPLICATE_CONNECTION)
                    established.writer.write(established.connection.data_to_send())
                    raise PeerRejected(Reason.DUPLICATE_CONNECTION, "the other connection between us stays")
                dial.succeeded()
                if addr not in self._book:  # a manual dial may have found a new peer
                    self._book.add(address, source, via, time.time())
                self._book.succeeded(addr, node_id, time.time())
                origin = SessionOrigin(direction=Direction.OUTBOUND, address=address, source=source, via=via)
                self._on_session(Session(established, origin, stalled_s=self._stalled_s))
        except Exception as exc:
            fault = dial.fault
            if fault is None:
                raise
            self._learn_from(address, fault, started_s)
            self._ports.dial_failed(address, fault, source, via, time.time())
            return DialResult(
                peer_addr=addr,
                outcome=DialOutcome.FAILED,
                reason=fault.reason,
                phase=fault.phase,
                detail=fault.detail or str(exc) or None,
                duration_s=round(time.monotonic() - started_s, 6),
                node_id=node_id,
            )
        return DialResult(
            peer_addr=addr,
            outcome=DialOutcome.CONNECTED,
            reason=None,
            phase=Phase.SESSION,
            detail=None,
            duration_s=round(time.monotonic() - started_s, 6),
            node_id=node_id,
        )

    async def _shake_hands_in_window(self, dial: Dial, address: Address) -> Established:
        """Connect and shake hands; a handshake without an answer is tried again on a fresh connection."""
        window_ends_s: float | None = None
        connections = 0
        while True:
            reader, writer = await dial.connect(self._timing.connect_timeout_s)
            self._connectivity.heard(time.monotonic())
            connections += 1
            now_s = time.monotonic()
            window_ends_s = window_ends_s or now_s + self._timing.handshake_window_s
            attempt_s = min(self._timing.handshake_attempt_s, max(0.0, window_ends_s - now_s))
            dial.evidence["connect_attempts"] = connections
            peer = writer.get_extra_info("peername")
            remote = Address(str(peer[0]), int(peer[1])) if peer else address
            entry = self._book.get(str(address))
            connection = self._make_connection(
                role=Role.DIALER,
                remote=remote,
                admit=self._admission.rules_for(remote, Direction.OUTBOUND),
                expected_node_id=entry.node_id if entry else None,
            )
            try:
                async with dial.phase(Phase.HANDSHAKE, timeout_s=attempt_s):
                    established = await shake_hands(connection, reader, writer)
                assert isinstance(established, Established), "only who dials back ends with a dial-back"
                return established
            except TimeoutError:
                # Another attempt that could not even begin before the window ends would only rename the failure.
                if time.monotonic() + attempt_s / 2 >= window_ends_s:
                    window = f"{connections} connections in {self._timing.handshake_window_s:g} s"
                    raise TimeoutError(f"{window}, at last {connection.state.value}") from None
            except PeerRejected as exc:
                if exc.evidence.get("stated_by") == "us" and exc.reason not in _TOLD_NOTHING:
                    await part(reader, writer)  # the peer shall read why
                    if exc.reason == Reason.BANNED:
                        raise PeerRejected(Reason.BANNED_LOCAL, exc.detail, evidence=exc.evidence) from None
                raise

    # ---- learning from failure ------------------------------------------------------------------------------------

    def _counts_against_peer(self, address: Address, fault: Fault, started_s: float) -> bool:
        """Whether a fault speaks against the peer, or may be our own outage."""
        now_s = time.monotonic()
        evidence = fault.evidence
        if evidence.get("decided_by") == "local":
            # A machine without IPv6 is not offline, nor is one that still has a way to its peers.
            if fault.reason in _NO_WAY_OUT and ":" not in address.host and not self._has_way_to_a_peer():
                self._connectivity.local_failed(now_s)
            return False
        if fault.reason in _RESOLVER_FAILED and not has_way_out():
            self._connectivity.local_failed(now_s)  # a node whose seeds are all names has no other sign of it
            return False
        if fault.blame is Blame.US and "loop_lag_s" in evidence:
            return False  # a silence that we slept through is no sign of an outage either
        if fault.reason in NOBODY_ANSWERED:
            self._connectivity.path_failed(self._netgroup_of(address), started_s)
            return self._connectivity.counts_against_peer(started_s)
        if fault.reason in _ONE_OF_US_IS_WRONG and not self._sessions:
            return False  # nobody has agreed with us yet
        if fault.reason is Reason.CONNECTION_REFUSED and "icmp" not in evidence:
            self._connectivity.heard(now_s)
        return not self._connectivity.offline()

    def _netgroup_of(self, address: Address) -> str:
        return netgroup_of(address.host, ipv4_prefix=self._options.netgroup_prefix)

    def _has_way_to_a_peer(self) -> bool:
        return any(has_route_to(session.address.host) for session in self._sessions)

    def _learn_from(self, address: Address, fault: Fault, started_s: float) -> None:
        if fault.blame not in {Blame.US, Blame.NONE} and self._connectivity.counts_against_peer(started_s):
            self._book.attempted(str(address), time.time())
        if fault.reason in HANDSHAKE_VERDICTS:
            self._book.answered(str(address))
        if fault.reason is Reason.PEER_ID_MISMATCH:
            self._book.forget_node_id(str(address))  # the pair is wrong; who lives there now may be dialed
        if fault.reason is Reason.SELF_DIAL_BLOCKED:
            # Not its IP address: a forwarder may lead another port of it to somebody else.
            self._policy.own_addresses.add(address)
            self._book.remove(str(address))


__all__ = ["Outbound", "Skip", "normal_form"]
