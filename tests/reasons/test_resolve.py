"""Every reason of the phase resolve, provoked with the system's resolver and a name server that misbehaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nocarrier.model.taxonomy import Reason
from testbed import resolver
from testbed.dialing import dial_in
from testbed.netns import Namespaces
from testbed.programs import requires_root_netns
from testbed.provokes import provokes

pytestmark = requires_root_netns

NAMES = {
    "six.test": ["2001:db8::7"],
    "lan.test": ["10.1.2.3"],
    "mixed.test": ["2001:db8::7", "10.1.2.3"],
    "two.test": ["127.0.0.8", "127.0.0.9"],
    "half.test": ["127.0.0.8", "127.0.0.1"],
}
NAME_SERVER = "127.0.0.1"
SILENT_WHERE_NOBODY_LISTENS = "127.0.0.2"


@pytest.fixture(scope="module")
def host():
    """A host that has only a loopback and a name server."""
    with Namespaces() as made:
        alone = made.add("host")
        alone.start_python(Path(resolver.__file__), NAME_SERVER, json.dumps(NAMES))
        alone.silent = alone.fault_server("silent")
        yield alone


@pytest.fixture
def asks(host):
    """The host, with the name server as its resolver."""
    host.resolv_conf(NAME_SERVER)
    return host


@provokes(Reason.DNS_NOT_FOUND)
@pytest.mark.parametrize("name", ["nxdomain.test", "nodata.test"])
def test_a_name_without_an_address_is_theirs(asks, name):
    seen = dial_in(asks, f"{name}:7072")
    assert (seen.reason, seen.phase, seen.kind, seen.blame) == ("dns_not_found", "resolve", "failure", "them")
    assert seen.error == "gaierror"
    assert seen.attempts == []
    assert seen.phases_s.keys() == {"resolve"}
    assert "errno" not in seen.evidence, "getaddrinfo's codes are not errnos"


@provokes(Reason.DNS_TEMPORARY)
@pytest.mark.parametrize("name", ["servfail.test", "refused.test"])
def test_a_resolver_that_fails_is_ours(asks, name):
    seen = dial_in(asks, f"{name}:7072")
    assert (seen.reason, seen.phase, seen.blame) == ("dns_temporary", "resolve", "us")
    assert not seen.penalised


@provokes(Reason.DNS_TEMPORARY)
def test_a_missing_resolver_is_ours(host):
    host.resolv_conf(SILENT_WHERE_NOBODY_LISTENS)
    seen = dial_in(host, "seed.test:7072", connect_s=5)
    assert (seen.reason, seen.blame, seen.error) == ("dns_temporary", "us", "gaierror")


@provokes(Reason.DNS_TIMEOUT)
def test_a_silent_resolver_runs_into_our_deadline(host):
    host.resolv_conf(NAME_SERVER, options="timeout:5 attempts:2")
    seen = dial_in(host, "silent.test:7072", connect_s=0.3)
    assert (seen.reason, seen.phase, seen.blame) == ("dns_timeout", "resolve", "us")
    assert seen.error == "TimeoutError"
    assert 0.3 <= seen.evidence["elapsed_s"] < 2, "a resolver that hangs delays nothing else"
    assert not seen.penalised


@provokes(Reason.DNS_NO_USABLE_FAMILY)
def test_a_name_with_ipv6_only_on_an_ipv4_only_node(asks):
    seen = dial_in(asks, "six.test:7072", policy={"ipv4_only": True})
    assert (seen.reason, seen.phase, seen.kind, seen.blame) == ("dns_no_usable_family", "resolve", "failure", "us")
    assert seen.error == "DialSkipped"
    assert [(each["addr"], each["reason"]) for each in seen.attempts] == [("[2001:db8::7]:7072", "ipv6_blocked")]


@provokes(Reason.PRIVATE_IP_BLOCKED)
@pytest.mark.parametrize("name", ["lan.test", "mixed.test"])
def test_a_name_cannot_bypass_the_policy(asks, name):
    seen = dial_in(asks, f"{name}:7072", policy={})
    assert (seen.reason, seen.phase, seen.blame) == ("private_ip_blocked", "resolve", "them")
    assert seen.kind == "failure", "the dial had begun"
    assert seen.error == "DialSkipped"
    assert {each["addr"] for each in seen.attempts} >= {"10.1.2.3:7072"}
    assert "10.1.2.3" in seen.detail
    assert "connect" not in seen.phases_s


def test_every_address_of_a_name_is_tried(asks):
    seen = dial_in(asks, f"two.test:{asks.silent}")
    assert seen.reason == "connection_refused"
    assert sorted(each["addr"] for each in seen.attempts) == [f"127.0.0.{n}:{asks.silent}" for n in (8, 9)]
    assert [each["reason"] for each in seen.attempts] == ["connection_refused"] * 2
    assert seen.addr == f"two.test:{asks.silent}"


def test_one_dead_address_of_a_name_does_not_fail_the_dial(asks):
    seen = dial_in(asks, f"half.test:{asks.silent}", handshake="read", handshake_s=0.2)
    assert (seen.reason, seen.phase) == ("handshake_timeout", "handshake"), "127.0.0.1 was reached"
    assert {each["addr"]: each["reason"] for each in seen.attempts}[f"127.0.0.1:{asks.silent}"] is None
