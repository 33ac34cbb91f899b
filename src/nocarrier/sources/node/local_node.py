"""This node as its peers see it: who it is, where it listens, and what it says about itself on every connection."""

from __future__ import annotations

import secrets
import time

from nocarrier.model.address import Address, IPAddress, parse_ip
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.options import NodeOptions
from nocarrier.sources.node.reachability.own_address import ObservedAddress
from nocarrier.sources.node.wire import LocalPeer


class LocalNode:
    """Who this node is.

    Attributes:
        identity: its key pair.
        version: the version of the program; told to peers and shown.
        p2p_port: the port it listens on.
        http_port: the port of its API; told to peers so that confused ports can be found. Set it before the node
            starts.
        started_at_unix: Unix seconds.
        observed: the addresses at which the peers see it.
    """

    def __init__(self, options: NodeOptions, identity: Identity, *, version: str, host: str, port: int) -> None:
        self._options = options
        self._host = host
        self._advertised = Address.parse(options.advertise) if options.advertise else None
        self.identity = identity
        self.version = version
        self.p2p_port = port
        self.http_port: int | None = None
        self.started_at_unix = time.time()
        self.observed = ObservedAddress()

    @property
    def node_id(self) -> str:
        """Its public key, as 64 hex digits."""
        return self.identity.node_id

    @property
    def listen_ip(self) -> IPAddress | None:
        """The address it listens on, which it also dials from if possible."""
        return parse_ip(self._host)

    @property
    def own_addresses(self) -> set[Address]:
        """The addresses that would lead a dial back to this node, as far as its settings tell."""
        return {Address(self._host, self.p2p_port), *([self._advertised] if self._advertised else [])}

    @property
    def published_port(self) -> int:
        """The port that it tells its peers."""
        return self._advertised.port if self._advertised else self.p2p_port

    @property
    def advertised(self) -> str | None:
        """Where others can dial it: the setting, or the address that peers of different networks agree on."""
        host = self.observed.agreed()
        return self._options.advertise or (str(Address(host, self.p2p_port)) if host else None)

    def introduction(self) -> LocalPeer:
        """What it says about itself from this start on; each start has its own boot id."""
        options = self._options
        return LocalPeer(
            node_id=self.node_id,
            network=options.network,
            genesis=options.genesis,
            min_version=options.min_protocol_version,
            max_version=options.protocol_version,
            boot_id=secrets.token_bytes(8),
            listen_port=self.published_port,
            advertised=str(self._advertised) if self._advertised else None,
            http_port=self.http_port,
            user_agent=f"nocarrier/{self.version}",
            ticket=options.ticket or None,
        )
