"""What this machine lacks or has wrong: descriptors, local ports, time for its event loop, clock, names, IPv6."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

from lab.scenario import Remedy, Scenario, Step, at_start, once_connected
from lab.stage import Peer, Stage, wait_until
from lab.steps import bad_node, firewall, ip_here, node_options, restart_node, sysctl, wrong_clock
from lab.trial import NotPassed
from lab.wire import WireSettings
from nocarrier.model.address import Address
from testbed.netns import REPOSITORY

FAR_S = 0.2
"""One way: a handshake then takes more than a second, long enough to strike in its middle."""

BACKOFF_AND_DIAL_S = 60.0
"""A peer that failed once is dialed again after 24 to 36 s, or sooner if the fault is ours; then the doctor has to
look."""

USUAL_DESCRIPTORS = 1_024
"""The soft limit of every process on Linux by default."""


# ---- descriptors and ports ------------------------------------------------------------------------------------------


def use_up_descriptors(stage: Stage) -> None:
    """The running node may open only a few more files than it has open, and learns of more peers than that."""
    spare = stage.rng.randint(0, 2)
    newcomers = [stage.add_node(known_as="nobody") for _ in range(spare + stage.rng.randint(2, 4))]
    stage.node.connected()  # the lab's connection to the API stays open: there may be no descriptor for another
    limit_descriptors(stage, _open_for_good(stage) + spare)
    for peer in newcomers:
        stage.make_known(peer.addr, "gossip")


def _open_for_good(stage: Stage) -> int:
    """How many files the running node has open, without those of a dial, a query or a write under way."""
    looks = []
    for _ in range(20):
        looks.append(len(list(Path(f"/proc/{stage.node.pid}/fd").iterdir())))
        time.sleep(0.05)
    return min(looks)


def limit_descriptors(stage: Stage, limit: int = USUAL_DESCRIPTORS) -> None:
    """Set how many files the running node may have open."""
    resource.prlimit(stage.node.pid, resource.RLIMIT_NOFILE, (limit, USUAL_DESCRIPTORS))


_LEAKING_PROGRAM = """
import json, socket, sys, time
leaked = []
for address in json.loads(sys.argv[1]):
    while True:
        leaked.append(socket.socket())
        try:
            leaked[-1].connect(tuple(address))
        except OSError:  # EADDRNOTAVAIL: no local port is left towards that peer
            break
print("ready", flush=True)
time.sleep(3600)
"""


def leak_connections_to(whom: str) -> Step:
    """There are few local ports, and another program here uses them up with connections to good or bad peers."""

    def step(stage: Stage) -> None:
        first = stage.rng.randrange(33_000, 60_000)
        stage.world.here.sysctl("net.ipv4.ip_local_port_range", f"{first} {first + stage.rng.randint(4, 11)}")
        peers: list[Peer] = getattr(stage, whom)
        stage.world.here.start_python(
            _LEAKING_PROGRAM, json.dumps([(peer.place.ipv4, peer.port) for peer in peers]), timeout_s=30
        )

    return step


widen_port_range = sysctl("here", "net.ipv4.ip_local_port_range", "15000 60999")


# ---- the event loop -------------------------------------------------------------------------------------------------


def stall_in_handshakes(stage: Stage) -> None:
    """The node learns of peers, and stalls from the middle of the handshakes until all its deadlines have passed."""
    newcomers = [stage.add_node(known_as="nobody") for _ in range(stage.rng.randint(3, 5))]
    stage.peers.teach(stage.rng.choice(stage.good).name, *(peer.addr for peer in newcomers))
    wait_until(
        lambda: bool(stage.node.get("/api/p2p/debug")["dial_totals"]["in_flight"]),
        within_s=20,
        what="the node dials the peers that it was told of",
    )
    time.sleep(FAR_S * 3)  # one and a half round trips: connected, but the handshake is not complete
    stage.node.stall(stage.node.timing["handshake_window_s"] + stage.rng.uniform(0.5, 3.0))


def nobody_is_blamed_for_it(stage: Stage) -> None:
    """The failures of that time count against no peer."""
    wait_until(
        lambda: bool(stage.node.failures(reason="handshake_timeout")),
        within_s=20,
        what="a handshake ran into its deadline",
    )
    streaks = {peer["addr"]: peer["streak"] for peer in stage.node.get("/api/p2p/peers")["peers"]}
    blamed = [peer.addr for peer in stage.bad if streaks.get(peer.addr)]
    if blamed:
        raise NotPassed(f"our own stall counts against {blamed}")


# ---- the clock ------------------------------------------------------------------------------------------------------


def all_good_peers_are_seeds(stage: Stage) -> None:
    """Three must disagree with our clock, and a node that no peer accepts learns of no peers beyond its seeds."""
    stage.node.options["seeds"] = [peer.addr for peer in stage.good]


def clock_off(sign: str) -> Step:
    """The node's clock is wrong by some ten minutes or more, ahead (+) or behind (-)."""
    return lambda stage: wrong_clock(f"{sign}{stage.rng.randint(10, 90)}m")(stage)


def set_clock_right(stage: Stage) -> None:
    """The node's clock is that of this machine."""
    stage.node.environment.clear()


# ---- names ----------------------------------------------------------------------------------------------------------

RESOLVER = REPOSITORY / "testbed/resolver.py"


def named_seeds(first_label: str, *, literals: bool = False) -> Step:
    """Two or three seeds are names, whose first label says what the resolver does; others may be addresses."""

    def step(stage: Stage) -> None:
        number = stage.rng.randint(2, 3)
        peers = stage.rng.sample(stage.good, number)
        names = [f"{first_label}.seed-{n}.network-{stage.rng.randrange(1_000)}.example" for n in range(number)]
        stage.notes["names"] = {name: [peer.place.ipv4] for name, peer in zip(names, peers, strict=True)}
        seeds = [f"{name}:{peer.port}" for name, peer in zip(names, peers, strict=True)]
        stage.node.options["seeds"] = [*seeds, *(peer.addr for peer in stage.good if literals and peer not in peers)]

    return step


def start_resolver(stage: Stage, names: dict[str, list[str]], options: str = "") -> None:
    """From now on `here` asks a resolver that knows `names`; `options` are those of resolv.conf(5)."""
    place = stage.world.draw_place()
    stage.world.internet.start_python(RESOLVER, place.ipv4, json.dumps(names))
    stage.world.here.resolv_conf(place.ipv4, options=options)


def resolver_knows_nothing(stage: Stage) -> None:
    """A resolver that does with names what their first labels say."""
    start_resolver(stage, {}, "timeout:5 attempts:2")  # the defaults of resolv.conf(5)


def resolver_is_gone(stage: Stage) -> None:
    """Nothing listens where the resolver was."""
    stage.world.here.resolv_conf(stage.world.draw_place().ipv4)


def name_another_resolver(stage: Stage) -> None:
    """The operator names a resolver that works."""
    start_resolver(stage, stage.notes["names"])


def one_seed_named(name: str, *addresses: str) -> Step:
    """One seed, besides good ones, is a name for which a working resolver returns these addresses."""

    def step(stage: Stage) -> None:
        stage.make_known(f"{name}:{stage.world.draw_port()}", "seed")
        start_resolver(stage, {name: list(addresses)} if addresses else {})

    return step


# ---- IPv6 -----------------------------------------------------------------------------------------------------------


def know_ipv6_addresses(stage: Stage) -> None:
    """All good peers are known by an IPv6 address too."""
    for peer in stage.good:
        stage.make_known(peer.addr6, "gossip")


def know_many_ipv6_addresses(stage: Stage) -> None:
    """Peers of both families are known, from several peers that name them."""
    for _ in range(stage.rng.randint(10, 14)):
        stage.make_known(str(Address(stage.world.draw_place().ipv6, stage.world.draw_port())), "gossip")


SCENARIOS = (
    Scenario(
        name="descriptors_used_up",
        what="The node runs into its limit of open files.",
        options={"target_peers": 20},
        faults=(once_connected(use_up_descriptors),),
        expected_reason="fd_exhausted",
        expected_cause="local_exhaustion",
        expected_severity="warning",
        expected_blame="us",
        remedy=Remedy(says="LimitNOFILE=", step=limit_descriptors),
    ),
    Scenario(
        name="local_ports_used_up",
        what="There are few local ports, and another program occupies all of them for connections to every peer.",
        faults=(at_start(leak_connections_to("good")),),
        expected_reason="ephemeral_ports_exhausted",
        expected_cause="local_exhaustion",
        expected_severity="critical",
        expected_blame="us",
        remedy=Remedy(says="ip_local_port_range", step=widen_port_range, clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="local_ports_used_up_towards_one_peer",
        what="Another program occupies all local ports for connections to one or two peers; dials to the others work.",
        faults=(at_start(bad_node((1, 2)), leak_connections_to("bad")),),
        expected_reason="ephemeral_ports_exhausted",
        expected_cause="local_exhaustion",
        expected_severity="warning",
        expected_blame="us",
    ),
    Scenario(
        name="event_loop_blocked",
        what="The event loop stalls while the deadlines of handshakes pass.",
        options={"target_peers": 20},
        wire=WireSettings(delay_s=FAR_S),
        faults=(once_connected(stall_in_handshakes, nobody_is_blamed_for_it),),
        expected_reason="handshake_timeout",
        expected_cause="local_overload",
        expected_blame="us",
    ),
    *(
        Scenario(
            name=f"own_clock_{where}",
            what=f"The clock of this machine is {where}.",
            faults=(at_start(all_good_peers_are_seeds, clock_off(sign)),),
            expected_reason="clock_skew",
            expected_cause="clock_wrong",
            expected_severity="critical",
            expected_blame="us",
            remedy=Remedy(says="Set the clock of this machine", step=restart_node(set_clock_right)),
        )
        for where, sign in (("ahead", "+"), ("behind", "-"))
    ),
    Scenario(
        name="resolver_silent",
        what="The resolver does not answer, and all seeds are names.",
        faults=(at_start(named_seeds("silent"), resolver_knows_nothing),),
        expected_reason="dns_timeout",
        expected_cause="dns_broken",
        expected_severity="critical",
        expected_blame="us",
        remedy=Remedy(says="Put a resolver that answers into", step=name_another_resolver, clears_within_s=60),
    ),
    Scenario(
        name="resolver_refuses",
        what="The resolver refuses to answer us; seeds that are addresses work.",
        faults=(at_start(named_seeds("refused", literals=True), resolver_knows_nothing),),
        expected_reason="dns_temporary",
        expected_cause="dns_broken",
        expected_severity="warning",
        expected_blame="us",
        remedy=Remedy(says="Put a resolver that answers into", step=name_another_resolver, clears_within_s=60),
    ),
    Scenario(
        name="resolver_gone",
        what="Nothing listens at the resolver's address, and all seeds are names.",
        faults=(at_start(named_seeds("www"), resolver_is_gone),),
        expected_reason="dns_temporary",
        expected_cause="dns_broken",
        expected_severity="critical",
        expected_blame="us",
        remedy=Remedy(says="Put a resolver that answers into", step=name_another_resolver, clears_within_s=60),
    ),
    Scenario(
        name="seed_name_leads_to_a_private_address",
        what="The name of a seed resolves to a private address, as a company's resolver may answer.",
        faults=(at_start(one_seed_named("seed.internal.example", "10.20.30.40")),),
        expected_reason="private_ip_blocked",
        expected_cause="seeds_misconfigured",
        expected_severity="warning",
        expected_blame="us",
    ),
    Scenario(
        name="seed_name_does_not_exist",
        what="The name of a seed does not exist; the resolver works.",
        faults=(at_start(one_seed_named("sede.network.example")),),
        expected_reason="dns_not_found",
        expected_cause="seeds_misconfigured",
        expected_severity="warning",
        expected_blame="us",
    ),
    Scenario(
        name="ipv6_without_a_route",
        what="IPv6 is allowed, and this machine has no IPv6 route out.",
        options={"ipv4_only": False},
        peer_options={"ipv4_only": False},  # otherwise they do not name such addresses
        faults=(at_start(ip_here("-6", "route", "del", "default"), know_ipv6_addresses),),
        expected_reason="network_unreachable",
        expected_cause="ipv6_broken",
        expected_severity="warning",
        remedy=Remedy(says="ipv4_only = true", step=restart_node(node_options(ipv4_only=True))),
    ),
    Scenario(
        name="ipv6_swallowed",
        what="IPv6 is allowed, and our gateway drops it.",
        options={"ipv4_only": False, "target_peers": 20},
        peer_options={"ipv4_only": False},
        faults=(at_start(firewall("gateway", "forward", "meta nfproto ipv6 drop"), know_many_ipv6_addresses),),
        expected_reason="timeout",
        expected_cause="ipv6_broken",
        expected_severity="warning",
        within_s=30,  # silence is telling only if several peers are silent
    ),
)
