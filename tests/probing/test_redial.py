"""A quiet re-dial uses the host's counters to distinguish failures that look alike."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import pytest

from nocarrier.host.counters import TELLING_COUNTERS, read_counters
from nocarrier.model.address import Address
from nocarrier.model.probe import Answer
from nocarrier.probing.probes import redial_quietly
from testbed.netns import Namespace
from testbed.netns_chain import Chain
from testbed.programs import requires_root_netns

REDIAL = """
import asyncio, dataclasses, json, sys
from nocarrier.probing.probes import redial_quietly
from nocarrier.model.address import Address
redial = asyncio.run(redial_quietly(Address(sys.argv[1], int(sys.argv[2])), float(sys.argv[3])))
print(json.dumps(dataclasses.asdict(redial)))
"""
CLOSED = 9
"""A port on which nothing listens."""
TIMEOUT_S = 1.3
"""The kernel sends the second SYN after a second; whether it gets out distinguishes our own firewall from silence."""

ICMP_OUT = {"ipv4": "Icmp.OutDestUnreachs", "ipv6": "Icmp6.OutDestUnreachs"}
ICMP_IN = {"ipv4": "Icmp.InDestUnreachs", "ipv6": "Icmp6.InDestUnreachs"}

families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


def redial(host: Namespace, ip: str, port: int = CLOSED) -> tuple[str, dict[str, int]]:
    """What came back, and what the counters say apart from the one dial."""
    seen: dict[str, Any] = host.python(REDIAL, ip, port, TIMEOUT_S)
    assert seen["is_alone"]
    seen["counters"].pop("Tcp.ActiveOpens")
    return seen["answer"], seen["counters"]


@requires_root_netns
@families
def test_a_port_that_accepts(chain, family):
    port = chain.open if family == "ipv4" else chain.open6
    assert redial(chain.client, getattr(chain.server, family), port) == ("connected", {})


@requires_root_netns
@families
def test_a_reset_by_the_peer_changes_none_of_our_counters(chain, family):
    assert redial(chain.client, getattr(chain.server, family)) == ("refused", {})


@requires_root_netns
@families
def test_our_own_reject_counts_as_an_icmp_error_sent_and_received(chain, family):
    chain.client.firewall("output", f"tcp dport {CLOSED} reject")

    seen = redial(chain.client, getattr(chain.server, family))

    assert seen == ("local", {ICMP_OUT[family]: 1, ICMP_IN[family]: 1})


@requires_root_netns
@families
def test_our_own_drop_counts_as_a_segment_that_could_not_be_sent_again(chain, family):
    chain.client.firewall("output", f"tcp dport {CLOSED} drop")

    assert redial(chain.client, getattr(chain.server, family)) == ("local", {"TcpExt.TCPRetransFail": 1})


@requires_root_netns
@families
def test_silence_of_the_network_changes_none_of_our_counters(chain, family):
    chain.routers[1].firewall("forward", f"tcp dport {CLOSED} drop")

    assert redial(chain.client, getattr(chain.server, family)) == ("silent", {})


@requires_root_netns
@families
def test_a_reject_on_the_way_counts_as_an_icmp_error_received(chain, family):
    chain.routers[1].firewall("forward", f"tcp dport {CLOSED} reject with icmpx admin-prohibited")

    assert redial(chain.client, getattr(chain.server, family)) == ("unreachable", {ICMP_IN[family]: 1})


@requires_root_netns
def test_a_redirect_rule_of_ours_makes_this_host_send_the_reset(chain):
    chain.client.nft(
        f"table ip nat {{\nchain out {{\ntype nat hook output priority -100\ntcp dport {CLOSED} redirect to :8\n}}\n}}"
    )

    assert redial(chain.client, chain.server.ipv4) == ("refused", {"Tcp.OutRsts": 1})


@requires_root_netns
def test_answers_dropped_by_rp_filter_are_counted(network):
    client, server = network.client, network.server
    client.ip("link", "add", "shortcut", "type", "veth", "peer", "name", "back", "netns", server.name)
    client.ip("address", "add", "198.18.9.1/24", "dev", "shortcut")
    server.ip("address", "add", "198.18.9.2/24", "dev", "back")
    client.ip("link", "set", "shortcut", "up")
    server.ip("link", "set", "back", "up")
    server.ip("route", "add", "198.18.1.0/24", "via", "198.18.9.1")
    # While the filter is off, so that the server learns which machine has the address of its next hop.
    server.run(["python3", "-c", "import socket; socket.create_connection(('198.18.9.1', 9), 5)"], check=False)
    client.sysctl("net.ipv4.conf.all.rp_filter", 1)

    answer, counters = redial(client, server.ipv4)

    assert answer == "silent"
    assert counters == {"TcpExt.IPReversePathFilter": 2}  # one for each SYN


@requires_root_netns
def test_damaged_answers_are_counted():
    # Over a TUN device, where checksums are real; between veth devices they are not even computed.
    with Chain(delay_s=0.001) as net:
        net.routers[0].firewall("forward", f"tcp sport {CLOSED} tcp checksum set 1")

        assert redial(net.client, net.server.ipv4) == ("silent", {"Tcp.InCsumErrors": 2})


@requires_root_netns
def test_a_full_accept_queue_of_this_host_is_counted(network):
    port = network.client.fault_server("backlog_full", host="127.0.0.1")

    answer, counters = redial(network.client, "127.0.0.1", port)

    assert (answer, counters) == ("silent", {"TcpExt.ListenOverflows": 2})  # one for each SYN


async def test_a_redial_sends_nothing_and_closes_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        seen = await redial_quietly(Address(*listener.getsockname()))
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        with connection:
            received = await asyncio.get_running_loop().sock_recv(connection, 1)

    assert seen.answer is Answer.CONNECTED
    assert seen.fault is None
    assert received == b""  # the end, and no reset


def test_this_system_shows_every_telling_counter():
    assert set(read_counters()) == set(TELLING_COUNTERS)


def test_nothing_is_claimed_if_the_system_shows_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["nocarrier.host.counters"], "_TABLES", (tmp_path / "absent",))

    assert read_counters() == {}
