"""What the parts of the node share: settings, identity, and what it knows about its peers and the way to them."""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from nocarrier.dialing import AddressPolicy
from nocarrier.host.loop_monitor import LoopMonitor
from nocarrier.model.address import Address, netgroup_of
from nocarrier.model.ports import DialRecorder, StandingBook
from nocarrier.sources.node.access.admission import Admission
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.book.peer_book import PeerBook
from nocarrier.sources.node.connectivity import Connectivity
from nocarrier.sources.node.local_node import LocalNode
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.sources.node.reachability.port_truth import PortTruth
from nocarrier.sources.node.sessions.session_table import SessionTable


class Recorder(DialRecorder, StandingBook, Protocol):
    """What the node needs from a tracker."""

    def forgive_own_faults(self) -> None:
        """Let addresses that wait only because of a fault of ours be dialed now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What all parts of a node share; made by `neighbourhood_of`."""

    options: NodeOptions
    timing: TimingOptions
    local: LocalNode
    policy: AddressPolicy
    """Which addresses may be dialed."""
    bans: BanList
    book: PeerBook
    sessions: SessionTable
    admission: Admission
    """Which nodes may become peers."""
    connectivity: Connectivity
    """Whether this machine is offline."""
    ports: PortTruth
    """Which ports peers really listen on."""
    recorder: Recorder
    loop_monitor: LoopMonitor
    rng: random.Random = field(default_factory=lambda: random.Random(secrets.randbits(64)))  # noqa: S311 - spreads load
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is worth looking for peers again: a session or a dial ended, or an address was learned."""

    def netgroup_of(self, address: Address) -> str:
        """The netgroup of an address."""
        return netgroup_of(address.host, ipv4_prefix=self.options.netgroup_prefix)


def neighbourhood_of(
    local: LocalNode,
    *,
    options: NodeOptions,
    timing: TimingOptions,
    bans: BanList,
    book: PeerBook,
    recorder: Recorder,
) -> Neighbourhood:
    """Make the neighbourhood of a node that has not met any peer yet."""
    sessions = SessionTable(local.node_id)
    policy = AddressPolicy(
        ipv4_only=options.ipv4_only, lan_mode=options.lan_mode, allow_networks=options.allow_networks
    )
    policy.own_addresses |= local.own_addresses
    admission = Admission(
        network=options.network,
        admission_key=options.admission_key,
        max_peers=options.max_peers,
        bans=bans,
        sessions=sessions,
    )
    return Neighbourhood(
        options=options,
        timing=timing,
        local=local,
        policy=policy,
        bans=bans,
        book=book,
        sessions=sessions,
        admission=admission,
        connectivity=Connectivity(),
        ports=PortTruth(book=book, sessions=sessions),
        recorder=recorder,
        loop_monitor=LoopMonitor(),
    )
