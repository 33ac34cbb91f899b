"""This machine is cut off: nobody is blamed for it, the node says so, and it is back within seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from nocarrier.model.taxonomy import Reason
from testbed.netns import Network
from testbed.node_process import NodeProcess, Status
from testbed.nodes import GENESIS
from testbed.programs import requires_root_netns

pytestmark = [requires_root_netns, pytest.mark.timeout(120)]

OTHER_NETWORK = "203.0.113.5"

QUICK = {
    "connect_timeout_s": 3,
    "handshake_attempt_s": 2,
    "handshake_window_s": 4,
    "maintain_interval_s": 1,
    "gossip_interval_s": 1,
}
# Three seconds without a byte end a session, instead of 45.
IMPATIENT = {"PING_INTERVAL_S": 0.5, "IDLE_TIMEOUT_S": 3.0}

BACK_WITHIN_S = 15.0


def add_addresses(network: Network, hosts: Iterable[str]) -> None:
    """Further addresses of the server."""
    for host in hosts:
        network.server.ip("address", "add", f"{host}/32", "dev", "eth0")
        network.router.ip("route", "add", f"{host}/32", "via", network.server.ipv4)


@contextlib.contextmanager
def node_between_two_networks(network: Network, tmp_path):
    """A node on the client, connected with two peers on the server that have addresses in unrelated networks."""
    add_addresses(network, [OTHER_NETWORK])
    with node_with_peers_at(network, tmp_path, (network.server.ipv4, OTHER_NETWORK)) as node:
        yield node


@contextlib.contextmanager
def node_with_peers_at(network: Network, tmp_path, hosts: Sequence[str], *, timing: Any = QUICK, **options: Any):
    """A node on the client, connected with one peer on the server for each of `hosts`."""
    common: dict[str, Any] = {"network": "test", "genesis": GENESIS}
    timings: dict[str, Any] = {"timing": QUICK, "session_constants": IMPATIENT}
    with contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(
                NodeProcess(
                    tmp_path / host,
                    where=network.server,
                    p2p_listen=f"{host}:7072",
                    target_peers=0,
                    **common,
                    **timings,
                )
            )
            for host in hosts
        ]
        node = stack.enter_context(
            NodeProcess(
                tmp_path / "node",
                where=network.client,
                p2p_listen="0.0.0.0:7072",
                seeds=[peer.addr for peer in peers],
                target_peers=len(hosts),
                timing=timing,
                session_constants=IMPATIENT,
                **common,
                **options,
            )
        )
        node.wait_for(lambda status: len(status["connected"]) == len(hosts), within_s=15)
        yield node


def assert_nobody_is_blamed(status: Status) -> None:
    assert {entry["streak"] for entry in status["book"].values()} == {0}
    assert [entry for entry in status["failures"] if entry["penalised"]] == []
    # A failed attempt would make an entry the first to leave.
    assert all(entry["last_success_unix"] for entry in status["book"].values())
    totals = status["totals"]
    assert totals["started"] == totals["succeeded"] + totals["failed"] + totals["cancelled"] + totals["in_flight"]


def is_offline(status: Status) -> bool:
    """The node knows, and so does the doctor, which looks less often."""
    codes = [finding["code"] for finding in status["findings"]]
    return status["offline"] and not status["connected"] and "offline" in codes


def is_back(status: Status) -> bool:
    return not status["offline"] and len(status["connected"]) == 2


def test_the_cable_is_out(network, tmp_path):
    with node_between_two_networks(network, tmp_path) as node:
        network.client.ip("link", "set", "eth0", "down")
        node.wait_for(is_offline, within_s=20)
        status = node.status()
        assert "route" in status["offline_because"]
        assert_nobody_is_blamed(status)
        network.client.ip("link", "set", "eth0", "up")
        network.client.ip("route", "add", "default", "via", network.router.ipv4)
        assert node.wait_for(is_back, within_s=BACK_WITHIN_S) < BACK_WITHIN_S
        assert_nobody_is_blamed(node.status())


def test_the_uplink_drops_everything(network, tmp_path):
    with node_between_two_networks(network, tmp_path) as node:
        network.router.firewall("forward", "drop")
        node.wait_for(is_offline, within_s=20)
        status = node.status()
        assert "198.19.0.0/16" in status["offline_because"]
        assert "203.0.0.0/16" in status["offline_because"]
        node.wait_for(lambda status: status["counts"].get("timeout/seed", 0) >= 4, within_s=20)
        assert_nobody_is_blamed(node.status())
        network.router.nft("")
        assert node.wait_for(is_back, within_s=BACK_WITHIN_S) < BACK_WITHIN_S
        assert_nobody_is_blamed(node.status())


def test_the_router_says_that_the_network_is_gone(network, tmp_path):
    with node_between_two_networks(network, tmp_path) as node:
        network.router.firewall("forward", "reject with icmpx no-route")
        node.wait_for(is_offline, within_s=20)
        assert_nobody_is_blamed(node.status())
        network.router.nft("")
        assert node.wait_for(is_back, within_s=BACK_WITHIN_S) < BACK_WITHIN_S


def test_a_node_that_starts_without_a_network_joins_when_it_comes(network, tmp_path):
    network.client.ip("link", "set", "eth0", "down")
    with (
        NodeProcess(
            tmp_path / "peer", where=network.server, p2p_listen=f"{network.server.ipv4}:7072", genesis=GENESIS
        ) as peer,
        NodeProcess(
            tmp_path / "node",
            where=network.client,
            timing=QUICK,
            p2p_listen="0.0.0.0:7072",
            seeds=[peer.addr],
            target_peers=1,
            genesis=GENESIS,
        ) as node,
    ):
        node.wait_for(lambda status: status["offline"], within_s=10)
        status = node.status()
        assert status["counts"] == {"network_unreachable/seed": 1}
        assert_blame_is_ours(status, peer.addr)
        network.client.ip("link", "set", "eth0", "up")
        network.client.ip("route", "add", "default", "via", network.router.ipv4)
        assert node.wait_for(lambda status: status["connected"], within_s=BACK_WITHIN_S) < BACK_WITHIN_S


def assert_blame_is_ours(status: Status, addr: str) -> None:
    [entry] = status["failures"]
    assert (entry["addr"], entry["reason"], entry["blame"]) == (addr, Reason.NETWORK_UNREACHABLE, "us")
    assert entry["evidence"]["decided_by"] == "local"
    assert not entry["penalised"]


def test_a_network_without_a_route_is_not_an_outage_while_others_are_reached(network, tmp_path):
    network.client.ip("route", "del", "default")
    network.client.ip("route", "add", "198.19.0.0/16", "via", network.router.ipv4)
    with (
        NodeProcess(
            tmp_path / "peer",
            where=network.server,
            p2p_listen=f"{network.server.ipv4}:7072",
            target_peers=0,
            genesis=GENESIS,
        ) as peer,
        NodeProcess(
            tmp_path / "node",
            where=network.client,
            timing=QUICK,
            p2p_listen="0.0.0.0:7072",
            seeds=[peer.addr],
            target_peers=1,
            genesis=GENESIS,
        ) as node,
    ):
        node.wait_for(lambda status: status["connected"], within_s=10)
        result = node.connect(f"{OTHER_NETWORK}:7072")
        assert result["reason"] == Reason.NETWORK_UNREACHABLE
        assert not node.status()["offline"]


FOUR_NETWORKS = [f"203.0.{number}.5" for number in (113, 114, 115, 116)]
"""In one /16; they are unrelated if the node's setting says that a /24 is a netgroup."""


def test_sessions_that_end_show_a_dead_uplink_with_netgroups_of_24_bits(network, tmp_path):
    add_addresses(network, FOUR_NETWORKS)
    slow_dials = {**QUICK, "connect_timeout_s": 60}  # only the ends of sessions show anything in that time
    with node_with_peers_at(network, tmp_path, FOUR_NETWORKS, timing=slow_dials, netgroup_prefix=24) as node:
        network.router.firewall("forward", "drop")
        node.wait_for(is_offline, within_s=20)
        status = node.status()
        assert [finding["code"] for finding in status["findings"]] == ["offline"]
        assert_nobody_is_blamed(status)


def test_seeds_are_silent_from_the_start_with_netgroups_of_24_bits(network, tmp_path):
    add_addresses(network, FOUR_NETWORKS)
    network.router.firewall("forward", "drop")
    seeds = [f"{host}:7072" for host in FOUR_NETWORKS]
    with NodeProcess(
        tmp_path,
        where=network.client,
        p2p_listen="0.0.0.0:7072",
        network="test",
        genesis=GENESIS,
        seeds=seeds,
        target_peers=4,
        netgroup_prefix=24,
        timing=QUICK,
    ) as node:
        node.wait_for(is_offline, within_s=20)
        [finding] = node.status()["findings"]
        assert (finding["code"], finding["addrs"]) == ("offline", seeds)
