"""Live peers of another P2P network: neither down, nor something on the path that answers for all."""

from __future__ import annotations

import pytest

from tests.diagnosis.table import (
    Table,
    check_near_miss,
    check_raised,
    codes,
    finding_of,
    near_misses,
    raised,
    row,
)
from tests.diagnosis.world import World, peer, peers


def at(port, count=3, first=1):
    """Unrelated peers on one port."""
    return [each.replace(":7072", f":{port}") for each in peers(count, first)]


def node(*seeds, **more):
    return World().with_node(seeds=seeds, **more)


def closes(addrs, reason="remote_closed", world=None, source="seed", **more):
    """Peers that accept the connection and end it at our hello."""
    world = node(*addrs) if world is None else world
    return world.fails(addrs, reason, source, phase="handshake", bytes_received=0, **more)


FOREIGN = Table(
    "foreign_network",
    raised={
        "seeds that speak libp2p": row(
            node(*at(4001)).fails(at(4001), "not_our_protocol", "seed", speaks="multistream"),
            first=True,
            severity="critical",
            blame="us",
            says="3 peers are alive and belong to a network of libp2p",
            does="put addresses of your own network into seeds",
            affected_peers=3,
        ),
        "libp2p on ports of no network": row(
            node(*peers(3)).fails(peers(3), "not_our_protocol", "seed", speaks="multistream")
        ),
        "seeds that close at our hello on the port of Bitcoin": row(
            closes(at(8333)), first=True, severity="critical", says="a network of Bitcoin", confidence=0.8
        ),
        "seeds that reset at our hello": row(closes(at(8333), "connection_reset"), first=True),
        "seeds that stay silent after our hello": row(closes(at(30303), "handshake_timeout"), first=True),
        "some speak and some close": row(
            closes(at(8333), world=node().fails(at(18333, 2, 9), "not_our_protocol", "seed", speaks="bitcoin")),
            affected_peers=5,
            says="5 peers",
        ),
        "peers of two networks": row(
            closes(at(8333, 2), world=closes(at(30303, 3, 9))), says="2 other networks, such as one of Ethereum"
        ),
        "gossip handed them out, while others work": row(
            closes(at(8333), world=node().session(peer(9)), source="gossip", via=peer(9)),
            severity="info",
            blame="them",
            does=f"Ask the operator of {peer(9)}",
        ),
        "a program that names what it read": row(
            World().fails(at(8333), "not_our_protocol", "seed", speaks="bitcoin"), severity="warning"
        ),
    },
    near_misses={
        "one peer alone": row(
            node(*at(8333, 1)).fails(at(8333, 1), "not_our_protocol", "seed", speaks="bitcoin"),
            instead="wrong_port_published",
        ),
        "several of one network": row(closes([f"203.9.{number}.9:8333" for number in range(4)]), instead="seeds_down"),
        "a portal that speaks HTTP": row(
            node(*peers(3)).fails(peers(3), "not_our_protocol", "seed", speaks="http"), instead="middlebox"
        ),
        "resets on ports of our own network": row(
            node(*peers(3)).fails(peers(3), "connection_reset", "seed", phase="handshake", bytes_received=0),
            instead="middlebox",
        ),
        "resets on ports of our own network and on others": row(
            closes([*at(8333), *peers(3, 20)], "connection_reset"), instead="middlebox"
        ),
        "a program of Bitcoin whose peers reset": row(
            closes(at(8333), "connection_reset", World()), instead="middlebox"
        ),
        "a network of ours that uses that port": row(
            closes(at(8333), world=node(*at(8333)).session(at(8333, 1, 99)[0]), source="gossip")
        ),
        "peers that worked on that port": row(
            closes(at(8333), world=node(*at(8333)).works(at(8333), "seed", ago_s=400))
        ),
        "nobody listens there": row(
            node(*at(8333)).fails(at(8333), "connection_refused", "seed"), instead="seeds_down"
        ),
        "nobody answers at all": row(node(*at(8333)).fails(at(8333), "timeout", "seed")),
        "they answered in our protocol": row(
            node(*at(8333)).fails(at(8333), "genesis_mismatch", "seed"), instead="wrong_network"
        ),
        "machines that vanished after they had accepted": row(
            node(*at(8333)).fails(at(8333), "handshake_timeout", "seed", bytes_received=0, unacknowledged=2)
        ),
        "large packets get lost on the way": row(
            node(*at(8333)).fails(at(8333), "handshake_timeout", "seed", bytes_received=0, large_segments_lost="sent"),
            instead="path_mtu",
        ),
    },
)

TABLES = (FOREIGN,)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


@pytest.mark.parametrize("reason", ["remote_closed", "connection_reset", "handshake_timeout"])
def test_live_peers_of_another_network_are_neither_down_nor_behind_a_middlebox(reason):
    assert codes(closes(at(8333, 6), reason)) == ["foreign_network"]


def test_silence_alone_never_makes_it_certain():
    found = finding_of(closes(at(8333, 40)).diagnosis(), "foreign_network")
    assert found.confidence == 0.8
