"""Every reason of the phase connect, provoked in a network with real kernels, routes and firewalls."""

from __future__ import annotations

import contextlib
import platform

import pytest

from nocarrier.model.taxonomy import Reason
from testbed.dialing import dial_in
from testbed.netns import Network
from testbed.programs import NOT_PROVEN, requires_root_netns
from testbed.provokes import provokes

pytestmark = requires_root_netns

PORT = 7072
"""Nothing listens there."""
LINUX_X86_64 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason=f"{NOT_PROVEN}the system call filter is for x86-64"
)
RETRANSMITS_S = 1.3
"""A connect timeout in which one SYN is sent again: the kernel does so after 1 s (RFC 6298 section 2)."""

HOP, HOP6 = "198.18.1.1", "2001:db8:1::1"
"""The router, as the client sees it."""
OWN, OWN6 = "198.18.1.2", "2001:db8:1::2"


def server(net, *, ipv6: bool, port: int = PORT) -> str:
    return f"[{net.server.ipv6}]:{port}" if ipv6 else f"{net.server.ipv4}:{port}"


both_families = pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])


@contextlib.contextmanager
def route(host, *what):
    host.ip("route", "add", *what)
    try:
        yield
    finally:
        host.ip("route", "del", *what)


# ---- refused --------------------------------------------------------------------------------------------------------


@provokes(Reason.CONNECTION_REFUSED)
@both_families
def test_a_closed_port_answers_with_a_reset(net, ipv6):
    seen = dial_in(net.client, server(net, ipv6=ipv6))
    assert (seen.reason, seen.phase, seen.blame) == ("connection_refused", "connect", "them")
    assert (seen.error, seen.error_errno) == ("ConnectionRefusedError", "ECONNREFUSED")
    assert seen.evidence.pop("elapsed_s") < 1
    assert seen.evidence == {"errno": "ECONNREFUSED", "decided_by": "network", "syn_retransmits": 0}
    assert seen.penalised


@provokes(Reason.CONNECTION_REFUSED)
@pytest.mark.parametrize(("ipv6", "icmp"), [(False, (3, 3, HOP)), (True, (1, 4, HOP6))], ids=["ipv4", "ipv6"])
def test_a_router_that_refuses_is_named(net, ipv6, icmp):
    net.router.firewall("forward", f"tcp dport {PORT} reject with icmpx port-unreachable")
    seen = dial_in(net.client, server(net, ipv6=ipv6))
    assert (seen.reason, seen.blame) == ("connection_refused", "path")
    assert tuple(seen.evidence["icmp"].values()) == icmp
    assert seen.evidence["decided_by"] == "network"
    assert seen.penalised


@provokes(Reason.CONNECTION_REFUSED)
@pytest.mark.parametrize(("ipv6", "icmp"), [(False, (3, 3, OWN)), (True, (1, 4, OWN6))], ids=["ipv4", "ipv6"])
def test_our_own_firewall_that_refuses_is_ours(net, ipv6, icmp):
    net.client.firewall("output", f"tcp dport {PORT} reject with icmpx port-unreachable")
    seen = dial_in(net.client, server(net, ipv6=ipv6))
    assert (seen.reason, seen.blame) == ("connection_refused", "us")
    assert tuple(seen.evidence["icmp"].values()) == icmp
    assert seen.evidence["decided_by"] == "local"
    assert not seen.penalised


# ---- no answer ------------------------------------------------------------------------------------------------------


@provokes(Reason.TIMEOUT)
@pytest.mark.parametrize(
    ("dropping", "hook", "ipv6"),
    [("server", "input", False), ("server", "input", True), ("router", "forward", False)],
)
def test_a_dropping_firewall_on_the_path_is_silence_and_the_paths(net, dropping, hook, ipv6):
    getattr(net, dropping).firewall(hook, f"tcp dport {PORT} drop")
    seen = dial_in(net.client, server(net, ipv6=ipv6), connect_s=RETRANSMITS_S)
    assert (seen.reason, seen.phase, seen.blame) == ("timeout", "connect", "path")
    assert (seen.error, seen.error_errno) == ("TimeoutError", None)
    assert seen.evidence["syn_retransmits"] == 1
    assert RETRANSMITS_S <= seen.evidence["elapsed_s"] < 2 * RETRANSMITS_S
    assert seen.evidence.keys().isdisjoint({"errno", "decided_by", "icmp", "no_neighbour"})


@provokes(Reason.TIMEOUT)
@both_families
def test_a_drop_by_our_own_firewall_is_ours(net, ipv6):
    net.client.firewall("output", f"tcp dport {PORT} drop")
    seen = dial_in(net.client, server(net, ipv6=ipv6), connect_s=RETRANSMITS_S)
    assert (seen.reason, seen.blame) == ("timeout", "us")
    assert seen.evidence["decided_by"] == "local"
    assert seen.evidence["syn_retransmits"] == 1
    assert not seen.penalised


@provokes(Reason.TIMEOUT)
def test_the_kernels_own_deadline_is_the_same_reason_with_its_errno(net):
    net.server.firewall("input", f"tcp dport {PORT} drop")
    net.client.sysctl("net.ipv4.tcp_syn_retries", 1)
    seen = dial_in(net.client, server(net, ipv6=False), connect_s=8)
    net.client.sysctl("net.ipv4.tcp_syn_retries", 6)
    assert (seen.reason, seen.phase, seen.blame) == ("timeout", "connect", "path")
    assert (seen.error, seen.error_errno) == ("TimeoutError", "ETIMEDOUT")
    assert seen.evidence["errno"] == "ETIMEDOUT"
    assert seen.evidence["syn_retransmits"] >= 1
    assert seen.evidence["elapsed_s"] < 6


@provokes(Reason.TIMEOUT)
def test_a_deadline_during_a_search_for_the_neighbour_says_so(net):
    seen = dial_in(net.client, f"198.18.1.78:{PORT}", connect_s=RETRANSMITS_S)
    assert (seen.reason, seen.blame) == ("timeout", "path")
    assert seen.evidence["no_neighbour"] is True
    assert "decided_by" not in seen.evidence


# ---- unreachable ----------------------------------------------------------------------------------------------------


@provokes(Reason.NETWORK_UNREACHABLE)
@pytest.mark.parametrize(("ipv6", "icmp"), [(False, (3, 0, HOP)), (True, (1, 0, HOP6))], ids=["ipv4", "ipv6"])
def test_a_router_without_a_route_is_named(net, ipv6, icmp):
    seen = dial_in(net.client, "[2001:db8:77::7]:1" if ipv6 else "192.0.2.7:1")
    assert (seen.reason, seen.blame) == ("network_unreachable", "path")
    assert tuple(seen.evidence["icmp"].values()) == icmp
    assert (seen.evidence["errno"], seen.evidence["decided_by"]) == ("ENETUNREACH", "network")


@provokes(Reason.NETWORK_UNREACHABLE)
@both_families
def test_no_default_route_of_our_own_is_ours(net, ipv6):
    family, router = ("-6", HOP6) if ipv6 else ("-4", HOP)
    net.client.ip(family, "route", "del", "default")
    seen = dial_in(net.client, server(net, ipv6=ipv6))
    net.client.ip(family, "route", "add", "default", "via", router)
    assert (seen.reason, seen.phase, seen.blame) == ("network_unreachable", "connect", "us")
    assert (seen.evidence["errno"], seen.evidence["decided_by"]) == ("ENETUNREACH", "local")
    assert "icmp" not in seen.evidence
    assert not seen.penalised


@provokes(Reason.NETWORK_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE)
def test_a_machine_whose_link_goes_down_or_whose_ipv6_is_off_blames_itself():
    with Network() as net:  # its own: neither can be undone completely
        net.client.ip("link", "set", "eth0", "down")
        cut_off = dial_in(net.client, server(net, ipv6=False))
        net.client.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        without_ipv6 = dial_in(net.client, server(net, ipv6=True))
    assert (cut_off.reason, cut_off.blame, cut_off.evidence["decided_by"]) == ("network_unreachable", "us", "local")
    assert (without_ipv6.reason, without_ipv6.blame) == ("addr_not_available", "us")
    assert (without_ipv6.evidence["errno"], without_ipv6.evidence["decided_by"]) == ("EADDRNOTAVAIL", "local")
    assert not without_ipv6.penalised


@provokes(Reason.HOST_UNREACHABLE)
@pytest.mark.parametrize(
    ("ipv6", "icmp", "errno"),
    [(False, (3, 13, HOP), "EHOSTUNREACH"), (True, (1, 1, HOP6), "EACCES")],
    ids=["ipv4", "ipv6"],
)
def test_a_router_that_prohibits_is_named_and_never_taken_for_us(net, ipv6, icmp, errno):
    net.router.firewall("forward", f"tcp dport {PORT} reject with icmpx admin-prohibited")
    seen = dial_in(net.client, server(net, ipv6=ipv6))
    assert (seen.reason, seen.blame) == ("host_unreachable", "path")
    assert tuple(seen.evidence["icmp"].values()) == icmp
    assert (seen.evidence["errno"], seen.evidence["decided_by"]) == (errno, "network")
    assert seen.error_errno == errno, "the caller sees the kernel's error"


@contextlib.contextmanager
def impatient_neighbours(host, interface):
    """The kernel asks three times for an address on the link, by default 1 s apart."""
    keys = [f"net.{family}.neigh.{interface}.retrans_time_ms" for family in ("ipv4", "ipv6")]
    for key in keys:
        host.sysctl(key, 200)
    yield
    for key in keys:
        host.sysctl(key, 1000)


@provokes(Reason.HOST_UNREACHABLE)
@pytest.mark.parametrize("host", ["198.18.1.77", "[2001:db8:1::77]"])
def test_nobody_answers_for_the_address_on_our_link(net, host):
    with impatient_neighbours(net.client, "eth0"):
        seen = dial_in(net.client, f"{host}:{PORT}", connect_s=8)
    assert (seen.reason, seen.blame) == ("host_unreachable", "path")
    assert seen.evidence["no_neighbour"] is True
    assert seen.evidence["errno"] == "EHOSTUNREACH"
    assert 0.3 < seen.evidence["elapsed_s"] < 6


@provokes(Reason.HOST_UNREACHABLE)
def test_nobody_answers_for_the_address_on_the_last_routers_link(net):
    with impatient_neighbours(net.router, "server"):
        seen = dial_in(net.client, f"198.19.1.77:{PORT}", connect_s=8)
    assert (seen.reason, seen.blame) == ("host_unreachable", "path")
    assert tuple(seen.evidence["icmp"].values()) == (3, 1, HOP)
    assert "no_neighbour" not in seen.evidence, "the router knows that, we do not"


# ---- what this machine decides --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason", "errno"),
    [
        pytest.param("unreachable", "host_unreachable", "EHOSTUNREACH", marks=provokes(Reason.HOST_UNREACHABLE)),
        pytest.param("prohibit", "permission_denied", "EACCES", marks=provokes(Reason.PERMISSION_DENIED)),
        pytest.param("blackhole", "route_blackhole", "EINVAL", marks=provokes(Reason.ROUTE_BLACKHOLE)),
    ],
)
@pytest.mark.parametrize(
    ("to", "addr"), [("203.0.113.0/24", "203.0.113.7:1"), ("2001:db8:99::/48", "[2001:db8:99::7]:1")]
)
def test_a_route_of_our_own_that_goes_nowhere_is_ours(net, kind, reason, errno, to, addr):
    with route(net.client, kind, to):
        seen = dial_in(net.client, addr)
    assert (seen.reason, seen.phase, seen.blame) == (reason, "connect", "us")
    assert (seen.evidence["errno"], seen.evidence["decided_by"]) == (errno, "local")
    assert seen.error_errno == errno
    assert "icmp" not in seen.evidence
    assert not seen.penalised


@provokes(Reason.PERMISSION_DENIED)
def test_our_own_firewall_that_prohibits_ipv6_is_ours(net):
    net.client.firewall("output", f"tcp dport {PORT} reject with icmpx admin-prohibited")
    seen = dial_in(net.client, server(net, ipv6=True))
    assert (seen.reason, seen.blame) == ("permission_denied", "us")
    assert tuple(seen.evidence["icmp"].values()) == (1, 1, OWN6)
    assert seen.evidence["decided_by"] == "local"


@provokes(Reason.EPHEMERAL_PORTS_EXHAUSTED)
def test_all_local_ports_are_in_use(net):
    net.client.sysctl("net.ipv4.ip_local_port_range", "40000 40001")
    hold_both = (
        f"import socket; held = [socket.create_connection(('{net.server.ipv4}', {net.silent})) for _ in range(2)]"
    )
    seen = dial_in(net.client, server(net, ipv6=False, port=net.silent), before=hold_both)
    net.client.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
    assert (seen.reason, seen.blame) == ("ephemeral_ports_exhausted", "us")
    assert (seen.evidence["errno"], seen.evidence["decided_by"]) == ("EADDRNOTAVAIL", "local")
    assert (seen.evidence["limit"], seen.evidence["in_use"]) == (2, 2)
    assert not seen.penalised


NO_DESCRIPTOR_LEFT = """
import os, resource
dial_once = dialing.dial_once
async def dial_without_descriptors(**options):
    used = len(os.listdir("/proc/self/fd")) - 1  # without the one that lists them
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
    return await dial_once(**options)
dialing.dial_once = dial_without_descriptors
"""


@provokes(Reason.FD_EXHAUSTED)
def test_all_file_descriptors_are_in_use(net):
    seen = dial_in(net.client, server(net, ipv6=False, port=net.silent), before=NO_DESCRIPTOR_LEFT)
    assert (seen.reason, seen.phase, seen.blame) == ("fd_exhausted", "connect", "us")
    limit = seen.evidence["limit"]
    assert 0 < limit < 50
    known = {"errno": "EMFILE", "decided_by": "local", "limit": limit}
    # Before Linux 6.2 counting the open descriptors takes one.
    assert seen.evidence in (known, known | {"in_use": limit})
    assert not seen.penalised


DENY = "import errno, socket; from testbed import seccomp; seccomp.deny({!r}, errno.{}, arg0={})"


@pytest.mark.parametrize(
    ("call", "arg0", "errno", "reason"),
    [
        pytest.param("connect", None, "ENOBUFS", "no_memory", marks=provokes(Reason.NO_MEMORY)),
        pytest.param("socket", "socket.AF_INET6", "ENOMEM", "no_memory", marks=provokes(Reason.NO_MEMORY)),
        pytest.param(
            "socket", "socket.AF_INET6", "EAFNOSUPPORT", "family_unavailable", marks=provokes(Reason.FAMILY_UNAVAILABLE)
        ),
        pytest.param("connect", None, "EPERM", "permission_denied", marks=provokes(Reason.PERMISSION_DENIED)),
    ],
)
@LINUX_X86_64
def test_a_kernel_that_refuses_the_system_call_is_ours(net, call, arg0, errno, reason):
    addr = server(net, ipv6=True, port=net.silent6)
    seen = dial_in(net.client, addr, before=DENY.format(call, errno, arg0))
    assert (seen.reason, seen.phase, seen.blame) == (reason, "connect", "us")
    assert (seen.evidence["errno"], seen.evidence["decided_by"]) == (errno, "local")
    assert seen.error_errno == errno
    assert not seen.penalised
