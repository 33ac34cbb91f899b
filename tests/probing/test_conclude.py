"""What the facts of probes say, and which cause they support: no more than the evidence shows."""

from __future__ import annotations

import dataclasses

import pytest

from nocarrier.diagnosis import CAUSES
from nocarrier.model.fault import Evidence, IcmpEvidence
from nocarrier.model.probe import Answer, Gateway, Lookup, ProbeFacts, ResolverCheck, Route, Target
from nocarrier.model.taxonomy import Reason
from nocarrier.probing.conclusions import conclude
from testbed.probe_facts import (
    ADDR,
    GATEWAY,
    ON_LINK,
    REFUSED,
    SILENT,
    UP_ON_22,
    WAY_OUT,
    icmp,
    port,
    redial,
    target,
    trace,
)

LOOKS = {cause.code: cause.looks for cause in CAUSES}

TARGETS = {
    "connected": (target(redial(None)), "it accepts connections now, after 12.3 ms.", None),
    "connected to a proxy": (
        target(redial(None), trace=trace(end=Answer.CONNECTED)),
        "something before the first router answers in its stead: a transparent proxy.",
        "middlebox",
    ),
    "connected on our own link": (
        target(redial(None), trace=trace(end=Answer.CONNECTED), route=ON_LINK),
        "it accepts connections now, after 12.3 ms.",
        None,
    ),
    "refused": (target(REFUSED), "it refuses port 7072 with a RST, as hosts do where nothing listens.", "peer_down"),
    "refused, other port": (
        target(REFUSED, other_ports=UP_ON_22, trace=trace(GATEWAY, end=Answer.REFUSED)),
        "it refuses port 7072 with a RST, as hosts do where nothing listens, though it accepts connections on port 22.",
        "peer_down",
    ),
    "refused before any router": (
        target(REFUSED, trace=trace(end=Answer.REFUSED)),
        "refused before the first router: by a firewall rule of this machine, or by the gateway.",
        "outbound_blocked",
    ),
    "refused by ourselves": (
        target(dataclasses.replace(REFUSED, counters={"Tcp.OutRsts": 1})),
        "this machine itself refused (it sent a RST): a redirect rule or a proxy here takes the connection.",
        "outbound_blocked",
    ),
    "refused while others dialed": (
        target(dataclasses.replace(REFUSED, counters={"Tcp.OutRsts": 1}, is_alone=False)),
        "it refuses port 7072 with a RST, as hosts do where nothing listens.",
        "peer_down",
    ),
    "refused, our own address": (
        target(dataclasses.replace(REFUSED, counters={"Tcp.OutRsts": 1}), is_own=True, route=ON_LINK),
        "it refuses port 7072 with a RST, as hosts do where nothing listens.",
        "peer_down",
    ),
    "our route": (
        target(
            redial(Reason.PERMISSION_DENIED, Evidence(errno="EACCES", decided_by="local")),
            route=Route(network="203.0.113.0/24", gateway=None, rejects=True),
        ),
        "the route 203.0.113.0/24 of this machine refuses it (unreachable, prohibit or blackhole).",
        "outbound_blocked",
    ),
    "our reject": (
        target(
            redial(
                Reason.CONNECTION_REFUSED,
                Evidence(errno="ECONNREFUSED", decided_by="local", icmp=IcmpEvidence(type=3, code=3, hop="198.18.1.2")),
            )
        ),
        "a firewall rule of this machine refuses it with an ICMP error.",
        "outbound_blocked",
    ),
    "our drop": (
        target(redial(Reason.TIMEOUT, Evidence(syn_retransmits=1, decided_by="local"))),
        "a firewall rule of this machine drops it: the kernel could not send the SYN again.",
        "outbound_blocked",
    ),
    "sandbox": (
        target(redial(Reason.PERMISSION_DENIED, Evidence(errno="EPERM", decided_by="local"))),
        "connect() itself is refused here (permission_denied).",
        "outbound_blocked",
    ),
    "no route": (
        target(redial(Reason.NETWORK_UNREACHABLE, Evidence(errno="ENETUNREACH", decided_by="local")), route=None),
        "this machine has no route to it.",
        "offline",
    ),
    "no route, IPv6": (
        target(
            redial(Reason.NETWORK_UNREACHABLE, Evidence(errno="ENETUNREACH", decided_by="local")),
            "[2001:db8::7]:7072",
            route=None,
        ),
        "this machine has no route to it.",
        "ipv6_broken",
    ),
    "no descriptors": (
        target(redial(Reason.FD_EXHAUSTED, Evidence(errno="EMFILE", decided_by="local"))),
        "this machine cannot dial it now (fd_exhausted).",
        "local_exhaustion",
    ),
    "prohibited on the way": (
        target(icmp(3, 13, "198.18.3.1"), trace=trace(GATEWAY, "198.18.2.1", "198.18.3.1", end=Answer.UNREACHABLE)),
        "198.18.3.1 (hop 3) answers that a rule forbids the connection.",
        "peer_firewalled",
    ),
    "prohibited by our gateway": (
        target(icmp(3, 13, GATEWAY)),
        f"our gateway {GATEWAY} answers that a rule forbids the connection.",
        "outbound_blocked",
    ),
    "rejected by its host": (
        target(icmp(3, 3, "203.0.113.7", Reason.CONNECTION_REFUSED)),
        "its host answers that a rule forbids the connection.",
        "peer_firewalled",
    ),
    "no host there": (
        target(icmp(3, 1, "198.18.3.1")),
        "198.18.3.1 answers that no such host is on its link.",
        "peer_down",
    ),
    "no network there": (
        target(icmp(3, 0, "198.18.3.1", Reason.NETWORK_UNREACHABLE)),
        "198.18.3.1 has no route to its network.",
        None,
    ),
    "loop": (
        target(icmp(11, 0, "198.18.3.1")),
        "packets to it circle between routers until 198.18.3.1 drops them.",
        None,
    ),
    "odd ICMP": (
        target(icmp(3, 5, "198.18.3.1")),
        "198.18.3.1 answers with an ICMP error (host_unreachable).",
        None,
    ),
    "gateway gone": (
        target(redial(Reason.HOST_UNREACHABLE, Evidence(no_neighbour=True, decided_by="network"))),
        f"our gateway {GATEWAY} does not answer on its link.",
        "offline",
    ),
    "neighbour gone": (
        target(redial(Reason.TIMEOUT, Evidence(no_neighbour=True)), route=ON_LINK),
        "nobody on our link answers for its address.",
        "peer_down",
    ),
    "rp_filter": (
        target(dataclasses.replace(SILENT, counters={"TcpExt.IPReversePathFilter": 2})),
        "it answers, and this machine throws the answers away: rp_filter wants them by another interface.",
        "outbound_blocked",
    ),
    "damaged": (
        target(dataclasses.replace(SILENT, counters={"Tcp.InCsumErrors": 2})),
        "it answers, and the answers come damaged (wrong TCP checksums).",
        None,
    ),
    "own accept queue": (
        target(dataclasses.replace(SILENT, counters={"TcpExt.ListenOverflows": 2}), is_own=True, route=ON_LINK),
        "its accept queue is full: the program does not take its connections.",
        "peer_overloaded",
    ),
    "another program's accept queue": (
        target(dataclasses.replace(SILENT, counters={"TcpExt.ListenOverflows": 2})),
        "nothing answers.",
        None,
    ),
    "counters while others dialed": (
        target(dataclasses.replace(SILENT, counters={"TcpExt.IPReversePathFilter": 2}, is_alone=False)),
        "nothing answers.",
        None,
    ),
    "one port dropped": (
        target(SILENT, other_ports=UP_ON_22, trace=trace(GATEWAY, None, "198.18.3.1", None, None)),
        "its host answers on port 22, and something drops port 7072: a firewall beyond 198.18.3.1 (hop 3).",
        "peer_firewalled",
    ),
    "everything dropped": (
        target(SILENT, other_ports=(port(22, Answer.SILENT),), trace=trace(GATEWAY, "198.18.2.1", None)),
        "nothing answers beyond 198.18.2.1 (hop 2).",
        None,
    ),
    "everything dropped behind our gateway": (
        target(SILENT, trace=trace(GATEWAY, None, None)),
        f"nothing answers beyond our gateway {GATEWAY} (hop 1).",
        None,
    ),
    "no hop at all": (
        target(SILENT, trace=trace(None, None)),
        f"nothing answers, and the first hop, {GATEWAY}, is silent too.",
        None,
    ),
    "no trace": (target(SILENT), "nothing answers.", None),
}
"""What was seen of one peer, what that says, and the cause that it supports."""


@pytest.mark.parametrize("case", TARGETS)
def test_one_peer(case):
    seen, text, suggests = TARGETS[case]

    [statement] = conclude(LOOKS["peer_down"], ProbeFacts(way_out=WAY_OUT, targets=(seen,)))

    assert (str(statement.text), statement.suggests) == (f"{seen.addr}: {text}", suggests)
    assert statement.addr == seen.addr


def test_suggested_causes_exist():
    assert {suggests for _, _, suggests in TARGETS.values() if suggests} <= {cause.code for cause in CAUSES}


def test_a_peer_that_was_not_probed_says_why():
    blocked = Target(addr="10.0.0.1:7072", blocked=Reason.PRIVATE_IP_BLOCKED, blocked_detail="10.0.0.1 is private")
    late = Target(addr=ADDR, ip="203.0.113.7")

    texts = [str(statement.text) for statement in conclude(LOOKS["peer_down"], ProbeFacts(targets=(blocked, late)))]

    assert texts == [
        "10.0.0.1:7072 was not probed: 10.0.0.1 is private.",
        f"{ADDR} was not dialed: the time was over.",
    ]


# ---- what peers have in common --------------------------------------------------------------------------------------


def dropped(addr: str) -> Target:
    return target(SILENT, addr, other_ports=UP_ON_22)


def test_a_port_silent_at_unrelated_hosts_that_are_up_is_dropped_on_our_side():
    facts = ProbeFacts(way_out=WAY_OUT, targets=(dropped("203.0.113.7:7072"), dropped("192.0.2.7:7072")))

    first, *each = conclude(LOOKS["seeds_down"], facts)

    assert str(first.text).startswith("Port 7072 is silent at 2 hosts of unrelated networks")
    assert first.suggests == "outbound_blocked"
    assert [statement.suggests for statement in each] == [None, None]


def test_which_hosts_are_of_unrelated_networks_depends_on_the_setting():
    facts = ProbeFacts(way_out=WAY_OUT, targets=(dropped("203.0.113.7:7072"), dropped("203.0.114.7:7072")))

    assert conclude(LOOKS["seeds_down"], facts, netgroup_prefix=24)[0].suggests == "outbound_blocked"
    assert conclude(LOOKS["seeds_down"], facts, netgroup_prefix=16)[0].suggests != "outbound_blocked"


@pytest.mark.parametrize(
    "targets",
    [
        (dropped("203.0.113.7:7072"), dropped("203.0.113.8:7072")),  # one network may have one firewall
        (dropped("203.0.113.7:7072"), dropped("192.0.2.7:7073")),
        (dropped("203.0.113.7:7072"), target(redial(None), "192.0.2.7:7072")),
        (dropped("203.0.113.7:7072"), target(SILENT, "192.0.2.7:7072")),
    ],
    ids=["one network", "two ports", "one gets through", "one may be down"],
)
def test_otherwise_nothing_indicates_our_side(targets):
    said = conclude(LOOKS["seeds_down"], ProbeFacts(way_out=WAY_OUT, targets=targets))

    assert "outbound_blocked" not in {statement.suggests for statement in said}
    assert said[0].suggests == "peer_firewalled"


# ---- this machine ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "text", "suggests"),
    [
        ({"interfaces_up": ()}, "No network interface is up but loopback.", "offline"),
        ({"default_ipv4": False, "default_ipv6": False}, "This machine has no default route.", "offline"),
        (
            {"gateways": (Gateway(addr=GATEWAY, answers=False),)},
            f"The gateway {GATEWAY} does not answer on its link.",
            "offline",
        ),
        (
            {"gateways": (Gateway(addr=GATEWAY, answers=True),)},
            f"The gateway {GATEWAY} has answered on its link lately.",
            None,
        ),
    ],
)
def test_the_ways_out(changes, text, suggests):
    way_out = dataclasses.replace(WAY_OUT, **changes)

    said = conclude(LOOKS["offline"], ProbeFacts(way_out=way_out, targets=(target(SILENT),)))
    heard = conclude(LOOKS["offline"], ProbeFacts(way_out=way_out, targets=(target(REFUSED),)))

    assert (str(said[0].text), said[0].suggests) == (text, suggests)
    assert len(heard) == 1, "whatever the tables say, packets get out and back"


def test_without_a_default_route_for_ipv6_only_peers_of_ipv6_suffer():
    way_out = dataclasses.replace(WAY_OUT, default_ipv6=False)

    def suggested(seen: Target) -> set[str | None]:
        return {
            statement.suggests for statement in conclude(LOOKS["offline"], ProbeFacts(way_out=way_out, targets=(seen,)))
        }

    assert suggested(target(SILENT, "[2001:db8::7]:7072")) == {"ipv6_broken", None}
    assert suggested(target(SILENT)) == {None}


def test_a_probe_without_a_result_says_so():
    [statement] = conclude(LOOKS["offline"], ProbeFacts())

    assert str(statement.text) == "The probes saw nothing that tells more."


# ---- the resolver ---------------------------------------------------------------------------------------------------


def look_up(name: str, reason: Reason | None = None) -> Lookup:
    return Lookup(name=name, addrs=() if reason else ("198.18.0.1",), reason=reason, duration_s=0.25)


@pytest.mark.parametrize(
    ("lookups", "expected"),
    [
        (
            [look_up("a.test", Reason.DNS_TIMEOUT), look_up("b.test", Reason.DNS_TEMPORARY)],
            [("The resolver has no answer for a.test, b.test ({servers}).", "dns_broken")],
        ),
        (
            [look_up("a.test", Reason.DNS_TIMEOUT)],
            [("The resolver has no answer for a.test ({servers}).", None)],
        ),
        (
            [look_up("a.test"), look_up("b.test", Reason.DNS_TEMPORARY)],
            [
                ("The resolver works: it answered for 1 name within 0.25 s ({servers}).", None),
                ("For b.test it had no answer: the name servers of that domain are the trouble.", None),
            ],
        ),
        (
            [look_up("a.test"), look_up("b.test", Reason.DNS_NOT_FOUND)],
            [
                ("The resolver works: it answered for 2 names within 0.25 s ({servers}).", None),
                ("It says that b.test does not exist, or has no address.", None),
            ],
        ),
    ],
    ids=["none answered", "one name proves nothing", "one domain is down", "one does not exist"],
)
def test_the_resolver(lookups, expected):
    check = ResolverCheck(nameservers=("198.18.0.53",), lookups=tuple(lookups))

    said = conclude(LOOKS["dns_broken"], ProbeFacts(resolver=check))

    servers = "name servers of /etc/resolv.conf: 198.18.0.53"
    assert [(str(statement.text), statement.suggests) for statement in said] == [
        (text.format(servers=servers), suggests) for text, suggests in expected
    ]
