"""Where addresses come from: wrong ports, inside addresses, dead ones, and seeds that are down."""

from __future__ import annotations

import pytest

from nocarrier.model.node.state import PortMistake
from tests.diagnosis.table import Table, check_near_miss, check_raised, codes, finding_of, near_misses, raised, row
from tests.diagnosis.world import HOUR, MINUTE, World, claim, icmp, introducer, neighbours, peer, peers, peers6

NODE = World().with_node()
HTTP = {"speaks": "http", "first_bytes": "48545450"}

PORTS = Table(
    "wrong_port_published",
    raised={
        "an HTTP server on the published port": row(
            NODE.session(peers(3)).fails("203.9.0.9:7070", "not_our_protocol", **HTTP),
            first=True,
            severity="info",
            blame="them",
            says="http answers on 203.9.0.9:7070",
            does="curl -s http://203.9.0.9:7070/healthz",
        ),
        "the port of a seed": row(
            World()
            .with_node(seeds=["203.9.0.9:7070"])
            .session(peers(3))
            .fails("203.9.0.9:7070", "not_our_protocol", "seed", **HTTP),
            severity="warning",
        ),
        "proven by a handshake on another port": row(
            NODE.with_node(port_claims=[claim("203.9.0.9:1", PortMistake.OTHER_PORT, "203.9.0.9:2")])
            .session(peer(1))
            .fails("203.9.0.9:1", "connection_refused"),
            does="Use 203.9.0.9:2 instead of 203.9.0.9:1",
            hides=("peer_down",),
        ),
        "a source port was published, but not dialed yet": row(
            NODE.with_node(port_claims=[claim("203.9.0.9:40001", PortMistake.SOURCE_PORT)]).session(peer(1)),
            says="1 published address does not lead to the P2P port",
            affected_peers=1,
        ),
        "corrected, and not dialed any more": row(
            NODE.with_node(
                port_claims=[claim("203.9.0.9:1", PortMistake.HTTP_PORT, "203.9.0.9:2", corrected=True)]
            ).session(peer(1)),
            severity="info",
        ),
        "no peer is reached at all": row(NODE.fails("203.9.0.9:7070", "not_our_protocol", **HTTP), severity="critical"),
        "a program that records reasons only": row(
            World().works(peer(1)).reports("203.9.0.9:7070", "not_our_protocol"),
            says="something that is not nocarrier answers",
            severity="info",
        ),
    },
    near_misses={
        "a closed port, and nothing is known of another": row(
            NODE.session(peer(1)).fails(peer(9), "connection_refused"), instead="peer_down"
        ),
        "silence on a port says nothing about the port": row(
            NODE.session(peer(1)).fails("203.9.0.9:7070", "timeout"), instead="peer_down"
        ),
        "a portal answers for everybody": row(NODE.fails(peers(2), "not_our_protocol", **HTTP), instead="middlebox"),
        "broken words of our own protocol": row(
            NODE.session(peer(1)).fails(peer(9), "malformed_handshake"), instead="peer_broken"
        ),
    },
)

INSIDE = Table(
    "private_addresses_gossiped",
    raised={
        "one peer names inside addresses": row(
            NODE.session(peers(2)).skips(["10.0.0.1:7072", "192.168.1.5:7072"], "private_ip_blocked", via=peer(1)),
            first=True,
            severity="warning",
            blame="them",
            says="1 peer gave this node 2 private addresses",
            does=f"Ask the operator of {peer(1)}",
            affected_peers=2,
        ),
        "loopback, from a handshake": row(
            NODE.session(peers(2)).skips("127.0.0.1:7072", "loopback_blocked", "handshake", via=peer(1)),
            says="1 private address,",
        ),
        "the node has all the peers it wants": row(
            World()
            .with_node(target_peers=2)
            .session(peers(2))
            .skips("10.0.0.1:7072", "private_ip_blocked", via=peer(1)),
            severity="info",
        ),
        "a program without a node, and without the introducer": row(
            World().works(peer(1)).skips("10.0.0.1:7072", "private_ip_blocked"),
            says="1 private address, which cannot be dialed from outside, came from peers",
        ),
    },
    near_misses={
        "a private seed is our own mistake": row(
            World().works(peer(1)).skips("10.0.0.1:7072", "private_ip_blocked", "seed"), instead="seeds_misconfigured"
        ),
        "dialed by hand": row(NODE.session(peer(1)).skips("10.0.0.1:7072", "private_ip_blocked", "direct")),
        "a while ago": row(
            NODE.session(peer(1)).skips("10.0.0.1:7072", "private_ip_blocked", via=peer(1), ago_s=15 * MINUTE)
        ),
        "our own address came back": row(NODE.session(peer(1)).skips("203.0.113.7:7072", "self_dial_blocked")),
        "IPv6 is off here": row(NODE.session(peer(1)).skips("[2001:db8::1]:7072", "ipv6_blocked", via=peer(1))),
    },
)

POISONED = peers(40, first=100)

STALE = Table(
    "stale_source",
    raised={
        "one introducer names dead addresses": row(
            NODE.session(peers(6)).fails(POISONED, "timeout", via=peer(1)),
            first=True,
            severity="warning",
            blame="them",
            says=f"40 addresses from {peer(1)} are dead",
            does=f"Tell the operator of {peer(1)}",
            affected_peers=40,
            hides=("peer_down",),
        ),
        "an old peer book": row(
            NODE.session(peers(4), "seed").fails(peers(6, first=20), "connection_refused", "peer_book"),
            says="6 addresses from the source peer_book",
            does="move peers.json out",
        ),
        "gossip, from any peer": row(
            NODE.session(peers(4), "seed").fails(peers(6, first=20), "connection_refused", "gossip"),
            does="Addresses from gossip are out of date",
        ),
        "two introducers, each as bad": row(
            NODE.session(peers(6))
            .fails(POISONED[:20], "timeout", via=peer(1))
            .fails(POISONED[20:], "timeout", via=peer(2)),
            affected_peers=40,
        ),
        "the node has all the peers it wants": row(
            World().with_node(target_peers=6).session(peers(6)).fails(POISONED, "timeout", via=peer(1)), severity="info"
        ),
        "over IPv6, by which others are reached": row(
            NODE.session(peers(3)).session(peers6(9)[6:]).fails(peers6(6), "timeout", via=peer(1)), affected_peers=6
        ),
        "four of five, which are just enough": row(
            NODE.session(peers(6)).works(peer(40), via=peer(1)).fails(peers(4, first=20), "timeout", via=peer(1)),
            affected_peers=4,
        ),
        "throttled meanwhile": row(
            NODE.with_node(introducers=[introducer(peer(1), throttled=True, introduced=500, dialed=40, dead=40)])
            .session(peers(6))
            .fails(POISONED, "timeout", via=peer(1)),
            affected_dials=40,
        ),
        "names that do not exist": row(
            NODE.session(peers(6)).fails([f"gone{n}.example:7072" for n in range(5)], "dns_not_found", via=peer(1)),
            affected_peers=5,
        ),
    },
    near_misses={
        "silence over IPv6, by which nothing ever came": row(
            NODE.session(peers(6)).fails(peers6(6), "timeout", via=peer(1)), instead="peer_down"
        ),
        "three dead ones": row(
            NODE.session(peers(6)).fails(peers(3, first=20), "timeout", via=peer(1)), instead="peer_down"
        ),
        "one dead address, dialed five hundred times": row(
            NODE.session(peers(6)).fails(peer(20), "timeout", via=peer(1), times=500, ago_s=10), instead="peer_down"
        ),
        "as many addresses from others are dead": row(
            NODE.session(peers(2))
            .fails(peers(8, first=20), "timeout", via=peer(1))
            .works(peers(2, first=40), via=peer(1))
            .fails(peers(8, first=60), "timeout", via=peer(2))
            .works(peers(5, first=80), via=peer(2)),
            instead="peer_down",
        ),
        "most addresses that it named work": row(
            NODE.session(peers(3))
            .works(peers(5, first=20), via=peer(1))
            .fails(peers(5, first=30), "timeout", via=peer(1)),
            instead="peer_down",
        ),
        "nothing else works either": row(NODE.fails(peers(8), "connection_refused", via=peer(9)), instead="peer_down"),
        "they are full, and so alive": row(
            NODE.session(peers(3)).fails(peers(8, first=20), "too_many_peers", via=peer(1)), instead="network_full"
        ),
        "we ran out of descriptors": row(
            NODE.session(peers(3)).fails(peers(8, first=20), "fd_exhausted", via=peer(1)), instead="local_exhaustion"
        ),
        "seeds are the operator's": row(
            World().with_node(seeds=peers(5, first=20)).session(peers(3)).fails(peers(5, first=20), "timeout", "seed"),
            instead="seeds_down",
        ),
    },
)

SEEDS = Table(
    "seeds_down",
    raised={
        "all seeds refuse": row(
            World().with_node(seeds=peers(3)).fails(peers(3), "connection_refused", "seed"),
            first=True,
            severity="critical",
            blame="them",
            says="All 3 seeds that were dialed are down",
            hides=("peer_down",),
        ),
        "the only seed is silent": row(
            World().with_node(seeds=[peer(1)]).fails(peer(1), "timeout", "seed"),
            says=f"The only seed that was dialed, {peer(1)}, is down; it is not known whether the network",
            does="doctor --probe",
        ),
        "most, while others work": row(
            World()
            .with_node(seeds=peers(3))
            .session(peer(3), "seed")
            .fails(peers(2), "remote_closed", "seed", bytes_received=0),
            says="2 of the 3 seeds",
            severity="warning",
        ),
        "in different ways": row(
            World()
            .with_node(seeds=peers(3))
            .fails(peer(1), "timeout", "seed")
            .fails(peer(2), "connection_refused", "seed")
            .fails(peer(3), "handshake_timeout", "seed"),
            affected_peers=3,
        ),
        "all of them in one network": row(
            World().with_node(seeds=neighbours(3)).fails(neighbours(3), "timeout", "seed"), first=True
        ),
        "a program that records reasons only": row(
            World().reports(peers(2), "connection_refused", "seed"), severity="warning", first=True
        ),
    },
    near_misses={
        "half of them": row(
            World().with_node(seeds=peers(2)).session(peer(1), "seed").fails(peer(2), "timeout", "seed"),
            instead="peer_down",
        ),
        "the first answer of several dials at the start": row(
            World()
            .with_node(seeds=peers(3), started_ago_s=1)
            .fails(peer(1), "connection_refused", "seed", ago_s=0.5)
            .dialing(peers(2, first=2), "seed", since_s=0.6),
            instead="peer_down",
        ),
        "this machine is offline": row(
            World().with_node(seeds=peers(3), offline=True).fails(peers(3), "timeout", "seed"), instead="offline"
        ),
        "they are full": row(
            World().with_node(seeds=peers(3)).fails(peers(3), "too_many_peers", "seed"), instead="network_full"
        ),
        "another version than ours": row(
            World()
            .with_node(seeds=peers(3))
            .fails(peers(3), "version_mismatch", "seed", ours={"max": 1}, theirs={"min": 2}),
            instead="version_outdated",
        ),
        "a seed of an earlier run, which the peer book remembers": row(
            World().with_node(seeds=[peer(1)]).session(peer(1), "seed").fails(peers(3, first=5), "timeout", "seed"),
            instead="peer_down",
        ),
        "our own route refuses them": row(
            World()
            .with_node(seeds=peers(2))
            .fails(peers(2), "host_unreachable", "seed", decided_by="local", errno="EHOSTUNREACH"),
            instead="outbound_blocked",
        ),
        "no route to them, in a program without a node": row(
            World().reports(peers(2), "network_unreachable", "seed", evidence={"decided_by": "local"}),
            instead="offline",
        ),
    },
)

TABLES = (PORTS, INSIDE, STALE, SEEDS)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_far_hops_that_answer_show_that_the_network_works():
    world = (
        World()
        .with_node(seeds=peers(2))
        .fails(peer(1), "host_unreachable", "seed", **icmp(3, 1, "198.51.100.1"))
        .fails(peer(2), "host_unreachable", "seed", **icmp(3, 1, "198.51.100.2"))
        .on(gateways=("192.168.1.1",))
    )
    assert "while the network works" in str(finding_of(world.diagnosis(), "seeds_down").summary)


def test_seeds_are_judged_by_how_their_dials_end():
    world = World().with_node(seeds=peers(3)).fails(peers(2), "timeout", "seed")
    evidence = finding_of(world.fails(peer(3), "connection_refused", "seed").diagnosis(), "seeds_down").evidence
    assert {str(item.statement): set(item.addrs) for item in evidence[:2]} == {
        "seeds were dialed and failed with timeout": set(peers(2)),
        "seed was dialed and failed with connection_refused": {peer(3)},
    }


def test_a_wrong_port_does_not_explain_what_was_our_own_fault():
    claims = [claim("203.9.0.9:1", PortMistake.OTHER_PORT, "203.9.0.9:2")]
    world = World().with_node(port_claims=claims).session(peer(1)).fails("203.9.0.9:1", "fd_exhausted")
    assert codes(world) == ["local_exhaustion", "wrong_port_published"]
    assert finding_of(world.diagnosis(), "wrong_port_published").affected_dials == 0


def test_the_throttling_of_an_introducer_is_reported_with_its_counts():
    introducers = [introducer(peer(1), throttled=True, introduced=500, dialed=40, dead=40)]
    world = World().with_node(introducers=introducers).session(peers(6)).fails(POISONED, "timeout", via=peer(1))
    statements = [str(item.statement) for item in finding_of(world.diagnosis(), "stale_source").evidence]
    assert f"addresses came from {peer(1)}: 40 dialed, 0 connected, 40 dead; it is throttled" in statements


@pytest.mark.parametrize("mistake", list(PortMistake))
def test_every_mistake_with_a_port_is_described_in_words(mistake):
    world = NODE.with_node(port_claims=[claim("203.9.0.9:1", mistake)]).session(peer(1))
    [item] = finding_of(world.diagnosis(), "wrong_port_published").evidence
    assert item.addrs == ("203.9.0.9:1",)
    assert str(mistake) not in str(item.statement)


def test_an_older_poisoned_introducer_does_not_excuse_a_new_one():
    world = NODE.session(peers(6)).fails(POISONED[:20], "timeout", via=peer(1), ago_s=HOUR / 2)
    assert codes(world.fails(POISONED[20:], "timeout", via=peer(2))) == ["stale_source"]
