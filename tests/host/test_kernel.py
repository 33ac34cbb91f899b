"""What the kernel answers, on loopback; tests/reasons/test_connect.py tests firewalls and routers."""

from __future__ import annotations

import errno
import socket
import sys

import pytest

from nocarrier.host import kernel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the evidence is Linux's")

LOOPBACK = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@pytest.fixture
def refused():
    """A socket that a closed port has just refused."""
    with socket.socket() as reserved, socket.socket() as dialer:
        reserved.bind(("127.0.0.1", 0))
        kernel.watch_errors(dialer, socket.AF_INET)
        assert dialer.connect_ex(reserved.getsockname()) == errno.ECONNREFUSED
        yield dialer


def test_an_error_returned_by_connect_itself_was_decided_here(refused):
    evidence = kernel.failure_evidence(refused, errno.EACCES, returned_by_connect=True, waited=False)
    assert evidence == {"errno": "EACCES", "decided_by": "local"}


def test_a_reset_comes_from_the_network_and_leaves_no_icmp(refused):
    evidence = kernel.failure_evidence(refused, errno.ECONNREFUSED, returned_by_connect=False, waited=True)
    assert evidence == {"errno": "ECONNREFUSED", "decided_by": "network", "syn_retransmits": 0}


def test_an_errno_without_a_name_is_kept_as_a_number(refused):
    evidence = kernel.failure_evidence(refused, 9999, returned_by_connect=True, waited=False)
    assert evidence["errno"] == "9999"


def test_a_closed_socket_costs_the_evidence_and_nothing_else():
    dialer = socket.socket()
    dialer.close()
    kernel.watch_errors(dialer, socket.AF_INET)
    evidence = kernel.failure_evidence(dialer, errno.EBADF, returned_by_connect=False, waited=True)
    assert evidence == {"errno": "EBADF", "decided_by": "network"}


@pytest.mark.parametrize(("family", "host"), LOOPBACK)
def test_errors_are_watched_only_as_long_as_asked(family, host):
    level, option = {
        socket.AF_INET: (socket.IPPROTO_IP, 11),
        socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
    }[family]
    with socket.socket(family) as dialer:
        kernel.watch_errors(dialer, family)
        assert dialer.getsockopt(level, option) == 1
        kernel.watch_errors(dialer, family, on=False)
        assert dialer.getsockopt(level, option) == 0


@pytest.mark.parametrize("host", [host for _, host in LOOPBACK])
def test_loopback_is_our_own_and_reachable(host):
    assert kernel.source_ip_for(host) == host
    assert kernel.is_own_ip(host)
    assert kernel.has_route_to(host)


def test_there_is_no_source_address_if_nothing_may_be_sent():
    assert kernel.source_ip_for("255.255.255.255") is None  # the kernel asks for SO_BROADCAST first (ip(7))
    assert not kernel.is_own_ip("255.255.255.255")
    assert not kernel.has_route_to("255.255.255.255")
