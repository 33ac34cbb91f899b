"""The stage of one scenario: its network, its peers and the node under test, for its faults to act on."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.node_under_test import NoAnswerError, NodeUnderTest
from lab.peers import Peers
from lab.world import Place, World
from nocarrier.model.address import Address

FINDS_ALL_WITHIN_S = 45.0
"""How long the node under test, and before that the good peers, may take to find all the others. A lost dial is tried
again after half a minute."""


class LabFailedError(RuntimeError):
    """The lab itself did not work; that says nothing about the doctor."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer on the internet, good or in some way bad."""

    name: str
    place: Place
    port: int
    node_id: str
    """Empty for a fault server, which has none."""

    @property
    def addr(self) -> str:
        """Where it is dialed over IPv4."""
        return str(Address(self.place.ipv4, self.port))

    @property
    def addr6(self) -> str:
        """Where it would be dialed over IPv6."""
        return str(Address(self.place.ipv6, self.port))


class Stage:
    """What faults act on.

    Attributes:
        rng: makes all random choices of the scenario.
        world: the hosts; its methods are the faults of links, routes and firewalls.
        peers: the process that runs all peers.
        node: the node under test; its `options`, `timing`, `under` and `environment` may be changed before it starts.
        good: the peers that work, unless a fault changes that.
        bad: the peers that the scenario added.
        notes: the random choices, for readers of the results.
    """

    def __init__(
        self, rng: random.Random, world: World, peers: Peers, node: NodeUnderTest, *, peer_options: Mapping[str, Any]
    ) -> None:
        self.rng = rng
        self.world = world
        self.peers = peers
        self.node = node
        self.good: list[Peer] = []
        self.bad: list[Peer] = []
        self.notes: dict[str, Any] = {}
        self._network = f"lab-{rng.randrange(1_000_000)}"
        self._genesis = f"{rng.getrandbits(256):064x}"
        self._peer_options = dict(peer_options)
        self._bad_seeds: list[str] = []
        self._node_started = False

    # ---- peers ----------------------------------------------------------------------------------------------------

    def node_options(self, **options: Any) -> dict[str, Any]:
        """The settings of a node in this network, changed by `options`."""
        return {"network": self._network, "genesis": self._genesis, "netgroup_prefix": 16, **options}

    def start_good_peers(self, number: int) -> None:
        """Start the peers that work, with the first as seed of the others, and wait until they know each other."""
        for index in range(number):
            place = self.world.draw_place()
            seeds = [peer.addr for peer in self.good[:1]]
            options = {**self._peer_options, "seeds": seeds, "target_peers": number - 1}
            self.good.append(self._start_node(f"good-{index + 1}", place, options))
        enough = number - 1

        def all_found() -> bool:
            return all(len(node["connected"]) >= enough for node in self.peers.status().values())

        wait_until(all_found, within_s=FINDS_ALL_WITHIN_S, what="the good peers find each other")

    def restart(self, peer: Peer, **changes: Any) -> Peer:
        """Restart a node that was stopped or killed, at its address; `changes` as in `Peers.start_node`."""
        seeds = [other.addr for other in self.good if other is not peer][:1]
        options = {**self._peer_options, "seeds": seeds, "target_peers": len(self.good) - 1, **changes}
        return self._start_node(peer.name, peer.place, options, port=peer.port)

    def add_node(self, *, known_as: str | None = None, place: Place | None = None, **options: Any) -> Peer:
        """Add a real node that differs from the good ones in `options`, as in `Peers.start_node`.

        Args:
            known_as: how the node under test learns of it: seed, gossip, direct (dialed by hand, once the node runs) or
                nobody; None: seed or gossip, at random.
            place: its addresses; None: in networks of its own.
            options: the node dials nobody unless they say so.
        """
        name = f"bad-{len(self.bad) + 1}"
        peer = self._start_node(name, place or self.world.draw_place(), {"target_peers": 0, **options})
        return self._add(peer, known_as)

    def add_server(self, kind: str, *, known_as: str | None = None, place: Place | None = None) -> Peer:
        """Add a fault server (a name of FAULT_SERVERS, or ``module:NAME``); the other arguments as in `add_node`."""
        place, name = place or self.world.draw_place(), f"bad-{len(self.bad) + 1}"
        started = self.peers.start_server(name, place.ipv4, self.world.draw_port(), kind)
        return self._add(Peer(name, place, started.port, ""), known_as)

    def add_absent(self, *, known_as: str | None = None, place: Place | None = None, carried: bool = False) -> Peer:
        """Add an address without a program; with `carried` a machine has it, whose kernel answers with a reset."""
        place = place or self.world.draw_place(carried=carried)
        return self._add(Peer(f"bad-{len(self.bad) + 1}", place, self.world.draw_port(), ""), known_as)

    def make_known(self, addr: str, known_as: str | None = None) -> None:
        """Make the node under test learn of `addr`; `known_as` as in `add_node`."""
        if known_as is None:
            known_as = "gossip" if self._node_started else self.rng.choice(("seed", "gossip"))
        self.notes.setdefault("known_as", {})[addr] = known_as
        if known_as == "seed":
            if self._node_started:
                raise LabFailedError(f"{addr} cannot become a seed of a node that is running")
            self._bad_seeds.append(addr)
        elif known_as == "gossip":
            self.peers.teach(self.rng.choice(self.good).name, addr)
        elif known_as == "direct":
            self.node.connect(addr)
        elif known_as != "nobody":
            raise LabFailedError(f"{known_as!r} is not a way to learn of an address")

    def _start_node(self, name: str, place: Place, options: Mapping[str, Any], *, port: int | None = None) -> Peer:
        port = port or self.world.draw_port()
        started = self.peers.start_node(name, place.ipv4, port, **self.node_options(**options))
        return Peer(name, place, started.port, started.node_id)

    def _add(self, peer: Peer, known_as: str | None) -> Peer:
        self.bad.append(peer)
        self.make_known(peer.addr, known_as)
        return peer

    # ---- the node under test --------------------------------------------------------------------------------------

    def start_node(self) -> None:
        """Start the node under test.

        What its options do not say yet is added: more good seeds than bad ones, so that the seed list as such is fine,
        and a target of more peers than there are.
        """
        usual = self.node_options(target_peers=len(self.good) + len(self.bad) + 1, seeds=self._draw_seeds())
        self.node.options = usual | self.node.options
        self.node.start()
        self._node_started = True

    def _draw_seeds(self) -> list[str]:
        fewest = min(len(self.good), max(2, len(self._bad_seeds) + 1))
        good = self.rng.sample(self.good, self.rng.randint(fewest, len(self.good)) if self.good else 0)
        seeds = [*(peer.addr for peer in good), *self._bad_seeds]
        self.rng.shuffle(seeds)
        return seeds

    def wait_until_connected(self) -> None:
        """Wait until the node under test has a session with every good peer."""
        wait_until(
            lambda: self.connected_share() == 1.0,
            within_s=FINDS_ALL_WITHIN_S,
            what="the node under test connects with all good peers",
        )

    def connected_share(self) -> float:
        """The share of the good peers with which the node under test has a session."""
        with contextlib.suppress(NoAnswerError):
            connected = {peer["node_id"] for peer in self.node.connected()}
            return sum(peer.node_id in connected for peer in self.good) / max(1, len(self.good))
        return 0.0


def wait_until(holds: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Wait until `holds()`.

    Raises:
        LabFailedError: it did not hold within `within_s` seconds; `what` says what was awaited.
    """
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            raise LabFailedError(f"not within {within_s:g} s: {what}")
        time.sleep(0.2)


@contextmanager
def stage(
    rng: random.Random,
    *,
    options: Mapping[str, Any],
    timing: Mapping[str, float],
    peer_options: Mapping[str, Any],
    **world: Any,
) -> Iterator[Stage]:
    """Build an empty stage: the network, the process of the peers, and the node, not started; all gone at the end."""
    with contextlib.ExitStack() as life:
        folder = Path(life.enter_context(tempfile.TemporaryDirectory(prefix="nocarrier-lab-")))
        network = life.enter_context(World(rng, **world))
        peers = Peers(network.internet.popen, folder / "peers")
        life.callback(peers.close)
        node = NodeUnderTest(network.here, folder, rng, p2p_port=network.draw_port(), http_port=network.draw_port())
        life.callback(node.kill)
        node.options |= options
        node.timing |= timing
        yield Stage(rng, network, peers, node, peer_options=peer_options)
