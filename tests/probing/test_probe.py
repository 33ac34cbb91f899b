"""Other ports of a host, the resolver, and the ways out, as single probes see them."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from typing import Any

import pytest

from nocarrier.dialing.resolve import resolve_with_system
from nocarrier.model.address import Address
from nocarrier.model.probe import Answer
from nocarrier.probing.probes import check_resolver, look_at_ways_out, other_ports
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.netns import Namespace
from testbed.programs import requires_root_netns

OTHER_PORTS = """
import asyncio, dataclasses, json, sys
from nocarrier.probing.probes import other_ports
from nocarrier.model.address import Address
answers = asyncio.run(other_ports(Address(sys.argv[1], 7072), json.loads(sys.argv[2]), timeout_s=1))
print(json.dumps([dataclasses.asdict(answer) for answer in answers]))
"""
WAYS_OUT = """
import dataclasses, json
from nocarrier.probing.probes import look_at_ways_out
print(json.dumps(dataclasses.asdict(look_at_ways_out())))
"""
CLOSED = 9

families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@pytest.fixture
async def full_queue():
    async with FAULT_SERVERS["backlog_full"]() as port:
        yield Address("127.0.0.1", port)


def ask(host: Namespace, ip: str, *ports: int) -> dict[int, tuple[str, bool]]:
    answers: list[dict[str, Any]] = host.python(OTHER_PORTS, ip, json.dumps(ports))
    return {answer["port"]: (answer["answer"], answer["is_alive"]) for answer in answers}


@requires_root_netns
@families
def test_a_host_that_refuses_or_accepts_is_alive_and_one_that_drops_may_not_be(chain, family):
    accepts = chain.open if family == "ipv4" else chain.open6
    chain.server.firewall("input", "tcp dport 22 drop")

    seen = ask(chain.client, getattr(chain.server, family), accepts, CLOSED, 22)

    assert seen == {accepts: ("connected", True), CLOSED: ("refused", True), 22: ("silent", False)}


@requires_root_netns
@families
def test_a_reject_by_the_host_itself_proves_it_alive_and_one_by_a_router_does_not(chain, family):
    chain.server.firewall("input", "tcp dport 22 reject")
    chain.routers[2].firewall("forward", "tcp dport 80 reject")

    seen = ask(chain.client, getattr(chain.server, family), 22, 80)

    assert seen == {22: ("unreachable", True), 80: ("unreachable", False)}


@requires_root_netns
def test_a_packet_that_we_may_not_send_says_nothing_about_the_host(chain):
    chain.client.firewall("output", "tcp dport 22 reject")

    assert ask(chain.client, chain.server.ipv4, 22) == {22: ("local", False)}


async def test_silent_ports_are_tried_at_once_and_within_the_given_time(full_queue):
    started = time.monotonic()

    answers = await other_ports(full_queue, [full_queue.port] * 3, timeout_s=0.2)

    assert [answer.answer for answer in answers] == [Answer.SILENT] * 3
    assert time.monotonic() - started < 0.5


async def test_the_resolver_is_asked_for_every_name_with_a_deadline():
    async def resolve(name: str) -> list[str]:
        match name:
            case "seed.test":
                return ["198.18.0.1"]
            case "empty.test":
                return []
            case "silent.test":
                await asyncio.sleep(10)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    check = await check_resolver(["seed.test", "empty.test", "silent.test", "broken.test"], resolve, timeout_s=0.1)

    assert [(lookup.name, lookup.addrs, lookup.reason) for lookup in check.lookups] == [
        ("seed.test", ("198.18.0.1",), None),
        ("empty.test", (), "dns_not_found"),
        ("silent.test", (), "dns_timeout"),
        ("broken.test", (), "dns_temporary"),
    ]
    assert check.lookups[2].duration_s == pytest.approx(0.1, abs=0.1)


async def test_name_servers_are_those_of_resolv_conf(monkeypatch, tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# a comment\nsearch example\nnameserver 198.18.0.53\nnameserver\nnameserver 2001:db8::53 # second\n"
    )
    monkeypatch.setattr(sys.modules["nocarrier.host.nameservers"], "_RESOLV_CONF", path)

    check = await check_resolver([], resolve_with_system)

    assert check.nameservers == ("198.18.0.53", "2001:db8::53")


@requires_root_netns
def test_a_gateway_that_answers_on_the_link_and_one_that_does_not(network):
    client = network.client
    client.ip("route", "add", "0.0.0.0/1", "via", "198.18.1.99")
    ask(client, network.server.ipv4, CLOSED)  # by the default route
    ask(client, "11.0.0.1", CLOSED)  # by a gateway that does not exist

    seen = client.python(WAYS_OUT)

    assert {gateway["addr"]: gateway["answers"] for gateway in seen["gateways"]} == {
        "198.18.1.99": False,
        "198.18.1.1": True,
        "2001:db8:1::1": None,  # Linux shows IPv6 neighbours in no ordinary file
    }
    assert (seen["default_ipv4"], seen["default_ipv6"], seen["interfaces_up"]) == (True, True, ["eth0"])


def test_other_systems_have_no_ways_out_to_show(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["nocarrier.host.routes"], "_IPV4_ROUTES", tmp_path / "absent")

    assert look_at_ways_out() is None
