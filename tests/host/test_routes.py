"""The routing table as the kernel shows it: defaults, refusals, the route to an address, interfaces."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

import pytest

from nocarrier.host.routes import read_neighbours, read_route_to, read_routes
from testbed.netns import Namespace
from testbed.programs import requires_root_netns

READ = """
import dataclasses, ipaddress, json, sys
from nocarrier.host.routes import read_route_to, read_routes
found = [read_route_to(ipaddress.ip_address(text)) for text in sys.argv[1:]]
print(json.dumps([dataclasses.asdict(read_routes()), [route and dataclasses.asdict(route) for route in found]]))
"""


def routes_of(host: Namespace) -> dict[str, Any]:
    return host.python(READ)[0]


def routes_to(host: Namespace, *ips: str) -> list[tuple[str, str | None, bool] | None]:
    return [route and (route["network"], route["gateway"], route["rejects"]) for route in host.python(READ, *ips)[1]]


@requires_root_netns
def test_a_host_with_a_gateway_for_each_family(network):
    assert routes_of(network.client) == {
        "gateways": ["198.18.1.1", "2001:db8:1::1"],
        "default_ipv4": True,
        "default_ipv6": True,
        "reject_routes": [],
        "interfaces_up": ["eth0"],
        "interfaces_down": [],
    }


@requires_root_netns
def test_refusing_routes_of_every_kind(network):
    client = network.client
    for kind, ipv4, ipv6 in (
        ("unreachable", "203.0.113.0/25", "2001:db8:a::/48"),
        ("prohibit", "203.0.113.128/25", "2001:db8:b::/48"),
        ("blackhole", "192.0.2.0/24", "2001:db8:c::/48"),
    ):
        client.ip("route", "add", kind, ipv4)
        client.ip("route", "add", kind, ipv6)

    assert set(routes_of(client)["reject_routes"]) == {
        "203.0.113.0/25",
        "203.0.113.128/25",
        "192.0.2.0/24",
        "2001:db8:a::/48",
        "2001:db8:b::/48",
        "2001:db8:c::/48",
    }


@requires_root_netns
def test_a_refusing_default_route_is_not_a_way_out(network):
    client = network.client
    client.ip("route", "replace", "unreachable", "default")
    client.ip("-6", "route", "del", "default")
    client.ip("-6", "route", "add", "unreachable", "default", "metric", "5")

    routes = routes_of(client)

    assert (routes["default_ipv4"], routes["default_ipv6"], routes["gateways"]) == (False, False, [])
    assert set(routes["reject_routes"]) == {"0.0.0.0/0", "::/0"}


@requires_root_netns
def test_the_two_halves_of_a_vpns_default_route_count_as_one(network):
    client = network.client
    client.ip("route", "del", "default")
    client.ip("route", "add", "0.0.0.0/1", "via", "198.18.1.1")
    client.ip("route", "add", "128.0.0.0/1", "via", "198.18.1.1")

    routes = routes_of(client)

    assert (routes["default_ipv4"], routes["gateways"]) == (True, ["198.18.1.1", "2001:db8:1::1"])


@requires_root_netns
def test_the_longest_prefix_wins_and_among_equal_ones_the_lowest_metric(network):
    client = network.client
    client.ip("route", "add", "blackhole", "203.0.113.0/24")
    client.ip("route", "add", "203.0.113.7/32", "via", "198.18.1.9")
    client.ip("route", "add", "198.19.0.0/16", "via", "198.18.1.7", "metric", "20")
    client.ip("route", "add", "198.19.0.0/16", "via", "198.18.1.8", "metric", "10")
    client.ip("route", "add", "2001:db8:a::/48", "via", "2001:db8:1::7", "metric", "20")
    client.ip("route", "add", "2001:db8:a::/48", "via", "2001:db8:1::8", "metric", "10")

    ips = ("203.0.113.6", "203.0.113.7", "198.18.1.5", "8.8.8.8", "198.19.0.1", "2001:db8:a::1", "2001:db8:1::5")

    assert routes_to(client, *ips) == [
        ("203.0.113.0/24", None, True),
        ("203.0.113.7/32", "198.18.1.9", False),
        ("198.18.1.0/24", None, False),
        ("0.0.0.0/0", "198.18.1.1", False),
        ("198.19.0.0/16", "198.18.1.8", False),
        ("2001:db8:a::/48", "2001:db8:1::8", False),
        ("2001:db8:1::/64", None, False),
    ]


@requires_root_netns
def test_without_interfaces_there_is_nothing(network):
    network.client.ip("link", "set", "eth0", "down")

    assert routes_of(network.client) == {
        "gateways": [],
        "default_ipv4": False,
        "default_ipv6": False,
        "reject_routes": [],
        "interfaces_up": [],
        "interfaces_down": ["eth0"],
    }
    assert routes_to(network.client, "8.8.8.8", "2001:db8::1") == [None, None]


@requires_root_netns
def test_an_interface_without_carrier_is_not_up(network):
    network.router.ip("link", "set", "client", "down")  # the other end of the cable

    assert routes_of(network.client)["interfaces_up"] == []


@requires_root_netns
def test_with_ipv6_off_ipv4_is_still_read(network):
    network.client.sysctl("net.ipv6.conf.all.disable_ipv6", 1)

    routes = routes_of(network.client)

    assert (routes["default_ipv4"], routes["default_ipv6"]) == (True, False)


@pytest.mark.parametrize("text", ["Iface\nnonsense", None])
def test_routes_that_cannot_be_read_are_not_known(monkeypatch, tmp_path, text):
    path = tmp_path / "route"
    if text is not None:
        path.write_text(text)
    for name in ("_IPV4_ROUTES", "_IPV6_ROUTES", "_NEIGHBOURS"):
        monkeypatch.setattr(sys.modules["nocarrier.host.routes"], name, path)

    assert read_routes() is None
    assert read_route_to(ipaddress.ip_address("198.18.0.1")) is None
    assert read_neighbours() == {}
