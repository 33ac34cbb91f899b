"""What the resolver of this machine does to names: it answers, and its answers lead nowhere."""

from __future__ import annotations

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
from tests.diagnosis.world import World, names, peer, peers

UNRELATED = names(4)
RELATED = [f"seed{number}.network.example:7072" for number in range(1, 5)]
NODE = World().with_node(seeds=[*UNRELATED, *RELATED])


def leads(addrs, *to, reason="timeout", world=NODE, phase=None, **more):
    """A world in which names lead to these addresses, and nobody of ours is there."""
    return world.fails(addrs, reason, "seed", phase=phase, resolved_to=list(to), **more)


FILTERED = Table(
    "dns_filtered",
    raised={
        "a block list that answers 0.0.0.0": row(
            leads(names(3), "0.0.0.0", reason="invalid_ipv4_endpoint", phase="resolve"),
            first=True,
            severity="critical",
            blame="us",
            says="answers for 3 names with 0.0.0.0, which is no machine",
            does="nslookup seed1.example 9.9.9.9",
            affected_peers=3,
        ),
        "one seed alone, and the answer is 0.0.0.0": row(
            leads(names(1), "0.0.0.0", "::", reason="invalid_ipv4_endpoint", phase="resolve")
        ),
        "0.0.0.0 for a program without policy, which dials itself": row(
            leads(names(2), "0.0.0.0", reason="connection_refused", world=World()), severity="warning"
        ),
        "a portal that answers for every name": row(
            leads(names(3), "10.1.1.1", reason="not_our_protocol", phase="handshake", speaks="http"),
            first=True,
            says="one and the same address, 10.1.1.1",
            does="curl -si http://10.1.1.1/",
        ),
        "a portal that policy keeps us from": row(
            leads(names(3), "10.1.1.1", reason="private_ip_blocked", phase="resolve"), first=True
        ),
        "one address where nothing listens on our port": row(
            leads(names(3), "203.0.113.1", reason="connection_refused"), first=True
        ),
        "one silent address for unrelated names": row(leads(names(3), "203.0.113.1")),
        "unrelated names lead to this machine": row(
            leads(names(2), "127.0.0.1", reason="loopback_blocked", phase="resolve"), says="an address of this machine"
        ),
        "most names lead nowhere, and one does not": row(
            leads(names(3), "0.0.0.0", reason="invalid_ipv4_endpoint", phase="resolve").works("other.example:7072")
        ),
        "no name exists, while an address answers": row(
            NODE.fails(UNRELATED, "dns_not_found", "seed").fails(peer(1), "connection_refused"),
            says="with no such name, while peers with IP addresses answer",
            confidence=0.5,
        ),
        "the resolver is known": row(
            leads(names(2), "0.0.0.0").on(nameservers=("192.168.1.1",)),
            does="The resolver is 192.168.1.1: ask its operator to take seed1.example off",
        ),
    },
    near_misses={
        "names of one domain on one dead machine": row(leads(RELATED, "203.0.113.1"), instead="seeds_down"),
        "names that lead to machines of their own": row(
            leads(names(1), "203.0.113.1").fails(names(2)[1:], "timeout", "seed", resolved_to=["203.9.113.2"]),
            instead="seeds_down",
        ),
        "a seed of a local network": row(
            leads(names(1), "10.0.0.7", reason="private_ip_blocked", phase="resolve"), instead="seeds_misconfigured"
        ),
        "one dead name among several that lead somewhere": row(
            NODE.fails(names(1), "dns_not_found", "seed").works(names(3)[1:], "seed")
        ),
        "dead names of one domain": row(NODE.fails(RELATED, "dns_not_found", "seed"), instead="seeds_misconfigured"),
        "dead names that a peer handed out": row(NODE.fails(["a.test:7072", "b.invalid:7072"], "dns_not_found")),
        "a resolver that does not answer": row(NODE.fails(names(3), "dns_timeout", "seed"), instead="dns_broken"),
        "our own machine by its usual name": row(
            leads(["localhost:7072", "x.localhost:7072"], "127.0.0.1", reason="connection_refused")
        ),
        "half of the names": row(
            leads(names(2), "0.0.0.0", reason="invalid_ipv4_endpoint", phase="resolve").works(
                ["a.example.org:7072", "b.example.net:7072"]
            )
        ),
        "one machine for two names, of which one works": row(
            leads(names(1), "203.0.113.1").works(names(2)[1:], "seed")
        ),
        "addresses in place of names": row(NODE.fails(peers(4), "timeout", "seed")),
        "nobody recorded where the names led": row(NODE.fails(names(3), "timeout", "seed"), instead="seeds_down"),
        "a program put something else there": row(NODE.fails(names(3), "timeout", "seed", resolved_to=7)),
    },
)

TABLES = (FILTERED,)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_a_filter_hides_what_the_seeds_seem_to_be():
    for world in (
        leads(names(3), "0.0.0.0", reason="invalid_ipv4_endpoint", phase="resolve"),
        leads(names(3), "10.1.1.1", reason="private_ip_blocked", phase="resolve"),
        leads(names(3), "203.0.113.1", reason="not_our_protocol", phase="handshake", speaks="http"),
        leads(names(3), "203.0.113.1", reason="connection_refused"),
    ):
        assert codes(world) == ["dns_filtered"]


def test_where_no_name_exists_the_list_may_be_dead_too():
    found = finding_of(NODE.fails(UNRELATED, "dns_not_found", "seed").diagnosis(), "dns_filtered")
    assert str(found.title) == "The resolver of this machine knows none of the 4 names of peers"
    assert "nslookup" in done(found)
    assert "correct the list of seeds" in done(found)
