"""What blocks all dials here: no network, a filter of our own or at the first hop, IPv6, the resolver."""

from __future__ import annotations

import pytest

from nocarrier import DialTracker, Fault, Reason
from nocarrier.diagnosis import CAUSES, derive, diagnose
from nocarrier.model.taxonomy import Blame, Phase
from tests.diagnosis.table import Table, check_near_miss, check_raised, codes, finding_of, near_misses, raised, row
from tests.diagnosis.world import (
    GATEWAY,
    HOUR,
    MINUTE,
    NO_ROUTE,
    NOW,
    World,
    icmp,
    names,
    neighbours,
    peer,
    peers,
    peers6,
)

NODE = World().with_node()
OFFLINE = World().with_node(offline=True)
HERE = {"has_default_ipv4": True, "gateways": (GATEWAY,)}
PROHIBITED = (3, 13)

OFFLINE_TABLE = Table(
    "offline",
    raised={
        "no route out, and nobody has answered since": row(
            OFFLINE.fails(peers(3), "network_unreachable", took_s=0.0, **NO_ROUTE),
            first=True,
            severity="critical",
            blame="us",
            affected_peers=3,
            says="no route to 3 networks",
        ),
        "two unrelated networks silent, and the node's guard says so": row(
            OFFLINE.fails(peers(2), "timeout"), first=True, severity="critical", says="2 peers in 2 networks"
        ),
        "all sessions fell silent and nothing was dialed yet": row(OFFLINE, first=True, severity="critical"),
        "no interface is up": row(
            OFFLINE.fails(peers(2), "network_unreachable", took_s=0.0, **NO_ROUTE).on(
                interfaces_up=(), interfaces_down=("eth0", "wlan0")
            ),
            does="ip link set eth0 up",
        ),
        "the default route is gone": row(
            OFFLINE.fails(peers(2), "network_unreachable", took_s=0.0, **NO_ROUTE).on(
                interfaces_up=("eth0",), has_default_ipv4=False
            ),
            does="ip route add default via",
        ),
        "the gateway is there and its uplink is not": row(
            OFFLINE.fails(peers(4), "network_unreachable", **icmp(3, 0, GATEWAY)).on(**HERE),
            does=f"ping -c 3 {GATEWAY}",
        ),
        "a program without a node lost all that worked": row(
            World().works(peers(4), ago_s=10 * MINUTE).fails(peers(4), "timeout"), severity="critical"
        ),
        "a fresh program without a node, silence everywhere": row(World().fails(peers(3), "timeout")),
        "a program that records nothing but failures, without how long they took": row(
            World().reports(peers(6), "timeout", "seed"), first=True, hides=("seeds_down", "peer_down")
        ),
        "working peers went silent, in dials without durations": row(
            World().reports(peers(4), None, ago_s=3 * MINUTE).reports(peers(4), "timeout")
        ),
        "a program without a node and without a route": row(
            World().fails(peer(1), "network_unreachable", took_s=0.0, **NO_ROUTE), first=True
        ),
    },
    near_misses={
        "one silent network is that network": row(
            World().works(peers(2), ago_s=10 * MINUTE).fails(neighbours(4), "timeout"), instead="peer_down"
        ),
        "something answered while they were silent": row(
            World().fails(peers(3), "timeout", ago_s=20).fails(peer(4), "connection_refused", ago_s=25),
            instead="peer_down",
        ),
        "something answered at about the unrecorded time when they began": row(
            World().reports(peers(3), "timeout", ago_s=20).reports(peer(4), "connection_refused", ago_s=25),
            instead="peer_down",
        ),
        "something answered two minutes before the kernel gave up on them": row(
            World()
            .reports(peers(3), "timeout", evidence={"errno": "ETIMEDOUT"})
            .reports(peer(4), "connection_refused", ago_s=2 * MINUTE),
            instead="peer_down",
        ),
        "the node's guard has heard a peer": row(NODE.session(peer(9)).fails(peers(6), "timeout"), instead="peer_down"),
        "stable sessions of a program without a node, and two peers that are gone": row(
            World()
            .works(peers(6), ago_s=2 * HOUR)
            .works(peers(2, first=20), ago_s=3 * HOUR)
            .fails(peers(2, first=20), "timeout"),
            instead="peer_down",
        ),
        "a crawler that meets mostly dead addresses": row(
            World().fails(peers(150), "timeout", ago_s=3).works(peers(5, first=160), ago_s=8),
        ),
        "far routers answer with errors, so packets do get out": row(
            OFFLINE.fails(peer(1), "network_unreachable", **icmp(3, 0, "198.51.100.1"))
            .fails(peer(2), "network_unreachable", **icmp(3, 0, "198.51.100.2"))
            .on(**HERE)
        ),
        "our own firewall explains all of it": row(
            OFFLINE.fails(peers(3), "timeout", decided_by="local", syn_retransmits=3), instead="outbound_blocked"
        ),
        "only IPv6 has no way out": row(
            NODE.session(peer(1)).fails(peers6(2), "network_unreachable", took_s=0.0, **NO_ROUTE), instead="ipv6_broken"
        ),
    },
)

OUTBOUND_TABLE = Table(
    "outbound_blocked",
    raised={
        "EPERM from a sandbox": row(
            NODE.fails(peers(2), "permission_denied", took_s=0.0, errno="EPERM", decided_by="local"),
            first=True,
            blame="us",
            severity="critical",
            does="sandbox of its service",
            affected_peers=2,
        ),
        "a prohibit route to one network": row(
            NODE.session(peers(3))
            .fails(peer(9), "permission_denied", errno="EACCES", decided_by="local")
            .on(reject_routes=("203.0.0.0/8", "203.9.0.0/16", "2001:db8::/32")),
            first=True,
            severity="warning",
            does="ip route del prohibit 203.9.0.0/16",
        ),
        "a blackhole route": row(
            NODE.session(peer(1)).fails(peer(9), "route_blackhole", errno="EINVAL", decided_by="local"), does="ip route"
        ),
        "an unreachable route beside a default route": row(
            NODE.session(peer(1)).fails(peer(9), "network_unreachable", **NO_ROUTE).on(**HERE), says="This machine"
        ),
        "our own output rules drop what we send": row(
            NODE.fails(peers(2), "timeout", decided_by="local", syn_retransmits=3), does="nft list ruleset"
        ),
        "a sandbox without IPv4 sockets": row(
            NODE.fails(peers(2), "family_unavailable", errno="EAFNOSUPPORT", decided_by="local"),
            does="RestrictAddressFamilies",
        ),
        "one hop forbids two unrelated peers": row(
            NODE.fails(peers(2), "host_unreachable", **icmp(*PROHIBITED, "10.9.9.1")),
            first=True,
            blame="path",
            says="10.9.9.1 refuses dials to 2 peers in 2 networks",
            does="operator of 10.9.9.1",
            hides=("peer_firewalled",),
        ),
        "our gateway forbids a single peer": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", **icmp(*PROHIBITED, GATEWAY)).on(**HERE),
            blame="path",
        ),
        "all that worked is silent at once while sessions live": row(
            NODE.session(peer(1)).works(peers(3, first=10), ago_s=10 * MINUTE).fails(peers(3, first=10), "timeout"),
            first=True,
            confidence=0.88,
            does="New connections",
        ),
    },
    near_misses={
        "one hop forbids one peer": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", **icmp(*PROHIBITED, "198.51.100.1")),
            instead="peer_firewalled",
        ),
        "one hop forbids neighbours of one network": row(
            NODE.session(peer(1)).fails(neighbours(4), "host_unreachable", **icmp(*PROHIBITED, "198.18.0.1")),
            instead="peer_firewalled",
        ),
        "each peer's own machine forbids it": row(
            NODE.session(peer(1))
            .fails(peer(8), "host_unreachable", **icmp(*PROHIBITED, "203.8.0.9"))
            .fails(peer(9), "host_unreachable", **icmp(*PROHIBITED, "203.9.0.9")),
            instead="peer_firewalled",
        ),
        "two that worked are silent, and one more is needed": row(
            NODE.session(peer(1)).works(peers(2, first=10), ago_s=10 * MINUTE).fails(peers(2, first=10), "timeout"),
            instead="peer_down",
        ),
        "silent peers of an old peer book never worked in this run": row(
            NODE.session(peer(1)).fails(peers(6, first=10), "timeout", "peer_book"), instead="stale_source"
        ),
        "a refusal came back since, so dials do get out": row(
            NODE.session(peer(1))
            .works(peers(3, first=10), ago_s=10 * MINUTE)
            .fails(peers(3, first=10), "timeout", ago_s=30)
            .fails(peer(20), "connection_refused", ago_s=35),
            instead="peer_down",
        ),
        "their sessions fell silent too": row(
            NODE.with_node(lost=peers(3, first=10))
            .session(peer(1))
            .works(peers(3, first=10), ago_s=10 * MINUTE)
            .fails(peers(3, first=10), "timeout"),
            instead="partition",
        ),
        "IPv6 sockets cannot be made, IPv4 ones can": row(
            NODE.session(peer(1)).fails(peers6(2), "family_unavailable", errno="EAFNOSUPPORT", decided_by="local"),
            instead="ipv6_broken",
        ),
        "no default route at all": row(
            OFFLINE.fails(peers(2), "network_unreachable", **NO_ROUTE).on(has_default_ipv4=False), instead="offline"
        ),
    },
)

IPV6_TABLE = Table(
    "ipv6_broken",
    raised={
        "this machine has no IPv6 route": row(
            NODE.session(peer(1)).fails(peers6(1), "network_unreachable", took_s=0.0, **NO_ROUTE),
            first=True,
            severity="warning",
            blame="us",
            does="ipv4_only = true",
            says="1 peer cannot be reached",
        ),
        "eight unrelated IPv6 peers silent": row(
            NODE.session(peer(1)).fails(peers6(8), "timeout"), first=True, affected_peers=8, says="8 peers"
        ),
        "IPv6 is off in the kernel": row(
            World().works(peer(1)).fails(peers6(2), "family_unavailable", errno="EAFNOSUPPORT", decided_by="local"),
            says="2 peers",
        ),
    },
    near_misses={
        "one IPv6 peer that was dialed five hundred times": row(
            NODE.session(peer(1)).fails(peers6(1), "timeout", times=500, ago_s=10), instead="peer_down"
        ),
        "seven are silent": row(NODE.session(peer(1)).fails(peers6(7), "timeout"), instead="peer_down"),
        "eight peers of one network": row(
            NODE.session(peer(1)).fails([f"[2001:db8:{n:x}::9]:7072" for n in range(1, 9)], "timeout"),
            instead="peer_down",
        ),
        "one IPv6 peer works": row(
            NODE.session(peer(1)).works("[2a00::1]:7072", ago_s=MINUTE).fails(peers6(9), "timeout"), instead="peer_down"
        ),
        "one IPv6 machine refuses, and so answers": row(
            NODE.session(peer(1)).fails("[2a00::1]:7072", "connection_refused").fails(peers6(9), "timeout"),
            instead="peer_down",
        ),
        "IPv4 does not work either": row(
            OFFLINE.fails(peers6(9), "timeout").fails(peers(2), "timeout"), instead="offline"
        ),
    },
)

DNS_TABLE = Table(
    "dns_broken",
    raised={
        "two names, no answer": row(
            NODE.fails(names(2), "dns_timeout", "seed"),
            first=True,
            blame="us",
            severity="critical",
            says="does not answer: 2 names",
            does="getent ahosts seed1.example",
        ),
        "two names while addresses work": row(
            NODE.session(peers(3)).fails(names(2), "dns_temporary"), first=True, severity="warning", says="fails"
        ),
        "addresses are dialed meanwhile, which need no resolver": row(
            World().works(peer(8), ago_s=5).fails(peer(9), "timeout", ago_s=3).fails(names(2), "dns_timeout", ago_s=30)
        ),
        "another name was looked up before, though its dial ended later": row(
            NODE.session(peer(1))
            .fails("seed9.example:7072", "timeout", ago_s=5, took_s=10)
            .fails(names(2), "dns_timeout", ago_s=12, took_s=1),
        ),
        "the only seed is a name": row(
            World().with_node(seeds=names(1)).fails(names(1), "dns_temporary", "seed"), first=True, severity="critical"
        ),
    },
    near_misses={
        "one name of many peers": row(
            NODE.session(peers(3)).fails(names(1), "dns_temporary", times=50), instead="unexplained"
        ),
        "another name was found since": row(
            NODE.fails(names(2), "dns_temporary", ago_s=60).works("seed9.example:7072", ago_s=10), instead="unexplained"
        ),
        "the resolver says since that another name does not exist": row(
            NODE.fails(names(2), "dns_temporary", ago_s=60).fails("gone.example:7072", "dns_not_found", ago_s=10),
            instead="unexplained",
        ),
        "a name was looked up since, though nobody answers there": row(
            NODE.session(peer(1))
            .fails(names(2), "dns_temporary", ago_s=60)
            .fails("seed9.example:7072", "timeout", ago_s=10),
            instead="unexplained",
        ),
        "names that do not exist are not the resolver's fault": row(
            NODE.session(peer(1)).fails(names(3), "dns_not_found"), instead="unexplained"
        ),
    },
)

TABLES = (OFFLINE_TABLE, OUTBOUND_TABLE, IPV6_TABLE, DNS_TABLE)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_a_program_that_only_begins_and_fails_dials_learns_that_it_is_offline():
    now = [NOW]
    tracker = DialTracker(clock=lambda: now[0])
    tracker.record_success(peer(9), "seed")
    tracker.record(peer(9), "connection_refused", "seed")  # the last that was ever heard
    now[0] += 1.0
    dials = [tracker.begin(addr, "seed") for addr in peers(6)]
    now[0] += 3.0
    for dial_id in dials:
        tracker.fail(dial_id, Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH))
    [first, *_] = diagnose(derive(tracker.latest()), CAUSES).findings
    assert (first.code, first.affected_peers) == ("offline", 6)


@pytest.mark.parametrize(
    "world",
    [
        OFFLINE.fails(names(3), "dns_temporary", "seed"),
        OFFLINE.fails(peers(1), "network_unreachable", took_s=0.0, **NO_ROUTE).fails(names(3), "dns_temporary", "seed"),
        World().fails(names(2), "dns_temporary", "seed").on(interfaces_up=()),
    ],
    ids=["names only", "beside an address", "a program without a node and a machine without a link"],
)
def test_look_ups_that_fail_during_an_outage_belong_to_it(world):
    assert codes(world) == ["offline"]


def test_a_node_of_names_that_is_offline_says_what_it_saw():
    [found] = OFFLINE.fails(names(3), "dns_temporary", "seed").diagnosis().findings
    assert "3 names could not be looked up, and nothing has answered since" in str(found.summary)


def test_offline_hides_its_consequences():
    world = OFFLINE.with_node(offline=True, seeds=peers(3)).fails(peers(3), "timeout", "seed")
    assert codes(world) == ["offline"]
    assert set(finding_of(world.diagnosis(), "offline").hides) >= {"seeds_down", "peer_down"}


def test_a_fault_with_its_own_evidence_is_reported_beside_offline():
    world = OFFLINE.fails(peers(3), "timeout").fails(peer(9), "version_mismatch", ago_s=HOUR)
    assert codes(world)[0] == "offline"
    assert len(codes(world)) == 2


def test_for_ipv6_it_reports_which_dials_were_refused_here_and_which_were_silent():
    world = NODE.session(peer(1)).fails(peers6(2), "network_unreachable", took_s=0.0, **NO_ROUTE)
    [local] = finding_of(world.diagnosis(), "ipv6_broken").evidence
    assert (str(local.statement), local.count) == (
        "peers could not be dialed because this machine has no IPv6 route or address",
        2,
    )
    both = finding_of(world.fails("[2a00::1]:7072", "timeout").diagnosis(), "ipv6_broken").evidence
    assert [(str(item.statement), item.count) for item in both] == [
        ("peers could not be dialed because this machine has no IPv6 route or address", 2),
        ("peer gave no answer over IPv6", 1),
    ]  # fmt: skip


def test_a_missing_ipv6_route_is_evidence():
    world = NODE.session(peer(1)).fails(peers6(8), "timeout")
    statements = {
        known: [
            str(item.statement)
            for item in finding_of(world.on(has_default_ipv6=known).diagnosis(), "ipv6_broken").evidence
        ]
        for known in (True, False, None)
    }
    assert statements[True] == statements[None] == ["peers gave no answer over IPv6"]
    assert statements[False] == ["peers gave no answer over IPv6", "default routes for IPv6 in the route table"]


def test_two_names_raise_the_confidence_in_a_broken_resolver():
    one, two = (
        World().with_node(seeds=names(count)).fails(names(count), "dns_timeout", "seed").diagnosis() for count in (1, 2)
    )
    assert finding_of(one, "dns_broken").confidence < 0.6 < finding_of(two, "dns_broken").confidence


def test_more_unrelated_networks_raise_the_confidence_in_a_local_refusal():
    def confidence(addrs):
        world = NODE.fails(addrs, "permission_denied", errno="EPERM", decided_by="local")
        return finding_of(world.diagnosis(), "outbound_blocked").confidence

    assert confidence(peers(1)) < confidence(neighbours(3)) < confidence(peers(3))
