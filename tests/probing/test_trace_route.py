"""The traceroute names every router and what ended the path, with and without root, however fast the path is."""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import pytest

from nocarrier.model.address import Address
from nocarrier.model.probe import Answer
from nocarrier.probing.trace_route import HOPS_AT_ONCE, trace_route
from testbed.netns_chain import Chain
from testbed.programs import requires_root_netns

TRACE = """
import asyncio, dataclasses, json, os, sys
from nocarrier.probing.trace_route import trace_route
from nocarrier.model.address import Address
host, port, uid, options = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
trace = asyncio.run(trace_route(Address(host, port), **options))
print(json.dumps([dataclasses.asdict(hop) for hop in trace.hops]))
"""
NOBODY = 65534
CLOSED = 9
"""A port on which nothing listens."""

TIME_EXCEEDED = {"ipv4": (11, 0), "ipv6": (3, 0)}
PROHIBITED = {"ipv4": (3, 13), "ipv6": (1, 1)}

SLOW_LINK_S = 0.05

families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@pytest.fixture(scope="module")
def slow_chain():
    with Chain(delay_s=SLOW_LINK_S) as made:
        yield made


def trace(net: Chain, family: str, port: int, *, uid: int = NOBODY, **options: Any) -> list[dict[str, Any]]:
    return net.client.python(TRACE, getattr(net.server, family), port, uid, json.dumps(options))


def expired_at_routers(net: Chain, family: str) -> list[tuple[int, str, str, tuple[int, int]]]:
    return [
        (ttl, "expired", getattr(router, family), TIME_EXCEEDED[family])
        for ttl, router in enumerate(net.routers, start=1)
    ]


def seen(hops: list[dict[str, Any]]) -> list[tuple[int, str, str | None, tuple[int | None, int | None]]]:
    """The trace without times."""
    return [(hop["ttl"], hop["answer"], hop["addr"], (hop["icmp_type"], hop["icmp_code"])) for hop in hops]


@requires_root_netns
@families
@pytest.mark.parametrize("uid", [0, NOBODY], ids=["root", "nobody"])
def test_three_routers_and_the_target_that_accepts(chain, family, uid):
    hops = trace(chain, family, chain.open if family == "ipv4" else chain.open6, uid=uid)

    target = (4, "connected", getattr(chain.server, family), (None, None))
    assert seen(hops) == [*expired_at_routers(chain, family), target]
    assert all(0 < hop["rtt_s"] < 1 for hop in hops)


@requires_root_netns
@families
@pytest.mark.parametrize("uid", [0, NOBODY], ids=["root", "nobody"])
def test_three_routers_and_the_target_that_refuses(chain, family, uid):
    target = (4, "refused", getattr(chain.server, family), (None, None))
    assert seen(trace(chain, family, CLOSED, uid=uid)) == [*expired_at_routers(chain, family), target]


@requires_root_netns
@families
def test_if_a_router_drops_the_path_is_silent_beyond_it(chain, family):
    chain.routers[1].firewall("forward", f"tcp dport {CLOSED} drop")

    hops = trace(chain, family, CLOSED, max_hops=6, per_hop_timeout_s=0.5)

    # The router itself still answers: a TTL runs out before the firewall is asked.
    assert seen(hops)[:2] == expired_at_routers(chain, family)[:2]
    assert seen(hops)[2:] == [(ttl, "silent", None, (None, None)) for ttl in (3, 4, 5, 6)]


@requires_root_netns
@families
@pytest.mark.parametrize("uid", [0, NOBODY], ids=["root", "nobody"])
def test_a_router_that_prohibits_ends_the_path(chain, family, uid):
    chain.routers[1].firewall("forward", f"tcp dport {CLOSED} reject with icmpx admin-prohibited")

    hops = trace(chain, family, CLOSED, uid=uid)

    by_router = (3, "unreachable", getattr(chain.routers[1], family), PROHIBITED[family])
    assert seen(hops) == [*expired_at_routers(chain, family)[:2], by_router]


@requires_root_netns
@families
def test_a_router_that_never_answers_is_a_gap_in_the_path(chain, family):
    chain.routers[1].firewall("output", "icmp type time-exceeded drop", "icmpv6 type time-exceeded drop")

    hops = trace(chain, family, CLOSED, per_hop_timeout_s=0.5)

    assert [hop["answer"] for hop in hops] == ["expired", "silent", "expired", "refused"]


@requires_root_netns
@families
def test_our_own_firewall_is_not_a_hop(chain, family):
    chain.client.firewall("output", f"tcp dport {CLOSED} reject")

    assert seen(trace(chain, family, CLOSED)) == [(1, "local", None, (None, None))]


@requires_root_netns
def test_without_a_route_nothing_is_sent(chain):
    chain.client.ip("route", "add", "unreachable", f"{chain.server.ipv4}/32")
    try:
        assert seen(trace(chain, "ipv4", CLOSED)) == [(1, "local", None, (None, None))]
    finally:
        chain.client.ip("route", "del", "unreachable", f"{chain.server.ipv4}/32")


@requires_root_netns
@families
def test_over_a_slow_path(slow_chain, family):
    """Between namespaces an error arrives before connect() returns, and is only noted; here it ends the attempt."""
    hops = trace(slow_chain, family, CLOSED)

    target = (4, "refused", getattr(slow_chain.server, family), (None, None))
    assert seen(hops) == [*expired_at_routers(slow_chain, family), target]
    assert all(2 * SLOW_LINK_S <= hop["rtt_s"] < 1 for hop in hops)


@requires_root_netns
def test_the_target_is_asked_a_few_times_only(chain):
    """Once for each SYN of the wave that meets it."""
    chain.server.nft(
        "table inet count {\ncounter syns {}\nchain in {\ntype filter hook input priority 0\n"
        f"tcp dport {CLOSED} tcp flags & (syn|ack) == syn counter name syns\n}}\n}}"
    )

    trace(chain, "ipv4", CLOSED)

    listed = json.loads(chain.server.run(["nft", "-j", "list", "counters"]).stdout)
    [packets] = [item["counter"]["packets"] for item in listed["nftables"] if "counter" in item]
    assert packets == HOPS_AT_ONCE - len(chain.routers)


async def test_a_host_on_our_own_link_is_the_first_hop():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        [hop] = (await trace_route(Address(*listener.getsockname()))).hops

    assert (hop.ttl, hop.answer, hop.addr) == (1, Answer.CONNECTED, "127.0.0.1")


async def test_other_systems_have_no_trace(monkeypatch):
    monkeypatch.setattr(sys.modules["nocarrier.host.kernel"], "IS_SUPPORTED", False)

    result = await trace_route(Address("127.0.0.1", CLOSED))

    assert (result.hops, result.end, result.last_router) == ((), None, None)
