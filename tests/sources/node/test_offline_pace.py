"""A node without a network: it rarely dials, however its seeds are written, and finds the network within seconds."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from nocarrier.sources.node import maintainer
from testbed.netns import REPOSITORY, Network
from testbed.node_process import NodeProcess
from testbed.nodes import GENESIS
from testbed.programs import requires_root_netns

RESOLVER = REPOSITORY / "testbed/resolver.py"

FOUND_WITHIN_S = 15.0
"""Twelve seeds that can be dialed are three rounds of four, 2 s and 4 s apart; the rest is for a busy machine."""

DIALS_IN_10_S = 4

QUICK = {"connect_timeout_s": 3, "handshake_attempt_s": 2, "handshake_window_s": 4}

NAMES = [f"seed{number}.test:7072" for number in range(1, 5)]


class Ways:
    """The kernel's answers, set by a test."""

    def __init__(self, *, lead_beyond: bool) -> None:
        self.lead_beyond = lead_beyond

    def lead_to(self, _: str) -> bool:
        return self.lead_beyond


OUT, NONE = Ways(lead_beyond=True), Ways(lead_beyond=False)


def asked_at(pace: maintainer._OutagePace, looks: Sequence[tuple[float, Ways]]) -> list[float]:
    return [now_s for now_s, ways in looks if pace.is_due(now_s, ways, iter(["203.0.113.7:7072"]))]


def test_the_pause_is_kept_however_often_it_looks_and_has_an_upper_limit():
    day = [(tenth / 10, OUT) for tenth in range(10 * 86_400)]
    asked = asked_at(maintainer._OutagePace(0.0), day)
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert [round(pause) for pause in pauses[:5]] == [2, 4, 8, 10, 10]
    assert {round(pause) for pause in pauses[5:]} == {10}


def test_a_new_way_out_is_tried_at_once():
    pace = maintainer._OutagePace(0.0)
    assert asked_at(pace, [(second, OUT) for second in range(60)])
    assert not asked_at(pace, [(60.0 + second, NONE) for second in range(3_600)])
    assert asked_at(pace, [(5_000.0, OUT)]) == [5_000.0]


def unplug(network: Network) -> None:
    """Leave the client only its loopback."""
    network.client.ip("link", "del", "eth0")


def plug_in(network: Network) -> None:
    """Give the client its link, an address and a default route."""
    client, router = network.client, network.router
    client.ip("link", "add", "eth0", "type", "veth", "peer", "name", "client", "netns", router.name)
    router.ip("address", "add", f"{router.ipv4}/24", "dev", "client")
    router.ip("link", "set", "client", "up")
    client.ip("address", "add", f"{client.ipv4}/24", "dev", "eth0")
    client.ip("link", "set", "eth0", "up")
    client.ip("route", "add", "default", "via", router.ipv4)


def started_within(node: NodeProcess, seconds: float) -> int:
    before = node.status()["totals"]["started"]
    time.sleep(seconds)
    return node.status()["totals"]["started"] - before


def node_on_the_client(network: Network, folder: Path, seeds: list[str]) -> NodeProcess:
    return NodeProcess(
        folder, where=network.client, timing=QUICK, p2p_listen="0.0.0.0:7072", seeds=seeds, genesis=GENESIS
    )


SEEDS = {
    "an address and a name": ["203.0.113.7:7072", NAMES[0]],
    "an address and four names": ["203.0.113.7:7072", *NAMES],
    "names only": NAMES,
    "twenty of all sorts": [
        *NAMES,
        *(f"203.0.113.{number}:7072" for number in range(1, 9)),
        *(f"10.0.0.{number}:7072" for number in range(1, 7)),
        "localhost:7072",
        "[2001:db8:7::1]:7072",
    ],
}


@requires_root_netns
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seeds", SEEDS.values(), ids=SEEDS.keys())
def test_without_a_network_it_rarely_dials_and_is_back_within_seconds(network, tmp_path, seeds):
    client, router, server = network.client, network.router, network.server
    client.resolv_conf(router.ipv4)
    unplug(network)
    peer = NodeProcess(
        tmp_path / "peer", where=server, p2p_listen=f"{server.ipv4}:7072", target_peers=0, genesis=GENESIS
    )
    with peer, node_on_the_client(network, tmp_path / "node", seeds) as node:
        node.wait_for(lambda status: status["offline"], within_s=10)
        started_within(node, 3)
        assert started_within(node, 12) <= DIALS_IN_10_S
        assert "offline" in [finding["code"] for finding in node.status()["findings"]]
        assert "dns_broken" not in [finding["code"] for finding in node.status()["findings"]]
        plug_in(network)
        router.start_python(RESOLVER, router.ipv4, json.dumps({"seed1.test": [server.ipv4]}))
        assert node.wait_for(lambda status: status["connected"], within_s=FOUND_WITHIN_S) < FOUND_WITHIN_S


@requires_root_netns
@pytest.mark.timeout(120)
def test_a_resolver_that_fails_at_once_is_not_asked_more_often_than_the_pause_allows(network, tmp_path):
    client, router = network.client, network.router
    client.resolv_conf(router.ipv4)
    router.firewall("forward", "drop")
    router.start_python(RESOLVER, router.ipv4, "{}")
    names = [f"servfail.{number}.test:7072" for number in range(4)]
    with node_on_the_client(network, tmp_path, ["203.0.113.7:7072", "198.51.100.7:7072", *names]) as node:
        node.wait_for(lambda status: status["offline"], within_s=20)
        started_within(node, 10)  # until the pause has grown
        assert started_within(node, 20) <= 2 * DIALS_IN_10_S + DIALS_IN_10_S
