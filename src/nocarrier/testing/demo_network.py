"""The network of `nocarrier demo`: five nodes that find each other, and peers around them that fail in the usual ways.

Each peer has its own address in 127.0.0.0/8, and nothing else may be dialed, so no packet leaves the machine.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from nocarrier.model.address import Address
from nocarrier.sources.node.access.tickets import admission_key_of, create_issuer_key
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.testing.fault_servers import FAULT_SERVERS
from nocarrier.tracking import DialTracker

MESH_SIZE = 5
"""Nodes that work."""

GENESIS = "ab" * 32

TIMING = TimingOptions(
    connect_timeout_s=3, handshake_attempt_s=2, handshake_window_s=6, maintain_interval_s=3, gossip_interval_s=3
)
"""A fraction of the default times, so that every failure shows within a minute."""

VERSION = "demo"

WATCHED_HOST = "127.2.0.1"


@dataclass(frozen=True, slots=True)
class FaultyPeer:
    """A seed of the watched node that does not work, and why."""

    addr: str
    what: str


@dataclass(frozen=True, slots=True)
class DemoNetwork:
    """A running demo."""

    node: Node
    """The watched node, which has all faulty peers among its seeds."""
    tracker: DialTracker
    mesh: list[Node]
    faulty: list[FaultyPeer]


USUAL = NodeOptions(network="demo", genesis=GENESIS, allow_networks=("127.0.0.0/8",), target_peers=MESH_SIZE - 1)

SILLY_SEEDS = (
    FaultyPeer("192.168.7.7:7072", "a private address as a seed"),
    FaultyPeer("[2001:db8::7]:7072", "an IPv6 address in IPv4-only mode"),
    FaultyPeer("127.5.0.1:0", "a seed with a mistyped port"),
)

FAULTS = {
    "closed_port": "nothing listens there",
    "silent": "accepts and never answers",
    "http_ok": "an HTTP server on the published port",
    "close": "closes at once",
    "reset": "resets at once",
}
"""The fault servers of the demo, and what each of them does."""


@asynccontextmanager
async def demo_network(
    folder: Path, on_watched: Callable[[Node, DialTracker], None] = lambda _node, _tracker: None
) -> AsyncIterator[DemoNetwork]:
    """Run the demo's network until the block ends.

    Args:
        folder: the folder for the nodes' files.
        on_watched: called with the watched node and its tracker before the node starts.
    """
    async with AsyncExitStack() as life:
        builder = _Builder(folder, life)
        mesh = await builder.start_mesh()
        own = f"{WATCHED_HOST}:{_free_port(WATCHED_HOST)}"
        faulty = [
            *await builder.start_strangers(),
            *await builder.start_fault_servers(),
            *SILLY_SEEDS,
            FaultyPeer(own, "the node's own address as a seed"),
        ]
        tracker = DialTracker()
        options = structs.replace(
            USUAL,
            protocol_version=3,
            min_protocol_version=2,
            seeds=(address_of(mesh[0]), *(peer.addr for peer in faulty)),
            target_peers=MESH_SIZE + len(faulty),
        )
        node = builder.make("watched", own, options, tracker)
        on_watched(node, tracker)
        await life.enter_async_context(node)
        yield DemoNetwork(node=node, tracker=tracker, mesh=[*mesh, node], faulty=faulty)


class _Builder:
    """Starts the peers of the demo; closing `life` ends them."""

    def __init__(self, folder: Path, life: AsyncExitStack) -> None:
        self._folder = folder
        self._life = life

    def make(self, name: str, listen: str, options: NodeOptions, tracker: DialTracker) -> Node:
        options = structs.replace(options, p2p_listen=listen)
        return Node(options, TIMING, data_dir=self._folder / name, recorder=tracker, version=VERSION)

    async def _start(self, name: str, host: str, options: NodeOptions) -> Node:
        return await self._life.enter_async_context(self.make(name, f"{host}:0", options, DialTracker()))

    async def start_mesh(self) -> list[Node]:
        """Start the nodes that find each other, all through the first one."""
        mesh: list[Node] = []
        for number in range(1, MESH_SIZE):
            seeds = tuple(address_of(node) for node in mesh[:1])
            mesh.append(await self._start(f"mesh-{number}", f"127.1.{number}.1", structs.replace(USUAL, seeds=seeds)))
        return mesh

    async def start_strangers(self) -> list[FaultyPeer]:
        """Start the nodes that reject the watched one."""
        key = admission_key_of(create_issuer_key(self._folder / "issuer.pem"))
        strangers = {
            "a node of an older protocol": structs.replace(USUAL, protocol_version=1, min_protocol_version=0),
            "a node of another chain": structs.replace(USUAL, genesis="cd" * 32),
            "a node that bans us": structs.replace(USUAL, bans=(WATCHED_HOST,)),
            "a private node that wants a ticket": structs.replace(USUAL, admission_key=key),
        }
        faulty = []
        for number, (what, options) in enumerate(strangers.items(), 1):
            host, passive = f"127.3.{number}.1", structs.replace(options, target_peers=0)
            node = await self._start(f"stranger-{number}", host, passive)
            faulty.append(FaultyPeer(address_of(node), what))
        return faulty

    async def start_fault_servers(self) -> list[FaultyPeer]:
        """Start the programs that are not nodes at all."""
        faulty = []
        for number, (name, what) in enumerate(FAULTS.items(), 1):
            host = f"127.4.{number}.1"
            port = await self._life.enter_async_context(FAULT_SERVERS[name](host))
            faulty.append(FaultyPeer(str(Address(host, port)), what))
        return faulty


def address_of(node: Node) -> str:
    """Where a node of the demo can be dialed."""
    host = node.options.p2p_listen.rpartition(":")[0]
    return str(Address(host, node.p2p_port))


def _free_port(host: str) -> int:
    """A port that is free now. The watched node has its own address as a seed, so it must be known before the start."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
