"""Dials back peers that ask whether they can be dialed. `self_check` is the asking side.

This is safe for everybody else because a request names a port and no address, and only the one IP address is tried from
which the asker's own session comes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TypeAlias

from nocarrier.classification import blame_for, classify
from nocarrier.dialing import AddressPolicy
from nocarrier.dialing.attempt import Failed, connect_socket
from nocarrier.dialing.streams import open_streams
from nocarrier.errors import PeerRejected
from nocarrier.model.address import Address, IPAddress
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.options import TimingOptions
from nocarrier.sources.node.reachability.port_truth import PortTruth
from nocarrier.sources.node.sessions.handshake import MakeConnection, shake_hands
from nocarrier.sources.node.sessions.session import Session
from nocarrier.sources.node.wire import Rejection, RemotePeer, Role
from nocarrier.sources.node.wire.events import DialBackRequested, DialedBack
from nocarrier.sources.node.wire.messages import DialBackOutcome

AT_ONCE_MAX = 4
PER_HOST_S = 30.0
"""What one node tries for others: how many at once, and how often for each IP address, because sessions cost the owner
of an address nothing. An honest asker needs one in ten minutes."""

RATE_LIMITED = "rate_limited"
BUSY = "busy"
"""Refusals that are not reasons of the taxonomy: nothing was dialed."""

_Verdict: TypeAlias = tuple[DialBackOutcome, str | None]

_log = logging.getLogger("nocarrier.node")


class DialBacks:
    """Dials peers that ask for it, and tells them what happened.

    Attributes:
        asked_total: requests from peers.
        answered_total: of these, how many were tried and answered.
        refused_total: of these, how many were refused.
    """

    def __init__(
        self,
        timing: TimingOptions,
        *,
        policy: AddressPolicy,
        bans: BanList,
        make_connection: MakeConnection,
        ports: PortTruth,
        local_ip: IPAddress | None,
    ) -> None:
        """Start without any requests.

        Args:
            timing: one attempt may take as long as connecting plus one handshake attempt.
            policy: which addresses may be dialed, whichever peer asks.
            bans: which peers are not dialed, whichever peer asks.
            make_connection: makes a wire connection.
            ports: is told the outcome of each dial-back.
            local_ip: the address to dial from, as for the node's own dials.
        """
        self._timing = timing
        self._policy = policy
        self._bans = bans
        self._make_connection = make_connection
        self._ports = ports
        self._local_ip = local_ip
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._tried_s: dict[str, float] = {}
        """When each IP address was last dialed; only those of the last 30 seconds."""
        self.asked_total = 0
        self.answered_total = 0
        self.refused_total = 0

    def take_question(self, session: Session, event: DialBackRequested) -> None:
        """Dial `port` of the peer at the other end of `session`, in a task of its own; or refuse."""
        self.asked_total += 1
        # Only where the session's own TCP connection ends: nothing that a peer says may direct a dial to another host.
        address = Address(session.tcp_address.host, event.port)
        refusal = self._why_not(address, session.node_id)
        if refusal is not None:
            self.refused_total += 1
            session.send_dial_back_result(event.nonce, DialBackOutcome.REFUSED, refusal)
            return
        self._tried_s[address.host] = time.monotonic()
        task = asyncio.create_task(self._serve(session, address, event.nonce), name=f"dial back {address}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop the dials under way, and start no more."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _why_not(self, address: Address, node_id: str) -> str | None:
        if self._stopping:
            return Reason.SHUTTING_DOWN
        now_s = time.monotonic()
        self._tried_s = {host: at_s for host, at_s in self._tried_s.items() if now_s - at_s < PER_HOST_S}
        block = self._policy.check_address(address)
        if block is not None:
            return block.reason
        if self._bans.match(ip=address.ip, port=address.port, node_id=node_id, now_unix=time.time()) is not None:
            return Reason.BANNED
        if address.host in self._tried_s:
            return RATE_LIMITED
        return BUSY if len(self._tasks) >= AT_ONCE_MAX else None

    async def _serve(self, session: Session, address: Address, nonce: int) -> None:
        try:
            outcome, reason = await self._dial(session.remote, address)
        except Exception:  # noqa: BLE001 - a task boundary; logged
            _log.exception("a dial-back to %s failed with an internal error", address)
            outcome, reason = DialBackOutcome.REFUSED, Reason.OTHER
        if outcome is DialBackOutcome.REFUSED:
            self.refused_total += 1
        else:
            self.answered_total += 1
            self._ports.dialed_back(session, address.port, reason, time.time())
        session.send_dial_back_result(nonce, outcome, reason)

    async def _dial(self, asker: RemotePeer, address: Address) -> _Verdict:
        # Not a `Dial`, so it is not recorded: it is not a dial to a peer that we want, and a peer that could make us
        # record failures, backoff and outages at will could forge our diagnosis.
        timing = self._timing
        connected = await connect_socket(address, timing.connect_timeout_s, self._local_ip)
        if isinstance(connected, Failed):
            return _verdict(connected.fault.reason, connected.fault.blame)
        reader, writer = await open_streams(connected)
        connection = self._make_connection(role=Role.DIALER, remote=address, admit=_nobody, dial_back=True)
        deadline = asyncio.timeout(timing.handshake_attempt_s)
        try:
            async with deadline:
                met = await shake_hands(connection, reader, writer)
        except PeerRejected as exc:
            return DialBackOutcome.NOT_REACHED, exc.reason
        except (OSError, TimeoutError) as exc:
            reason = classify(exc, Phase.HANDSHAKE).reason
            lag_s = asyncio.get_running_loop().time() - (deadline.when() or 0.0)
            return _verdict(reason, blame_for(reason, Evidence(loop_lag_s=max(0.0, lag_s))))
        finally:
            writer.transport.abort()
        assert isinstance(met, DialedBack), "we did not offer a session"
        if (met.remote.node_id, met.remote.boot_id) != (asker.node_id, asker.boot_id):
            return DialBackOutcome.NOT_REACHED, Reason.PEER_ID_MISMATCH  # or another process with the same key
        return DialBackOutcome.REACHED, None


def _verdict(reason: Reason, blame: Blame) -> _Verdict:
    # A fault of ours (no route, no descriptor, our own firewall, a stalled loop) says nothing about the asker's port.
    return DialBackOutcome.REFUSED if blame is Blame.US else DialBackOutcome.NOT_REACHED, reason


def _nobody(remote: RemotePeer, *, proven: bool) -> Rejection:  # noqa: ARG001
    """Admit no peer: a dial-back ends before this is called."""
    return Rejection(reason=Reason.HANDSHAKE_ERROR, detail="this is a dial-back")
