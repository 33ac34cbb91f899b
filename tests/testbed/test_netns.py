"""The kit that provokes faults does what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed import netns, resolver
from testbed.netns import FlatNetwork, Namespaces, Network
from testbed.programs import NOT_PROVEN, requires_root_netns

pytestmark = requires_root_netns

DIAL = """
import errno, json, socket, sys
host, port = sys.argv[1], int(sys.argv[2])
dialer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
dialer.settimeout(3)
try:
    dialer.connect((host, port))
    print(json.dumps(dialer.recv(64).decode()))
except OSError as error:
    print(json.dumps(errno.errorcode.get(error.errno, repr(error))))
"""
LOOK_UP = """
import json, socket, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = sorted({answer[4][0] for answer in socket.getaddrinfo(name, 1, type=socket.SOCK_STREAM)})
    except socket.gaierror as error:
        found[name] = error.errno
print(json.dumps(found))
"""


def namespaces_of(pid: int) -> list[Path]:
    return [*netns.NETNS_DIRECTORY.glob(f"nc{pid}-*"), *netns.ETC_DIRECTORY.glob(f"nc{pid}-*")]


def names_of(*networks: Namespaces) -> list[str]:
    return [host.name for made in networks for host in made.made]


def still_there(names: list[str]) -> list[str]:
    return [name for name in names if (netns.NETNS_DIRECTORY / name).exists()]


def test_client_reaches_server_through_router_over_ipv4_and_ipv6(network):
    for host in (network.server.ipv4, network.server.ipv6):
        port = network.server.fault_server("ssh", host=host)
        assert network.client.python(DIAL, host, port).startswith("SSH-2.0-")


def test_the_client_sees_rejections_by_the_router(network):
    network.router.firewall("forward", "meta l4proto tcp reject with icmpx admin-prohibited")
    assert network.client.python(DIAL, network.server.ipv4, 7072) == "EHOSTUNREACH"
    assert network.client.python(DIAL, network.server.ipv6, 7072) == "EACCES"


def test_rejects_are_not_rate_limited(network):
    network.router.firewall("forward", "meta l4proto tcp reject with icmpx host-unreachable")
    seen = {network.client.python(DIAL, network.server.ipv4, 7072) for _ in range(12)}
    assert seen == {"EHOSTUNREACH"}


def test_no_rules_let_everything_pass_again(network):
    port = network.server.fault_server("ssh")
    network.client.firewall("output", "meta l4proto tcp reject with icmpx host-unreachable")
    assert network.client.python(DIAL, network.server.ipv4, port) == "EHOSTUNREACH"
    network.client.firewall("output")
    assert network.client.python(DIAL, network.server.ipv4, port).startswith("SSH-2.0-")


def test_names_are_looked_up_at_the_resolver_of_the_namespace(network):
    table = '{"seed.test": ["198.19.1.2", "2001:db8:2::2"], "four.test": ["198.19.1.2"]}'
    network.server.start_python(Path(resolver.__file__), network.server.ipv4, table)
    network.client.resolv_conf(network.server.ipv4)
    names = ("seed.test", "four.test", "unknown.test", "nodata.test", "servfail.test", "refused.test", "silent.test")
    found = network.client.python(LOOK_UP, *names)
    # gai.h: EAI_NONAME -2, EAI_AGAIN -3, EAI_NODATA -5
    assert found == {
        "seed.test": ["198.19.1.2", "2001:db8:2::2"],
        "four.test": ["198.19.1.2"],
        "unknown.test": -2,
        "nodata.test": -5,
        "servfail.test": -3,
        "refused.test": -3,
        "silent.test": -3,
    }


def test_every_host_of_a_flat_network_reaches_every_other():
    with FlatNetwork(3) as flat:
        ports = {host: host.fault_server("ssh") for host in flat.hosts}
        for host in flat.hosts:
            for other, port in ports.items():
                assert host.python(DIAL, other.ipv4, port).startswith("SSH-2.0-")


def test_a_single_host_has_only_its_loopback():
    with Namespaces() as alone:
        host = alone.add("host")
        port = host.fault_server("ssh")
        assert host.python(DIAL, "127.0.0.1", port).startswith("SSH-2.0-")
        assert host.python(DIAL, "198.19.1.2", port) == "ENETUNREACH"


def test_two_networks_at_once_do_not_clash():
    with Network() as one, Network() as other:
        port = one.server.fault_server("ssh", port=7072)
        assert one.client.python(DIAL, one.server.ipv4, port).startswith("SSH-2.0-")
        assert other.client.python(DIAL, other.server.ipv4, port) == "ECONNREFUSED"
        names = names_of(one, other)
        assert len(still_there(names)) == len(set(names)) == 6
    assert still_there(names) == []


def test_an_exception_leaves_nothing_behind():
    made, processes = Network(), []

    def fail_inside():
        with made:
            made.client.resolv_conf("127.0.0.1")
            processes.append(made.client.popen(["sleep", "60"]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    names = names_of(made)
    assert len(names) == 3
    assert still_there(names) == []
    assert not [name for name in names if (netns.ETC_DIRECTORY / name).exists()]
    assert [process.returncode for process in processes] == [-signal.SIGKILL]


def test_a_network_that_fails_halfway_leaves_nothing_behind():
    class Broken(Network):
        def build(self):
            super().build()
            self.client.ip("link", "set", "no-such-link", "up")

    broken = Broken()
    with pytest.raises(RuntimeError, match="no-such-link"):
        broken.__enter__()
    assert len(names_of(broken)) == 3
    assert still_there(names_of(broken)) == []


def test_a_child_killed_from_outside_leaves_nothing_behind_not_even_its_orphan():
    with Network() as made:
        names = names_of(made)
        process = made.client.popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
        orphan = Path("/proc", process.stdout.readline().strip())
        process.kill()
        process.wait()
        assert orphan.exists()
    assert not orphan.exists() or "State:\tZ" in (orphan / "status").read_text()
    assert still_there(names) == []


DENIED = """
import errno, json, socket
from testbed import seccomp
seccomp.deny("connect", errno.ENOBUFS)
seccomp.deny("socket", errno.EAFNOSUPPORT, arg0=socket.AF_INET6)
seen = [errno.errorcode[socket.socket().connect_ex(("127.0.0.1", 9))]]
try:
    socket.socket(socket.AF_INET6)
except OSError as error:
    seen.append(errno.errorcode[error.errno])
print(json.dumps(seen))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason=f"{NOT_PROVEN}the system call filter is for x86-64")
def test_the_kernel_refuses_only_the_call_that_seccomp_denies():
    with Namespaces() as alone:
        assert alone.add("host").python(DENIED) == ["ENOBUFS", "EAFNOSUPPORT"]


OWNER = """
import sys, time
from testbed.netns import Network
with Network() as made:
    made.server.popen(["sleep", "60"])
    print("ready", flush=True)
    time.sleep(60)
"""


def start_owner() -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": netns.PYTHON_PATH}
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout.readline() == b"ready\n"
    assert len(namespaces_of(process.pid)) == 3
    return process


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_process_told_to_end_removes_its_network(ending):
    with start_owner() as owner:
        owner.send_signal(ending)
        owner.wait(timeout=10)
        assert namespaces_of(owner.pid) == []


def test_a_sweep_removes_only_what_a_killed_process_left(network):
    with start_owner() as owner:
        owner.kill()
        owner.wait()
        left = namespaces_of(owner.pid)
        assert len(left) == 3
        netns.sweep()
        assert namespaces_of(owner.pid) == []
        assert len(still_there(names_of(network))) == 3


@pytest.mark.speed
def test_a_network_is_made_fast():
    started_s = time.perf_counter()
    with Network():
        made_in_s = time.perf_counter() - started_s
    assert made_in_s < 2
