"""Real faults in a network of several routers, and what probes say about them: dial, plan and conclusion together."""

from __future__ import annotations

import pytest

from testbed.netns_chain import Chain
from testbed.programs import requires_root_netns

pytestmark = requires_root_netns

PROBE = """
import asyncio, dataclasses, json, os, sys
from nocarrier.dialing import AddressPolicy
from nocarrier.probing.prober import Prober
from nocarrier.model.finding import EvidenceItem, Finding, Severity
from nocarrier.diagnosis import CAUSES
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import say

code, *addrs = sys.argv[1:]
finding = Finding(
    code=code, title=say(""), severity=Severity.INFO, blame=Blame.PATH, summary=say(""), confidence=0.5,
    evidence=(EvidenceItem(statement=say(""), count=len(addrs), addrs=tuple(addrs)),),
    affected_peers=1, affected_dials=1, next_actions=(), since_unix=0.0,
    looks=next(cause.looks for cause in CAUSES if cause.code == code),
)

async def main():
    prober = Prober(AddressPolicy(ipv4_only=False))
    result = await prober.probe(finding)
    await prober.close()
    statements = [dataclasses.asdict(each) | {"text": str(each.text)} for each in result.statements]
    print(json.dumps(dataclasses.asdict(result) | {"statements": statements}))

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
asyncio.run(main())
"""
PORT = 7072

families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


def address(ip: str) -> str:
    return f"[{ip}]:{PORT}" if ":" in ip else f"{ip}:{PORT}"


def probe(net: Chain, code: str, *ips: str) -> list[tuple[str, str | None]]:
    """What is said, without the addresses of the peers, and the causes that it supports."""
    addrs = [address(ip) for ip in ips]
    result = net.client.python(PROBE, code, *addrs)
    assert result["duration_s"] < 15
    return [
        (statement["text"].removeprefix(f"{statement['addr']}: "), statement["suggests"])
        for statement in result["statements"]
    ]


@families
def test_nothing_listens(chain, family):
    said = probe(chain, "peer_down", getattr(chain.server, family))

    assert ("it refuses port 7072 with a RST, as hosts do where nothing listens.", "peer_down") in said


def test_a_firewall_at_the_peer_drops_its_port_only(chain):
    chain.server.firewall("input", f"tcp dport {PORT} drop")

    [*_, last] = probe(chain, "peer_firewalled", chain.server.ipv6)

    beyond = chain.routers[2].ipv6
    text = f"its host answers on port 443, 80, 22, and something drops port {PORT}: a firewall beyond {beyond} (hop 3)."
    assert last == (text, "peer_firewalled")


def test_a_router_in_the_middle_drops_everything(chain):
    chain.routers[1].firewall("forward", "meta l4proto tcp drop")

    [*_, last] = probe(chain, "peer_down", chain.server.ipv4)

    assert last == (f"nothing answers beyond {chain.routers[1].ipv4} (hop 2).", None)


@families
def test_a_router_in_the_middle_prohibits(chain, family):
    chain.routers[1].firewall("forward", "meta l4proto tcp reject with icmpx admin-prohibited")

    [*_, last] = probe(chain, "peer_firewalled", getattr(chain.server, family))

    router = getattr(chain.routers[1], family)
    assert last == (f"{router} (hop 2) answers that a rule forbids the connection.", "peer_firewalled")


@families
def test_our_gateway_prohibits(chain, family):
    chain.routers[0].firewall("forward", f"tcp dport {PORT} reject with icmpx admin-prohibited")

    [*_, last] = probe(chain, "outbound_blocked", getattr(chain.server, family))

    gateway = getattr(chain.routers[0], family)
    assert last == (f"our gateway {gateway} answers that a rule forbids the connection.", "outbound_blocked")


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        ("reject", "a firewall rule of this machine refuses it with an ICMP error."),
        ("drop", "a firewall rule of this machine drops it: the kernel could not send the SYN again."),
        # No counter and no errno distinguishes this one from a reset by the peer; the trace does.
        (
            "reject with tcp reset",
            "refused before the first router: by a firewall rule of this machine, or by the gateway.",
        ),
    ],
    ids=["reject", "drop", "reset"],
)
def test_our_own_firewall(chain, verdict, text):
    chain.client.firewall("output", f"tcp dport {PORT} {verdict}")

    [*_, last] = probe(chain, "outbound_blocked", chain.server.ipv4)

    assert last == (text, "outbound_blocked")


def test_our_own_route(chain):
    chain.client.ip("route", "add", "prohibit", "198.18.4.0/24")
    try:
        [*_, last] = probe(chain, "outbound_blocked", chain.server.ipv4)
    finally:
        chain.client.ip("route", "del", "prohibit", "198.18.4.0/24")

    refused = "the route 198.18.4.0/24 of this machine refuses it (unreachable, prohibit or blackhole)."
    assert last == (refused, "outbound_blocked")


@families
def test_our_gateway_answers_instead_of_the_peer(chain, family):
    chain.routers[0].nft(
        f"table inet nat {{\nchain in {{\ntype nat hook prerouting priority -100\ntcp dport {PORT} redirect\n}}\n}}"
    )

    [*_, last] = probe(chain, "middlebox", getattr(chain.server, family))

    text = "refused before the first router: by a firewall rule of this machine, or by the gateway."
    assert last == (text, "outbound_blocked")


def test_something_on_our_side_drops_one_port(chain):
    """The same port is silent in two unrelated networks, and the hosts there are up."""
    chain.server.ip("address", "add", "203.0.113.7/32", "dev", "lo")
    chain.routers[0].firewall("forward", f"tcp dport {PORT} drop")
    try:
        said = probe(chain, "seeds_down", chain.server.ipv4, "203.0.113.7")
    finally:
        chain.server.ip("address", "del", "203.0.113.7/32", "dev", "lo")

    dropped_here = "Port 7072 is silent at 2 hosts of unrelated networks"
    assert [suggests for text, suggests in said if text.startswith(dropped_here)] == ["outbound_blocked"]
    assert {suggests for text, suggests in said if not text.startswith(dropped_here)} == {None}
    assert all(f"beyond our gateway {chain.routers[0].ipv4} (hop 1)" in text for text, _ in said[-2:])


def test_the_gateway_is_gone(network):
    network.router.ip("link", "set", "client", "down")
    network.client.ip("link", "add", "dark", "type", "veth", "peer", "name", "end")
    network.client.ip("link", "set", "dark", "up")
    network.client.ip("link", "set", "end", "up")
    network.client.ip("address", "add", "198.18.7.2/24", "dev", "dark")
    network.client.ip("route", "replace", "default", "via", "198.18.7.1")

    said = probe(network, "offline", network.server.ipv4)

    assert ("our gateway 198.18.7.1 does not answer on its link.", "offline") in said
    assert ("The gateway 198.18.7.1 does not answer on its link.", "offline") in said


def test_without_any_interface(network):
    network.client.ip("link", "set", "eth0", "down")

    assert probe(network, "offline", network.server.ipv4) == [
        ("No network interface is up but loopback.", "offline"),
        ("this machine has no route to it.", "offline"),
    ]
