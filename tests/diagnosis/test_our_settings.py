"""What a setting can fix: seeds, an unknown network, a node that nobody can dial; and what only looks like a fault."""

from __future__ import annotations

from dataclasses import replace

from nocarrier.model.node.state import Reachability
from tests.diagnosis.table import (
    Table,
    check_near_miss,
    check_raised,
    codes,
    done,
    finding_of,
    near_misses,
    raised,
    row,
)
from tests.diagnosis.world import HOUR, MINUTE, World, names, node_id_of, peer, peers, seed, unreachable

NODE = World().with_node()


def seeded(*seeds, **node) -> World:
    """A node with these seeds."""
    return World().with_node(seeds=seeds, **node)


NOBODY = Table(
    "nobody_to_dial",
    raised={
        "no seeds and an empty book": row(
            World().with_node(known=0),
            first=True,
            severity="warning",
            blame="us",
            says="This node has no seeds",
            does="seeds =",
        ),
        "the only seed may not be dialed": row(
            World().with_node(known=0, seeds=[seed("10.0.0.1:7072", "private_ip_blocked")]),
            says="Policy forbids the only seed",
        ),
        "neither of the seeds may be dialed": row(
            World().with_node(known=0, seeds=[seed(f"10.0.0.{n}:7072", "private_ip_blocked") for n in (1, 2)]),
            says="Policy forbids all 2 seeds of this node",
        ),
    },
    near_misses={
        "just started": row(World().with_node(known=0, started_ago_s=20)),
        "a peer dialed it": row(World().with_node(known=0).session(peer(1))),
        "the book has addresses, though none is due": row(World().with_node(known=2)),
        "a seed that may be dialed": row(World().with_node(known=0, seeds=[peer(1)])),
        "it wants no peers": row(World().with_node(known=0, target_peers=0)),
        "a program without a node": row(World()),
        "a dial by hand is in flight": row(World().with_node(known=0).dialing(peer(1), "direct")),
        "its only seed name does not exist": row(
            World().with_node(known=0, seeds=names(1)).fails(names(1), "dns_not_found", "seed"),
            instead="seeds_misconfigured",
        ),
    },
)

SEED_LIST = Table(
    "seeds_misconfigured",
    raised={
        "a private seed among good ones": row(
            seeded(seed("10.0.0.1:7072", "private_ip_blocked"), *peers(2)).session(peers(2), "seed"),
            first=True,
            severity="warning",
            blame="us",
            says="1 of 3 seeds cannot be dialed as configured: 10.0.0.1:7072",
            does="instead of 10.0.0.1:7072",
            affected_peers=1,
        ),
        "nothing but private seeds": row(
            seeded(seed("10.0.0.1:7072", "private_ip_blocked"), seed("127.0.0.1:7072", "loopback_blocked")),
            first=True,
            severity="critical",
            says="2 of 2 seeds",
        ),
        "each kind with an example of its own": row(
            seeded(
                seed("0.0.0.0:7072", "invalid_ipv4_endpoint"),
                seed("10.0.0.1:7072", "private_ip_blocked"),
                seed("[2001:db8::1]:7072", "ipv6_blocked"),
            ).session(peer(1)),
            says="3 of 3 seeds",
            does="seeds instead of 10.0.0.1:7072",
        ),
        "a name that does not exist": row(
            seeded(*names(1), peer(1)).session(peer(1), "seed").fails(names(1), "dns_not_found", "seed"),
            does="Correct seed1.example:7072",
            affected_peers=1,
        ),
        "a name that leads to a private address": row(
            seeded(*names(1), peer(1))
            .session(peer(1), "seed")
            .fails(names(1), "private_ip_blocked", "seed", phase="resolve"),
            does="instead of seed1.example:7072",
        ),
        "a name with IPv6 addresses only": row(
            seeded(*names(1), peer(1)).session(peer(1), "seed").fails(names(1), "dns_no_usable_family", "seed"),
            does="ipv4_only = false",
        ),
        "one seed twice": row(
            seeded(peer(1), seed(peer(1), is_duplicate=True)).session(peer(1), "seed"),
            severity="info",
            says="1 seed is in the list twice",
            does=f"Remove the duplicate of {peer(1)}",
        ),
        "our own address among them does no harm": row(
            seeded(seed("203.0.113.7:7072", "self_dial_blocked"), peer(1)).session(peer(1), "seed"), severity="info"
        ),
        "the name of its only seed leads to itself": row(
            seeded(*names(1), known=0).fails(names(1), "self_dial_blocked", "seed", phase="handshake"),
            first=True,
            severity="warning",
            does="name another node of the network in seeds",
        ),
        "both its seeds are itself, one by its address": row(
            seeded(*names(1), seed("203.0.113.7:7072", "self_dial_blocked"), known=0).fails(
                names(1), "self_dial_blocked", "seed", phase="resolve"
            ),
            severity="warning",
        ),
        "one of two names leads to itself, and the other seed is there": row(
            seeded(*names(1), peer(1)).session(peer(1), "seed").fails(names(1), "self_dial_blocked", "seed"),
            severity="info",
            does="which is harmless",
        ),
        "skipped seeds of a program without a node": row(
            World().works(peer(1)).skips("192.168.1.5:7072", "private_ip_blocked", "seed"),
            says="1 seed cannot be dialed as configured: 192.168.1.5:7072",
            severity="warning",
        ),
    },
    near_misses={
        "good seeds": row(seeded(*peers(3)).session(peers(3), "seed")),
        "a private address that a peer named": row(
            seeded(peer(1)).session(peer(1), "seed").skips("10.0.0.1:7072", "private_ip_blocked", via=peer(1)),
            instead="private_addresses_gossiped",
        ),
        "a seed that we ban is banned on purpose": row(
            seeded(seed(peer(9), "banned_local"), peer(1)).session(peer(1), "seed")
        ),
        "a gossiped name that does not exist": row(
            seeded(peer(1)).session(peer(1), "seed").fails(names(1), "dns_not_found"), instead="unexplained"
        ),
        "a seed that is connected already": row(
            seeded(peer(1)).session(peer(1), "seed").skips(peer(1), "already_connected", "seed"),
            instead="duplicates_only",
        ),
        "a skip of long ago in a program without a node": row(
            World().works(peer(1)).skips("192.168.1.5:7072", "private_ip_blocked", "seed", ago_s=20 * MINUTE)
        ),
    },
)

REACHABLE = Table(
    "not_reachable",
    raised={
        "all that tried did not reach us": row(
            NODE.with_node(reachability=unreachable(3)).session(peers(3)),
            severity="info",
            blame="us",
            says="3 peers tried",
            does="Forward TCP port 7072",
            confidence=0.88,
        ),
        "one try": row(
            NODE.with_node(reachability=unreachable(1)).session(peer(1)), says="1 peer tried", confidence=0.5
        ),
        "where they tried is not known": row(
            NODE.with_node(reachability=replace(unreachable(2), addr=None)).session(peer(1)), says="at port 7072"
        ),
        "even without connected peers it is not an alarm of its own": row(
            NODE.with_node(reachability=unreachable(2)), severity="info"
        ),
    },
    near_misses={
        "others reach us": row(NODE.with_node(reachability=unreachable(0, 3, Reachability.PUBLIC)).session(peer(1))),
        "nobody has tried": row(NODE.with_node(reachability=unreachable(0, 0, Reachability.UNKNOWN)).session(peer(1))),
        "opinions differ, so the node does not know": row(
            NODE.with_node(reachability=unreachable(1, 1, Reachability.UNKNOWN)).session(peer(1))
        ),
        "a program without a node": row(World().works(peer(1))),
    },
)

DUPLICATES = Table(
    "duplicates_only",
    raised={
        "the maintainer meets peers that it has": row(
            NODE.session(peers(2)).skips(peers(2), "already_connected", "peer_book"),
            first=True,
            severity="info",
            blame="none",
            says="2 peers that are already connected",
            affected_peers=0,
        ),
        "two dials crossed": row(NODE.session(peers(2)).fails(peer(1), "duplicate_connection"), severity="info"),
        "one peer by its name and by its address": row(
            NODE.session(peers(2))
            .skips(peer(1), "already_connected")
            .reports("seed1.example:7072", "already_connected", "seed", node_id=node_id_of(peer(1))),
            says="1 peer that is already connected",
        ),
        "one of those met is gone since": row(
            NODE.session(peer(1)).skips(peers(2), "already_connected"), says="1 peer that is already connected"
        ),
        "one is being dialed": row(
            NODE.session(peer(1))
            .skips(peer(1), "already_connected")
            .dialing(peer(2))
            .skips(peer(2), "already_dialing"),
            says="1 peer that is already connected",
        ),
        "a program whose dials crossed": row(World().reports(peers(2), "duplicate_connection"), severity="info"),
        "a program without a node": row(
            World().works(peer(1)).skips(peer(1), "already_connected"), severity="info", first=True
        ),
    },
    near_misses={
        "nothing was recorded": row(NODE.session(peers(2))),
        "a start whose dials are all in flight": row(
            World().with_node(started_ago_s=2, seeds=peers(4)).dialing(peers(4)).skips(peers(4), "already_dialing")
        ),
        "all sessions died just now": row(NODE.works(peers(3), ago_s=HOUR).skips(peers(3), "already_connected")),
        "nothing was heard on any session for a minute": row(
            NODE.session(peers(2), heard_ago_s=90).skips(peers(2), "already_connected")
        ),
        "all peers met so far are gone, and another one is connected": row(
            NODE.session(peer(9)).skips(peers(2), "already_connected")
        ),
        "a connection that gave way to one that never came": row(
            NODE.fails(peers(2), "duplicate_connection"), instead="unexplained"
        ),
        "a program that has no success on record": row(World().skips(peers(2), "already_connected")),
        "one real failure among them": row(
            NODE.session(peers(2)).skips(peers(2), "already_connected").fails(peer(9), "timeout"), instead="peer_down"
        ),
        "a failure that the ring has forgotten and the peer has not": row(
            World(tracker_options={"capacity": 2})
            .works(peers(2))
            .fails(peer(9), "timeout", ago_s=60)
            .skips(peers(2), "already_connected"),
            instead="peer_down",
        ),
        "another kind of skip": row(
            NODE.session(peers(2)).skips(peer(1), "already_connected").skips(peer(3), "backoff_active")
        ),
    },
)

TABLES = (NOBODY, SEED_LIST, REACHABLE, DUPLICATES)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_each_kind_of_bad_seed_has_its_action_with_an_address_of_that_kind():
    world = seeded(
        seed("0.0.0.0:7072", "invalid_ipv4_endpoint"),
        seed("10.0.0.1:7072", "private_ip_blocked"),
        seed("[2001:db8::1]:7072", "ipv6_blocked"),
    )
    actions = done(finding_of(world.diagnosis(), "seeds_misconfigured"))
    for told in ("instead of 10.0.0.1:7072.", "Correct 0.0.0.0:7072 ", "remove [2001:db8::1]:7072 from"):
        assert told in actions


def test_seed_names_are_judged_by_where_they_lead():
    world = seeded(*names(3)).fails(names(2), "dns_not_found", "seed")
    world = world.fails("seed3.example:7072", "private_ip_blocked", "seed", phase="resolve")
    evidence = finding_of(world.diagnosis(), "seeds_misconfigured").evidence
    assert sorted(item.addrs for item in evidence) == [tuple(names(2)), ("seed3.example:7072",)]


def test_a_mistyped_seed_list_comes_before_the_empty_book_it_causes():
    world = World().with_node(known=0, seeds=[seed("10.0.0.1:7072", "private_ip_blocked")])
    assert codes(world) == ["seeds_misconfigured", "nobody_to_dial"]


def test_a_bad_seed_is_a_finding_since_the_start_of_the_node():
    found = finding_of(seeded(seed("10.0.0.1:7072", "private_ip_blocked")).diagnosis(), "seeds_misconfigured")
    assert found.since_unix == World().with_node().node.info.started_at_unix
