"""Sessions from their handshake to their end: what each teaches the node, and what its end says about the peer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine

from nocarrier.classification.blame import LATE_LOOP_S
from nocarrier.errors import StateFileError
from nocarrier.host.kernel import has_route_to
from nocarrier.model.fault import Evidence
from nocarrier.model.node.session_end import SessionEndCode
from nocarrier.model.node.state import Direction
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.gossip import Gossip
from nocarrier.sources.node.neighbourhood import Neighbourhood
from nocarrier.sources.node.reachability.dial_back import DialBacks
from nocarrier.sources.node.reachability.self_check import ReachabilityCheck
from nocarrier.sources.node.sessions.session import Session, SessionEnd
from nocarrier.sources.node.wire import PeerAddress
from nocarrier.sources.node.wire.events import (
    DialBackAnswered,
    DialBackRequested,
    PeersReceived,
    PeersRequested,
    ProtocolViolation,
    UnknownMessage,
    WireEvent,
)

EARLY_DISCONNECT_S = 60.0
"""A session that ends sooner than this after its handshake is recorded as an early disconnect."""

VIOLATION_BAN_S = 600.0
"""How long a node that broke the protocol in a session is banned: long enough to stop a loop, short enough that an
upgraded peer is soon welcome again."""

LOST_FOR_S = 600.0
"""How long a session that ended in silence is remembered: enough for two or three dials that find out why."""

_log = logging.getLogger("nocarrier.node")


class SessionKeeper:
    """Runs the sessions that handshakes lead to.

    Attributes:
        changes: increases with every session that begins or ends.
        unknown_messages_total: messages, in all sessions, of a type that this version does not know.
    """

    def __init__(
        self, hood: Neighbourhood, *, gossip: Gossip, reachability: ReachabilityCheck, dial_backs: DialBacks
    ) -> None:
        self._hood = hood
        self._sessions = hood.sessions
        self._connectivity = hood.connectivity
        self._gossip = gossip
        self._reachability = reachability
        self._dial_backs = dial_backs
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost: dict[str, float] = {}
        self.changes = 0
        self.unknown_messages_total = 0

    # ---- beginning and end ----------------------------------------------------------------------------------------

    def begin(self, session: Session) -> None:
        """Run `session` until it ends, in a task of its own; or end it at once if it came too late."""
        unwanted = self._why_unwanted(session)
        if unwanted is not None:
            self._spawn(session.close(unwanted))
            return
        replaced = self._sessions.add(session)
        if replaced is not None:
            self._spawn(replaced.close(SessionEndCode.DUPLICATE_CONNECTION))
        self._spawn(self._serve(session))

    def _why_unwanted(self, session: Session) -> SessionEndCode | None:
        """Why `session` is no longer wanted: other handshakes were under way at the same time as its own."""
        if self._stopping:
            return SessionEndCode.SHUTTING_DOWN
        if not self._sessions.stays(session.remote, session.direction):
            return SessionEndCode.DUPLICATE_CONNECTION
        if session.direction is Direction.INBOUND and self._hood.admission.is_full(session.remote):
            return SessionEndCode.TOO_MANY_PEERS
        return None

    def ban(self, target: str, *, until_unix: float | None = None, reason: str = "") -> None:
        """Ban an address, network or node id; ends the sessions with it.

        Raises:
            ConfigError: `target` is none of these.
        """
        try:
            self._hood.bans.add(target, now_unix=time.time(), until_unix=until_unix, reason=reason)
        except StateFileError as error:
            _log.error("the ban is active only until this node stops: %s", error)
        for session in self._sessions:
            port = session.address.port if session.direction is Direction.OUTBOUND else None
            ban = self._hood.bans.match(ip=session.address.ip, port=port, node_id=session.node_id, now_unix=time.time())
            if ban is not None:
                self._spawn(session.close(SessionEndCode.BANNED))

    async def stop(self) -> None:
        """Say goodbye to every peer, and accept no more sessions."""
        self._stopping = True
        goodbyes = [session.close(SessionEndCode.SHUTTING_DOWN, "this node is stopping") for session in self._sessions]
        await asyncio.gather(*goodbyes, return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_report_if_died)

    # ---- during a session -----------------------------------------------------------------------------------------

    async def _serve(self, session: Session) -> None:
        self._note_sessions()
        try:
            end = await session.run(lambda: self._begin(session), lambda event: self._handle(session, event))
        finally:
            self._sessions.remove(session)
            self._note_sessions()
            self._hood.changed.set()
        self._note_end(session, end)

    def _begin(self, session: Session) -> None:
        self._connectivity.heard(session.last_received_s)
        self._learn_from_handshake(session)
        self._hood.ports.session_began(session, time.time())
        self._reachability.ask(session)
        if len(self._sessions) < self._hood.options.target_peers:
            session.ask_for_peers()

    def _learn_from_handshake(self, session: Session) -> None:
        welcome = session.welcome
        self._hood.local.observed.observe(self._netgroup_of(session), welcome.observed_addr)
        if session.direction is Direction.INBOUND and session.is_dialable:
            self._learn_dialer(session)
        told = list(welcome.peers)
        if session.remote.advertised is not None:
            told.append(PeerAddress(addr=session.remote.advertised, node_id=session.node_id))
        self._gossip.learn(told, Source.HANDSHAKE, session)

    def _learn_dialer(self, session: Session) -> None:
        """Learn where an inbound peer says it listens: an address from a handshake, not yet proven."""
        block = self._hood.policy.check_address(session.address)
        if block is None:
            self._hood.book.add(session.address, Source.HANDSHAKE, session.addr, time.time())
            entry = self._hood.book.get(session.addr)
            # A peer that shares its IP address can name the port of another node; a proven node id outweighs a claim.
            if entry is not None and entry.node_id is None:
                self._hood.book.set_node_id(session.addr, session.node_id)
        elif block.reason is not Reason.SELF_DIAL_BLOCKED:
            self._hood.recorder.record(
                session.addr, block.reason, Source.HANDSHAKE, via=session.addr, detail=block.detail
            )

    def _handle(self, session: Session, event: WireEvent) -> None:
        self._connectivity.heard(session.last_received_s)
        match event:
            case PeersRequested():
                self._gossip.answer(session)
            case PeersReceived(peers=peers):
                self._gossip.learn(peers, Source.GOSSIP, session)
            case DialBackRequested():
                self._dial_backs.take_question(session, event)
            case DialBackAnswered():
                self._reachability.take_answer(session, event)
            case ProtocolViolation(detail=detail):
                until_unix = time.time() + VIOLATION_BAN_S
                self.ban(session.node_id, until_unix=until_unix, reason=f"broke the protocol: {detail}")
            case UnknownMessage():
                self.unknown_messages_total += 1
            case _:
                pass

    # ---- after a session ------------------------------------------------------------------------------------------

    def _note_end(self, session: Session, end: SessionEnd) -> None:
        self._hood.local.observed.forget(self._netgroup_of(session))
        if end.nobody_answered:
            self._note_silence(session)
            self._lost = {**self.lost(time.time()), session.addr: time.time()}
            speaks_against_peer = self._connectivity.counts_against_peer(session.silent_since_s)
        else:
            speaks_against_peer = end.facts.counts_against_peer and not self._connectivity.offline()
        if session.direction is Direction.INBOUND or end.was_our_wish:
            return
        if session.age_s >= EARLY_DISCONNECT_S or not end.facts.is_recorded:
            return
        evidence = Evidence(elapsed_s=round(session.age_s, 3))
        if session.own_lag_s >= LATE_LOOP_S:
            evidence["loop_lag_s"] = round(session.own_lag_s, 3)
            speaks_against_peer = False
        self._hood.recorder.record(
            session.addr,
            Reason.EARLY_DISCONNECT,
            session.source,
            detail=str(end),
            via=session.via,
            evidence=evidence,
            duration_s=round(session.age_s, 6),
            node_id=session.node_id,
            penalise=speaks_against_peer,
        )

    def _note_silence(self, session: Session) -> None:
        if self._sessions or has_route_to(session.address.host):
            self._connectivity.path_failed(self._netgroup_of(session), session.silent_since_s)
        else:
            self._connectivity.local_failed(time.monotonic())

    def lost(self, now_unix: float) -> dict[str, float]:
        """Addresses whose session ended in silence within the last ten minutes, with the time (Unix seconds)."""
        self._lost = {addr: at for addr, at in self._lost.items() if now_unix - at <= LOST_FOR_S}
        return dict(self._lost)

    def _note_sessions(self) -> None:
        self._connectivity.sessions_alive = len(self._sessions)
        self._hood.book.note_connected(self._sessions.addresses())
        self.changes += 1

    def _netgroup_of(self, session: Session) -> str:
        return self._hood.netgroup_of(session.address)


def _report_if_died(task: asyncio.Task[None]) -> None:
    """Log the error of a task that should never end with one."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("a part of the node died of an internal error", exc_info=task.exception())
