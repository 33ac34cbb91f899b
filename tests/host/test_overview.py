"""What this machine has to dial with, as its kernel shows it."""

from __future__ import annotations

import json
import sys
import time

import pytest

from nocarrier.host import limits, overview
from nocarrier.host.limits import exhaustion_evidence
from nocarrier.host.overview import read_host_state
from nocarrier.model.host_state import HostState
from nocarrier.model.taxonomy import Reason
from testbed.netns import Network
from testbed.programs import requires_root_netns

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's files")

READ = """
import dataclasses, json, resource, socket
from nocarrier.host.overview import read_host_state
resource.setrlimit(resource.RLIMIT_NOFILE, (123, 123))
held = [socket.socket() for _ in range(10)]
listener = socket.create_server(("127.0.0.1", 0))
connected = [socket.create_connection(listener.getsockname()) for _ in range(3)]
print(json.dumps(dataclasses.asdict(read_host_state())))
"""


@requires_root_netns
def test_a_host_with_and_without_a_way_out():
    with Network() as net:
        net.client.sysctl("net.ipv4.ip_local_port_range", "40000 40099")
        state = net.client.python(READ)
        assert (state["has_default_ipv4"], state["has_default_ipv6"]) == (True, True)
        assert state["gateways"] == ["198.18.1.1", "2001:db8:1::1"]
        assert (state["reject_routes"], state["interfaces_up"]) == ([], ["eth0"])
        assert (state["ephemeral_ports"], state["open_files_limit"]) == (100, 123)
        assert 17 <= state["open_files"] < 40, "standard streams, ten sockets, one that listens, three connections"
        assert state["tcp_sockets"] == 7, "one listens; three connections have two ends each here"

        net.client.ip("route", "del", "default")
        net.client.ip("route", "add", "prohibit", "203.0.113.0/24")
        state = net.client.python(READ)
        assert (state["has_default_ipv4"], state["has_default_ipv6"]) == (False, True)
        assert state["gateways"] == ["2001:db8:1::1"]
        assert state["reject_routes"] == ["203.0.113.0/24"]

        net.client.ip("link", "set", "eth0", "down")
        state = net.client.python(READ)
        assert (state["has_default_ipv4"], state["interfaces_up"]) == (False, [])


@linux
@pytest.mark.speed
def test_an_overview_costs_little():
    took_s = []
    for _ in range(20):
        started_s = time.perf_counter()
        read_host_state()
        took_s.append(time.perf_counter() - started_s)
    assert min(took_s) < 0.002


def test_nothing_is_claimed_if_the_system_shows_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "_OPEN_FILES", str(tmp_path / "fd"))
    monkeypatch.setattr(limits, "_LOCAL_PORTS", str(tmp_path / "ports"))
    monkeypatch.setattr(limits, "_SOCKETS_IPV4", str(tmp_path))
    monkeypatch.setattr(overview, "read_routes", lambda: None)
    state = read_host_state()
    assert (state.open_files, state.ephemeral_ports, state.tcp_sockets) == (None, None, None)
    assert (state.has_default_ipv4, state.has_default_ipv6, state.interfaces_up) == (None, None, None)
    assert exhaustion_evidence(Reason.EPHEMERAL_PORTS_EXHAUSTED) == {}
    assert json.dumps(exhaustion_evidence(Reason.TIMEOUT)) == "{}"


def test_on_another_system_nothing_is_known(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert read_host_state() == HostState()


@pytest.mark.parametrize("text", ["", "1", "a b", "\xff"])
def test_a_file_with_unexpected_contents_is_ignored(monkeypatch, tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text, encoding="latin-1")
    for file in ("_LOCAL_PORTS", "_SOCKETS_IPV4", "_SOCKETS_IPV6"):
        monkeypatch.setattr(limits, file, str(path))
    state = read_host_state()
    assert (state.ephemeral_ports, state.tcp_sockets) == (None, None)
