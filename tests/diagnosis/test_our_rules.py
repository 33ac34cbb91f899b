"""What this side keeps from being dialed by its own rules: bans, address families, limits."""

from __future__ import annotations

from tests.diagnosis.table import Table, check_near_miss, check_raised, done, finding_of, near_misses, raised, row
from tests.diagnosis.world import HOUR, MINUTE, World, peer, peers, peers6, seed

NODE = World().with_node()


def banned(addrs, rule="203.0.0.0/8", world=NODE, **more):
    """A world in which a ban keeps us from `addrs`."""
    for addr in [addrs] if isinstance(addrs, str) else addrs:
        world = world.reports(addr, "banned_local", "seed", evidence={"rule": rule}, **more)
    return world


RULES = Table(
    "own_rules",
    raised={
        "bans that cover all seeds": row(
            banned(peers(3), world=World().with_node(seeds=peers(3), known=0)),
            first=True,
            severity="critical",
            blame="us",
            says="forbid all 3 that it could dial: 3 peers are on the ban list",
            does="Remove 203.0.0.0/8 from bans",
            affected_peers=3,
        ),
        "a ban on the only seed": row(
            banned(peer(1), peer(1), World().with_node(seeds=[peer(1)], known=0)), says="forbid the only one"
        ),
        "bans on all that the book has": row(
            banned(peers(2), world=World().with_node(known=0)), first=True, severity="critical"
        ),
        "bans on most of the peers, with too few sessions": row(
            banned(peers(9), world=World().with_node(known=0)).session(peers(2, 50)), severity="warning"
        ),
        "bans on most of the peers, and half of the wanted ones connected": row(
            banned(peers(9), world=World().with_node(known=0)).session(peers(4, 50)), severity="info"
        ),
        "identities that turned out to be banned once they were dialed": row(
            World()
            .with_node(seeds=peers(2), known=2)
            .fails(peers(2), "banned_local", "seed", phase="handshake", rule="ab" * 32),
            first=True,
            says="all 2 that it could dial",
        ),
        "nothing but IPv6 by gossip, and ipv4_only": row(
            World().with_node(known=0).skips(peers6(5), "ipv6_blocked"),
            does="ipv4_only = false",
            first=True,
            severity="critical",
        ),
        "no place for a dial": row(
            World().with_node(known=4).reports(peers(4), "slots_full", evidence={"rule": "max_peers", "limit": 0}),
            does="Raise max_peers",
        ),
        "a program that skips all that it knows": row(
            World().skips(peers(3), "banned_local"), severity="warning", does="lift the ban"
        ),
    },
    near_misses={
        "a ban on one peer of several": row(banned(peer(1), world=World().with_node(known=3)).session(peers(2, 2))),
        "it wants no more peers": row(
            banned(peers(9), world=World().with_node(target_peers=2, known=0)).session(peers(2, 50))
        ),
        "bans on most, but others are being tried": row(
            banned(peers(2), world=World().with_node(known=5)).fails(peers(5, 10), "timeout")
        ),
        "private seeds": row(
            World()
            .with_node(seeds=[seed("10.0.0.1:7072", "private_ip_blocked")], known=0)
            .skips("10.0.0.1:7072", "private_ip_blocked", "seed"),
            instead="seeds_misconfigured",
        ),
        "private addresses by gossip": row(
            World().with_node(known=0).skips(["10.0.0.1:7072", "10.0.0.2:7072"], "private_ip_blocked", via=peer(1)),
            instead="private_addresses_gossiped",
        ),
        "nobody to dial at all": row(World().with_node(known=0), instead="nobody_to_dial"),
        "all dials in flight are slow, and the others wait for a place": row(
            World().with_node(known=6).dialing(peers(4)).skips(peers(2, 5), "slots_full")
        ),
        "a place was found since": row(
            World().with_node(known=3).skips(peers(3), "slots_full", ago_s=60).fails(peers(3), "timeout")
        ),
        "a ban of long ago": row(
            World().with_node(known=0, seeds=[peer(1)]).skips(peer(1), "banned_local", ago_s=HOUR)
        ),
        "a program that has peers": row(World().works(peers(2)).skips(peers(9, 10), "banned_local")),
        "a peer whose ban was lifted, and that connected": row(
            World().with_node(known=0).skips(peer(1), "banned_local", ago_s=2 * MINUTE).session(peer(1))
        ),
    },
)

TABLES = (RULES,)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_a_ban_that_the_program_recorded_without_its_entry_is_named_by_the_peer():
    found = finding_of(World().with_node(known=0).skips(peers(2), "banned_local").diagnosis(), "own_rules")
    assert "--reason banned_local" in done(found)
    assert "Remove " not in done(found)
