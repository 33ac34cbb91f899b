"""Which nodes know each other, and by which addresses: seeds, gossip, peer books, NAT, networks cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from lab.scenario import Remedy, Scenario, Step, after, at_start, once_connected
from lab.stage import Stage, wait_until
from lab.steps import absent_peer, bad_server, kill_good, restart_bad
from nocarrier.model.address import Address
from nocarrier.model.taxonomy import Source

IDLE_AND_DIAL_S = 75.0
"""A session that has gone silent ends after 45 s, and then the peer has to be dialed again in vain."""

DEAD_ADDRESSES = 500
DEAD_NETWORKS = 20
"""How many networks the dead addresses are spread over: far more than one."""


def seeds_are_two_good_peers(stage: Stage) -> None:
    """The node finds all others through two seeds."""
    stage.node.options["seeds"] = [peer.addr for peer in stage.good[:2]]


def seeds_crash(stage: Stage) -> None:
    """Those two crash, and become bad ones."""
    for peer in stage.good[:2]:
        stage.peers.kill(peer.name)
    stage.good, stage.bad = stage.good[2:], [*stage.bad, *stage.good[:2]]


def seeds_are_the_bad_peers(stage: Stage) -> None:
    """The seed list contains no other peers."""
    stage.node.options["seeds"] = [peer.addr for peer in stage.bad]


def name_other_seeds(stage: Stage) -> None:
    """The operator names a good peer as the seed, and restarts the node."""
    stage.node.stop()
    stage.node.options["seeds"] = [stage.rng.choice(stage.good).addr]
    stage.node.start()


def seeds_come_back(stage: Stage) -> None:
    """Their operators restart them, and our operator dials them by hand instead of waiting for the backoff."""
    restart_bad(stage)
    for peer in stage.bad:
        stage.node.connect(peer.addr)


def good_seeds_and(*draw: str) -> Step:
    """The seed list contains two or three good peers, and among them addresses of the kinds in `draw`."""

    def step(stage: Stage) -> None:
        odd = [_ODD_ADDRESSES[kind](stage) for kind in draw]
        good = [peer.addr for peer in stage.rng.sample(stage.good, stage.rng.randint(2, 3))]
        seeds = [*good, *odd]
        stage.rng.shuffle(seeds)
        stage.node.options["seeds"] = seeds
        stage.notes["odd_seeds"] = odd

    return step


_ODD_ADDRESSES: dict[str, Callable[[Stage], str]] = {
    "private": lambda stage: stage.rng.choice(("10.{}.{}.9:{}", "192.168.{}.{}:{}", "100.64.{}.{}:{}")).format(
        stage.rng.randrange(1, 99), stage.rng.randrange(1, 99), stage.world.draw_port()
    ),
    "loopback": lambda stage: f"127.0.0.{stage.rng.randrange(1, 99)}:{stage.world.draw_port()}",
    "ipv6": lambda stage: stage.rng.choice(stage.good).addr6,
    "own": lambda stage: str(Address(stage.world.public_ipv4, stage.node.p2p_port)),
    "no_port": lambda stage: f"{stage.good[0].place.ipv4}:0",
}
"""Addresses that do not belong in a seed list."""


def only_private_seeds(stage: Stage) -> None:
    """A seed list meant for a LAN."""
    stage.node.options["seeds"] = [_ODD_ADDRESSES["private"](stage) for _ in range(stage.rng.randint(1, 3))]


def publishes_its_http_port(stage: Stage) -> None:
    """A peer that can be reached, but advertises the port of an HTTP server beside it."""
    web = stage.add_server("http_ok", known_as="nobody")
    stage.bad.remove(web)
    stage.add_node(place=web.place, known_as="seed", advertise=web.addr)


def publishes_inside_addresses(stage: Stage) -> None:
    """Peers that advertise the addresses they have inside their NAT."""
    for _ in range(stage.rng.randint(1, 3)):
        stage.add_node(known_as="seed", advertise=_ODD_ADDRESSES["private"](stage))


def dials_us_and_is_gossiped_by_its_source_port(stage: Stage) -> None:
    """A peer dials us, and another one names it with the port that it dialed from."""
    own = str(Address(stage.world.public_ipv4, stage.node.p2p_port))
    caller = stage.add_node(known_as="nobody", seeds=[own], target_peers=1)
    wait_until(
        lambda: any(peer["node_id"] == caller.node_id for peer in stage.node.connected()),
        within_s=20,
        what="the dialing peer is connected",
    )
    shown = stage.world.here.run(["ss", "-tnH", "state", "established", "dst", caller.place.ipv4]).stdout
    # The columns of ss: queues, local and remote address.
    source_addr = next(line.split()[3] for line in shown.splitlines() if f":{stage.node.p2p_port}" in line.split()[2])
    stage.make_known(source_addr, "gossip")


def feeds_dead_addresses(stage: Stage) -> None:
    """One good peer names hundreds of addresses without a peer, some silent and some refusing."""
    places = [stage.world.draw_place(carried=stage.rng.random() < 0.5) for _ in range(DEAD_NETWORKS)]  # noqa: PLR2004
    dead = [str(Address(stage.rng.choice(places).ipv4, stage.world.draw_port())) for _ in range(DEAD_ADDRESSES)]
    stage.peers.teach(stage.rng.choice(stage.good).name, *dict.fromkeys(dead))


def has_an_old_peer_book(stage: Stage) -> None:
    """The peer book is from before all those peers got new addresses."""
    gone = [stage.world.draw_place(carried=False) for _ in range(stage.rng.randint(5, 9))]
    write_peer_book(stage, [str(Address(place.ipv4, stage.world.draw_port())) for place in gone], age_s=2 * 86_400.0)


def write_peer_book(stage: Stage, addrs: list[str], *, age_s: float) -> None:
    """Give the node under test a peer book in which `addrs` worked `age_s` seconds ago."""
    then_unix = time.time() - age_s
    entries = [
        {
            "addr": addr,
            "source": Source.GOSSIP,
            "via": None,
            "first_seen_unix": then_unix - 86_400.0,
            "last_success_unix": then_unix,
            "last_attempt_unix": then_unix,
            "successes_total": 3,
        }
        for addr in addrs
    ]
    data_dir = Path(stage.node.options["data_dir"])
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "peers.json").write_text(json.dumps({"schema": 1, "entries": entries}))


def cut_off_half(stage: Stage) -> None:
    """The backbone drops everything to half of the good peers; those become bad ones."""
    gone = stage.rng.sample(stage.good, len(stage.good) // 2)
    stage.good = [peer for peer in stage.good if peer not in gone]
    stage.bad += gone
    rules = (f"ip daddr {peer.place.ipv4} drop" for peer in gone)
    stage.world.firewall(stage.world.backbone, "forward", *rules)


def join_again(stage: Stage) -> None:
    """The backbone lets everything pass again."""
    stage.world.lift_firewall(stage.world.backbone)


def hairpin_to_ourselves(stage: Stage) -> None:
    """The router in front of us leads our own public address back to us, and it is in our seed list."""
    stage.world.forward_port(stage.node.p2p_port, hairpin=True)
    good_seeds_and("own")(stage)


def all_dial_at_once(stage: Stage) -> None:
    """The good peers dial us at the same time as we dial them."""
    own = str(Address(stage.world.public_ipv4, stage.node.p2p_port))
    for peer in stage.good:
        stage.peers.stop(peer.name)
    for peer in stage.good:
        stage.restart(peer, seeds=[own, stage.good[0].addr], target_peers=len(stage.good))


SCENARIOS = (
    Scenario(
        name="all_seeds_down",
        what="Every seed refuses: the machines are up, the program on them is not running.",
        faults=(at_start(absent_peer((2, 4), known_as="nobody", carried=True), seeds_are_the_bad_peers),),
        expected_reason="connection_refused",
        expected_cause="seeds_down",
        remedy=Remedy(says="Name other seeds", step=name_other_seeds),
    ),
    Scenario(
        name="all_seeds_crash_later",
        what="All seeds crash, and the peers that they named stay.",
        good_peers=(5, 7),
        faults=(at_start(seeds_are_two_good_peers), once_connected(seeds_crash)),
        expected_reason="connection_refused",
        expected_cause="seeds_down",
        needs_s=60,
        remedy=Remedy(says="Ask the operators of the seeds", step=seeds_come_back, clears_within_s=30),
    ),
    Scenario(
        name="private_seeds_in_production",
        what="The seed list is meant for a LAN, and private addresses are not allowed.",
        faults=(at_start(only_private_seeds),),
        expected_reason="private_ip_blocked",
        expected_cause="seeds_misconfigured",
    ),
    Scenario(
        name="loopback_seed",
        what="A loopback address among the seeds.",
        faults=(at_start(good_seeds_and("loopback")),),
        expected_reason="loopback_blocked",
        expected_cause="seeds_misconfigured",
    ),
    Scenario(
        name="own_address_as_seed",
        what="Our own address among the seeds.",
        faults=(at_start(good_seeds_and("own")),),
        expected_reason="self_dial_blocked",
        expected_cause="seeds_misconfigured",
    ),
    Scenario(
        name="ipv6_seed_in_ipv4_only_mode",
        what="An IPv6 address among the seeds, and IPv6 is off.",
        faults=(at_start(good_seeds_and("ipv6")),),
        expected_reason="ipv6_blocked",
        expected_cause="seeds_misconfigured",
    ),
    Scenario(
        name="published_port_is_the_http_port",
        what="A peer that can be reached advertises the port of its HTTP server.",
        faults=(at_start(publishes_its_http_port),),
        expected_reason=None,  # corrected before it is dialed
        expected_cause="wrong_port_published",
    ),
    Scenario(
        name="seed_with_the_http_port",
        what="A seed is written with the port of its HTTP server.",
        faults=(at_start(bad_server("http_ok", known_as="seed")),),
        expected_reason="not_our_protocol",
        expected_cause="wrong_port_published",
    ),
    Scenario(
        name="source_port_gossiped",
        what="A peer dials us, and another one names it with the port that it dialed from.",
        faults=(once_connected(dials_us_and_is_gossiped_by_its_source_port),),
        expected_reason=None,
        expected_cause="wrong_port_published",
    ),
    Scenario(
        name="inside_addresses_published",
        what="Peers behind NAT publish their inside addresses.",
        faults=(at_start(publishes_inside_addresses),),
        expected_reason="private_ip_blocked",
        expected_cause="private_addresses_gossiped",
    ),
    Scenario(
        name="introducer_of_dead_addresses",
        what="One peer names 500 dead addresses.",
        options={"max_dials_in_flight": 8},
        faults=(once_connected(feeds_dead_addresses),),
        expected_reason=None,
        expected_cause="stale_source",
        needs_s=60,
        within_s=30,  # the evidence is a share of distinct addresses, and each needs its dial
    ),
    Scenario(
        name="peer_book_from_before_a_renumbering",
        what="All addresses in the peer book are dead; those of the seeds are not.",
        faults=(at_start(has_an_old_peer_book),),
        expected_reason=None,
        expected_cause="stale_source",
    ),
    Scenario(
        name="half_partitioned_away",
        what="Half of the network goes silent while everything works.",
        good_peers=(6, 8),
        faults=(once_connected(cut_off_half),),
        expected_reason="timeout",
        expected_cause="partition",
        needs_s=IDLE_AND_DIAL_S,
        remedy=Remedy(says="nocarrier doctor --probe", step=join_again, clears_within_s=60),
    ),
    Scenario(
        name="hairpin_nat",
        what="Our own public address is a seed, and the router leads it back to us.",
        behind_nat=True,
        faults=(at_start(hairpin_to_ourselves),),
        expected_reason="self_dial_blocked",
        expected_cause="seeds_misconfigured",
    ),
    Scenario(
        name="simultaneous_dials",
        what="All nodes dial each other at the same time.",
        faults=(at_start(all_dial_at_once),),
        expected_reason=None,
        expected_cause=None,
    ),
    Scenario(
        name="healthy_small_mesh",
        what="Nothing is wrong.",
        expected_reason=None,
        expected_cause=None,
        watch_s=60,
    ),
    Scenario(
        name="healthy_mesh_for_ten_minutes",
        what="Nothing is wrong, for ten minutes.",
        good_peers=(6, 8),
        expected_reason=None,
        expected_cause=None,
        watch_s=600,
    ),
    Scenario(
        name="one_peer_leaves_and_comes_back",
        what="A peer crashes and comes back, as happens in any network.",
        faults=(once_connected(kill_good()), after(5, restart_bad)),
        expected_reason=None,
        expected_cause=None,
        watch_s=45,
    ),
    Scenario(
        name="behind_nat",
        what="Our NAT forwards nothing: we dial out and work.",
        behind_nat=True,
        expected_reason=None,
        expected_cause=None,
        watch_s=30,
    ),
)
