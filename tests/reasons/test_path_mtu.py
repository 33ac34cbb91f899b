"""A path that drops large packets is distinguished from a peer that hangs, is gone, or is silent."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from nocarrier.model.taxonomy import Reason
from testbed.netns import Namespace, Network
from testbed.node_process import NodeProcess, Status
from testbed.nodes import GENESIS
from testbed.programs import requires_root_netns
from testbed.provokes import provokes

pytestmark = requires_root_netns

NARROW_BYTES = 1280
"""The size that still passes; the hosts themselves believe in 1500."""

DIALER_PORT, SENT, RECEIVED, STOPPED, GONE = 7000, 7001, 7002, 7003, 7004


def node(folder: Path, where: Namespace, host: str, port: int, **options) -> NodeProcess:
    addr = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    # The retransmission timer of a peer fires four times within 3.1 s. The dialer times out before the listeners.
    patience_s = 4 if port == DIALER_PORT else 15
    timing = {"handshake_attempt_s": patience_s, "handshake_window_s": patience_s}
    common = {"network": "test", "genesis": GENESIS, "ipv4_only": False}
    return NodeProcess(folder / str(port), where=where, p2p_listen=addr, timing=timing, **common, **options)


def failures_by_port(status: Status) -> dict[int, Status]:
    entries = [entry for entry in status["failures"] if entry["kind"] == "failure"]
    return {int(entry["addr"].rpartition(":")[2]): entry for entry in entries}


@provokes(Reason.HANDSHAKE_TIMEOUT)
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_four_kinds_of_silence_are_distinguished(tmp_path, family):
    with Network() as net:
        client, server = getattr(net.client, family), getattr(net.server, family)
        for host in (net.client, net.server):
            host.ip("link", "set", "eth0", "gso_max_segs", "1")  # each segment a packet of its own, as on a real wire
        silent = net.server.fault_server("silent", host=server)
        peers = {port: node(tmp_path, net.server, server, port) for port in (SENT, RECEIVED, STOPPED, GONE)}
        seeds = [f"[{server}]:{port}" if ":" in server else f"{server}:{port}" for port in (*peers, silent)]
        for peer in peers.values():
            peer.start()
        try:
            net.router.firewall(
                "forward",
                f"tcp dport {SENT} meta length > {NARROW_BYTES} drop",
                f"tcp sport {RECEIVED} meta length > {NARROW_BYTES} drop",
                f"tcp dport {GONE} tcp flags & syn == 0 drop",
            )
            os.kill(peers[STOPPED].pid, signal.SIGSTOP)
            with node(tmp_path, net.client, client, DIALER_PORT, seeds=seeds, target_peers=len(seeds)) as dialer:
                dialer.wait_for(lambda status: len(failures_by_port(status)) == len(seeds), within_s=20)
                failures = failures_by_port(dialer.status())
        finally:
            os.kill(peers[STOPPED].pid, signal.SIGCONT)
            for peer in peers.values():
                peer.stop()
    assert {each["reason"] for each in failures.values()} == {"handshake_timeout"}

    assert failures[SENT]["blame"] == failures[RECEIVED]["blame"] == "path"
    assert failures[SENT]["evidence"]["large_segments_lost"] == "sent"
    assert failures[SENT]["evidence"]["unacknowledged"] == 1, "the small rest of our Hello has arrived"
    assert failures[SENT]["evidence"]["data_retransmits"] >= 3
    assert failures[RECEIVED]["evidence"]["large_segments_lost"] == "received"
    assert failures[RECEIVED]["evidence"]["unacknowledged"] == 0
    assert failures[RECEIVED]["evidence"]["data_retransmits"] == 0

    for port in (STOPPED, silent):
        evidence = failures[port]["evidence"]
        assert failures[port]["blame"] == "them"
        assert (evidence["unacknowledged"], evidence["data_retransmits"]) == (0, 0), "its kernel has all our bytes"
        assert "large_segments_lost" not in evidence

    assert failures[GONE]["blame"] == "unknown", "its host, or the path: nothing confirms our bytes"
    assert failures[GONE]["evidence"]["unacknowledged"] == 2
    assert failures[GONE]["evidence"]["data_retransmits"] >= 3
    assert "large_segments_lost" not in failures[GONE]["evidence"]


def test_a_path_whose_routers_report_the_size_is_not_a_black_hole(tmp_path):
    with Network() as net:
        net.router.ip("route", "replace", "198.19.1.0/24", "dev", "server", "mtu", "lock", str(NARROW_BYTES))
        with (
            node(tmp_path, net.server, net.server.ipv4, SENT) as peer,
            node(tmp_path, net.client, net.client.ipv4, DIALER_PORT, target_peers=0) as dialer,
        ):
            assert dialer.connect(peer.addr)["reason"] is None, "ICMP came, and the kernel sent smaller segments"
