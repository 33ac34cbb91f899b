"""Five nodes on five hosts: they find each other from one seed, and replace any node that is lost."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from testbed.netns import FlatNetwork
from testbed.node_process import NodeProcess, Status
from testbed.nodes import GENESIS
from testbed.programs import requires_root_netns

pytestmark = [requires_root_netns, pytest.mark.timeout(120)]

SIZE = 5

QUICK = {
    "connect_timeout_s": 2,
    "handshake_attempt_s": 2,
    "handshake_window_s": 4,
    "maintain_interval_s": 1,
    "gossip_interval_s": 1,
}


@contextlib.contextmanager
def mesh(tmp_path: Path):
    """Five nodes, each on its own host; all but the first have the first as their only seed."""
    with FlatNetwork(SIZE) as network, contextlib.ExitStack() as stack:
        nodes = []
        for number, host in enumerate(network.hosts):
            node = NodeProcess(
                tmp_path / f"node-{number}",
                where=host,
                timing=QUICK,
                p2p_listen=f"{host.ipv4}:7072",
                seeds=[nodes[0].addr] if nodes else [],
                target_peers=SIZE - 1,
                genesis=GENESIS,
            )
            nodes.append(stack.enter_context(node))
        yield nodes


def is_whole(status: Status) -> bool:
    return len(status["connected"]) == SIZE - 1


def saved_book(node: NodeProcess, tmp_path: Path, number: int) -> dict[str, Any]:
    """The book on disk, by address; it must exist and be complete."""
    folder = tmp_path / f"node-{number}"
    assert list(folder.glob("*.corrupt-*")) == []
    file = folder / "peers.json"
    return {entry["addr"]: entry for entry in json.loads(file.read_text())["entries"]} if file.exists() else {}


def assert_accounts_are_exact(status: Status) -> None:
    totals = status["totals"]
    assert totals["started"] == totals["succeeded"] + totals["failed"] + totals["cancelled"] + totals["in_flight"]
    assert sum(status["counts"].values()) == (
        totals["failed"] + totals["cancelled"] + totals["skipped"] + totals["disconnected_early"]
    )
    assert not any(status["dropped"].values())


def test_it_forms_and_survives_kill_9_of_the_seed_and_of_another(tmp_path):
    with mesh(tmp_path) as nodes:
        addresses = {node.addr for node in nodes}
        for node in nodes:
            node.wait_for(is_whole, within_s=20)
            node.wait_for(lambda status, node=node: status["book"].keys() == addresses - {node.addr}, within_s=10)
        # What the book learned is on disk within some seconds.
        for number, node in enumerate(nodes):
            node.wait_for(
                lambda _, node=node, number=number: (
                    saved_book(node, tmp_path, number).keys() == addresses - {node.addr}
                ),
                within_s=10,
            )
        for number, victim in ((0, nodes[0]), (3, nodes[3])):
            others = [node for node in nodes if node is not victim]
            id_before = victim.node_id
            victim.kill()
            for node in others:
                node.wait_for(lambda status: len(status["connected"]) == SIZE - 2, within_s=5)
            victim.start()
            assert victim.node_id == id_before
            # The same key with a new boot id is accepted at once, though its peers wait before they dial it.
            assert victim.wait_for(is_whole, within_s=15) < 15
            for node in others:
                node.wait_for(is_whole, within_s=15)
            assert saved_book(victim, tmp_path, number).keys() == addresses - {victim.addr}
        for node in nodes:
            assert_accounts_are_exact(node.status())


def test_a_peer_that_is_back_before_tcp_noticed_replaces_its_dead_session(tmp_path):
    with FlatNetwork(2) as network:
        one, other = (
            NodeProcess(
                tmp_path / host.ipv4,
                where=host,
                timing=QUICK,
                p2p_listen=f"{host.ipv4}:7072",
                seeds=["198.18.0.1:7072"],
                target_peers=1,
                genesis=GENESIS,
            )
            for host in network.hosts
        )
        with one, other:
            other.wait_for(lambda status: status["connected"], within_s=10)
            # Its last packets get lost, as in a power cut, and so do those that its kernel sends later.
            network.hosts[1].firewall("output", "tcp flags & (fin | rst) != 0 drop")
            other.kill()
            assert one.status()["connected"] == [other.node_id]
            other.start()
            assert other.wait_for(lambda status: status["connected"], within_s=10) < 5
            assert one.status()["connected"] == [other.node_id]
