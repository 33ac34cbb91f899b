"""Reasons for which `nocarrier.dial()` does not even begin: no packet, no dial, one skip."""

from __future__ import annotations

import socket

import pytest

from nocarrier.dialing import AddressPolicy
from nocarrier.model.address import Address
from nocarrier.model.taxonomy import Reason
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.dialing import dial_once
from testbed.provokes import provokes


@pytest.mark.parametrize(
    ("addr", "reason", "blame"),
    [
        pytest.param("[2001:db8::7]:7072", "ipv6_blocked", "us", marks=provokes(Reason.IPV6_BLOCKED)),
        pytest.param("127.0.0.1:7072", "loopback_blocked", "them", marks=provokes(Reason.LOOPBACK_BLOCKED)),
        pytest.param("192.168.1.2:7072", "private_ip_blocked", "them", marks=provokes(Reason.PRIVATE_IP_BLOCKED)),
        pytest.param("0.0.0.0:7072", "invalid_ipv4_endpoint", "them", marks=provokes(Reason.INVALID_IPV4_ENDPOINT)),
        pytest.param("203.0.113.7:7072", "self_dial_blocked", "none", marks=provokes(Reason.SELF_DIAL_BLOCKED)),
    ],
)
async def test_policy_prevents_the_dial(addr, reason, blame):
    policy = AddressPolicy()
    policy.own_addresses.add(Address("203.0.113.7", 7072))
    seen = await dial_once(addr, policy=policy)
    assert (seen.reason, seen.phase, seen.kind, seen.blame) == (reason, "policy", "skip", blame)
    assert (seen.error, seen.attempts, seen.dial_id) == ("DialSkipped", (), None)
    assert not seen.penalised


@provokes(Reason.LOOPBACK_BLOCKED)
async def test_a_skip_sends_no_packet():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        await dial_once(f"127.0.0.1:{listener.getsockname()[1]}", policy=AddressPolicy())
        with pytest.raises(BlockingIOError):
            listener.accept()


@provokes(Reason.SELF_DIAL_BLOCKED)
async def test_our_own_listening_port_is_not_dialed():
    async with FAULT_SERVERS["silent"]() as port:
        policy = AddressPolicy(lan_mode=True)
        policy.own_addresses.add(Address("0.0.0.0", port))
        seen = await dial_once(f"127.0.0.1:{port}", policy=policy)
    assert seen.reason == "self_dial_blocked"


@provokes(Reason.INVALID_IPV4_ENDPOINT)
@pytest.mark.parametrize(
    "addr",
    [
        "203.0.113.7",
        "203.0.113.7:0",
        "203.0.113.7:65536",
        "203.0.113.7:-1",
        "203.0.113.7:http",
        "203.0.113.256:7072",
        "2001:db8::1:7072",
        "not a name:7072",
        "",
        "\udcff:7072",
        "peer\0.test:7072",
        "a" * 1_000_000 + ":7072",
        None,
        7072,
        b"203.0.113.7:7072",
        ["203.0.113.7:7072"],
        float("nan"),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_text_that_is_not_an_address_is_recorded_within_bounds_and_raised(addr):
    seen = await dial_once(addr)
    assert (seen.reason, seen.kind, seen.error) == ("invalid_ipv4_endpoint", "skip", "AddressError")
    assert isinstance(seen.addr, str)
    assert len(seen.addr) <= 300
    assert 0 < len(seen.detail) <= 300
    (seen.addr + seen.detail).encode()
