"""Which nodes this node accepts as peers: bans, tickets, free slots, and one session per node."""

from __future__ import annotations

import time

from nocarrier.errors import TicketError
from nocarrier.model.address import Address
from nocarrier.model.node.state import Direction
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.access import tickets
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire import AdmissionRules, Rejection, RemotePeer


class Admission:
    """The node's rules on which nodes become peers; the same in both directions."""

    def __init__(
        self,
        *,
        network: str,
        admission_key: str,
        max_peers: int,
        bans: BanList,
        sessions: SessionTable,
    ) -> None:
        self._network = network
        self._admission_key = admission_key
        self._max_peers = max_peers
        self._bans = bans
        self._sessions = sessions

    def rules_for(self, address: Address, direction: Direction) -> AdmissionRules:
        """The rules as one connection applies them.

        Args:
            address: where the peer is; the port of an inbound connection means nothing.
            direction: who dialed.
        """

        def admit(remote: RemotePeer, *, proven: bool) -> Rejection | None:
            port = address.port if direction is Direction.OUTBOUND else None
            ban = self._bans.match(ip=address.ip, port=port, node_id=remote.node_id, now_unix=time.time())
            if ban is not None:
                return Rejection(reason=Reason.BANNED, detail=ban.reason, until_unix=ban.until_unix)
            if direction is Direction.INBOUND and self.is_full(remote):
                return Rejection(reason=Reason.TOO_MANY_PEERS, detail=f"all {self._max_peers} slots are taken")
            if not proven:
                return None
            return self._check_ticket(remote) or self._check_duplicate(remote, direction)

        return admit

    def is_full(self, remote: RemotePeer) -> bool:
        """Whether there is no slot for `remote` as an inbound peer."""
        return len(self._sessions) >= self._max_peers and remote.node_id not in self._sessions

    def _check_ticket(self, remote: RemotePeer) -> Rejection | None:
        if not self._admission_key:
            return None
        try:
            tickets.verify(
                remote.ticket,
                admission_key=self._admission_key,
                node_id=remote.node_id,
                network=self._network,
                now_unix=time.time(),
            )
        except TicketError as error:
            return Rejection(reason=Reason.TICKET_INVALID, detail=error.detail, ticket=error.kind)
        return None

    def _check_duplicate(self, remote: RemotePeer, direction: Direction) -> Rejection | None:
        if self._sessions.stays(remote, direction):
            return None
        existing = self._sessions.get(remote.node_id)
        if existing is not None:
            existing.ping_now()  # if that session is dead, this finds out before the peer tries again
        return Rejection(reason=Reason.DUPLICATE_CONNECTION, detail="the other connection with this peer stays")
