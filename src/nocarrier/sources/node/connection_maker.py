"""Makes the wire connections of this node: each says who the node is and names peers that it knows to be good."""

from __future__ import annotations

import time

from nocarrier.model.address import Address
from nocarrier.sources.node.access.identity import verify
from nocarrier.sources.node.gossip import Gossip
from nocarrier.sources.node.local_node import LocalNode
from nocarrier.sources.node.wire import AdmissionRules, Connection, Role, Terms, Welcome
from nocarrier.sources.node.wire.messages import WELCOME_PEERS_MAX


class ConnectionMaker:
    """A `MakeConnection`, from `begin` on."""

    def __init__(self, local: LocalNode, gossip: Gossip) -> None:
        self._local = local
        self._gossip = gossip

    def begin(self) -> None:
        """Fix what this node says about itself for as long as it runs."""
        self._introduction = self._local.introduction()

    def __call__(
        self,
        *,
        role: Role,
        remote: Address,
        admit: AdmissionRules,
        expected_node_id: str | None = None,
        dial_back: bool = False,
    ) -> Connection:
        """See `MakeConnection`."""
        addr = str(remote)
        peers = self._gossip.peers_to_share(WELCOME_PEERS_MAX, receiver=addr)
        terms = Terms(
            role=role,
            local=self._introduction,
            sign=self._local.identity.sign,
            verify=verify,
            admit=admit,
            expected_node_id=expected_node_id,
            welcome=Welcome(observed_addr=addr, peers=peers),
            dial_back=dial_back,
        )
        return Connection(terms, now_unix=time.time())
