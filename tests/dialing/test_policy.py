"""The address policy says what forbids a dial, and reports first what helps."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.dialing.policy import AddressPolicy
from nocarrier.errors import ConfigError
from nocarrier.model.address import Address, Scope, scope_of
from nocarrier.model.taxonomy import Kind, Phase, Reason

LISTEN = 7072


def reason_of(policy: AddressPolicy, text: str) -> Reason | None:
    block = policy.check_text(text)
    return block.reason if block else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7:7072", None),
        ("198.18.0.1:7072", None),
        ("seed.example:7072", None),
        ("127.0.0.1:7072", Reason.LOOPBACK_BLOCKED),
        ("127.255.255.254:1", Reason.LOOPBACK_BLOCKED),
        ("10.0.0.1:7072", Reason.PRIVATE_IP_BLOCKED),
        ("172.31.255.255:7072", Reason.PRIVATE_IP_BLOCKED),
        ("172.32.0.0:7072", None),
        ("192.168.1.1:7072", Reason.PRIVATE_IP_BLOCKED),
        ("100.64.0.1:7072", Reason.PRIVATE_IP_BLOCKED),
        ("169.254.1.1:7072", Reason.PRIVATE_IP_BLOCKED),
        ("0.0.0.0:7072", Reason.INVALID_IPV4_ENDPOINT),
        ("224.0.0.1:7072", Reason.INVALID_IPV4_ENDPOINT),
        ("255.255.255.255:7072", Reason.INVALID_IPV4_ENDPOINT),
        ("203.0.113.7:0", Reason.INVALID_IPV4_ENDPOINT),
        ("203.0.113.7:65536", Reason.INVALID_IPV4_ENDPOINT),
        ("203.0.113.7", Reason.INVALID_IPV4_ENDPOINT),
        ("1.2.3:7072", Reason.INVALID_IPV4_ENDPOINT),
        ("", Reason.INVALID_IPV4_ENDPOINT),
        ("a" * 1_000_000, Reason.INVALID_IPV4_ENDPOINT),
        ("[2001:db8::1]:7072", Reason.IPV6_BLOCKED),
        ("[::1]:7072", Reason.IPV6_BLOCKED),
        ("[fd00::1]:7072", Reason.IPV6_BLOCKED),
        ("[ff02::1]:7072", Reason.INVALID_IPV4_ENDPOINT),
        ("[::]:7072", Reason.INVALID_IPV4_ENDPOINT),
        ("[::ffff:127.0.0.1]:7072", Reason.LOOPBACK_BLOCKED),
    ],
)
def test_by_default_only_public_ipv4_passes(text, expected):
    assert reason_of(AddressPolicy(), text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2001:db8::1]:7072", None),
        ("[::1]:7072", Reason.LOOPBACK_BLOCKED),
        ("[fd00::1]:7072", Reason.PRIVATE_IP_BLOCKED),
        ("[fe80::1]:7072", Reason.PRIVATE_IP_BLOCKED),
    ],
)
def test_dual_stack_applies_the_same_rules_to_ipv6(text, expected):
    assert reason_of(AddressPolicy(ipv4_only=False), text) is expected


@pytest.mark.parametrize("text", ["127.0.0.1:7072", "10.0.0.1:7072", "[::1]:7072", "[fd00::1]:7072"])
def test_lan_mode_allows_private_and_loopback(text):
    assert reason_of(AddressPolicy(ipv4_only=False, lan_mode=True), text) is None


@pytest.mark.parametrize("text", ["0.0.0.0:7072", "255.255.255.255:7072", "240.0.0.1:7072", "[ff02::1]:7072"])
def test_no_setting_allows_an_address_that_nobody_can_dial(text):
    policy = AddressPolicy(ipv4_only=False, lan_mode=True, allow_networks=["0.0.0.0/0", "::/0"])
    assert reason_of(policy, text) is Reason.INVALID_IPV4_ENDPOINT


def test_allow_networks_allows_only_these():
    policy = AddressPolicy(allow_networks=["127.0.0.0/8", "10.1.0.0/16"])
    assert reason_of(policy, "127.3.0.1:7072") is None
    assert reason_of(policy, "10.1.2.3:7072") is None
    assert reason_of(policy, "10.2.2.3:7072") is Reason.PRIVATE_IP_BLOCKED
    assert reason_of(policy, "203.0.113.7:7072") is None


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "lan", "", "10.0.0.0/8/8", None])
def test_an_invalid_network_is_refused_with_what_is_allowed(text):
    with pytest.raises(ConfigError, match="allowed are networks"):
        AddressPolicy(allow_networks=[text])


def test_own_addresses_are_not_dialed_and_may_change():
    policy = AddressPolicy()
    assert reason_of(policy, "203.0.113.7:7072") is None
    policy.own_addresses.add(Address("203.0.113.7", LISTEN))
    assert reason_of(policy, "203.0.113.7:7072") is Reason.SELF_DIAL_BLOCKED
    assert reason_of(policy, "[::ffff:203.0.113.7]:7072") is Reason.SELF_DIAL_BLOCKED
    assert reason_of(policy, "203.0.113.7:7073") is None, "another node on the same machine is not us"


def test_our_own_advertised_name_is_not_dialed():
    policy = AddressPolicy()
    policy.own_addresses.add(Address.parse("Node.Example:7072"))
    assert reason_of(policy, "node.example.:7072") is Reason.SELF_DIAL_BLOCKED


def test_listening_on_all_addresses_makes_every_interface_address_our_own():
    policy = AddressPolicy(ipv4_only=False, lan_mode=True)
    policy.own_addresses.add(Address("0.0.0.0", LISTEN))
    policy.own_ips.update({ipaddress.ip_address("203.0.113.7"), ipaddress.ip_address("2001:db8::7")})
    assert reason_of(policy, "203.0.113.7:7072") is Reason.SELF_DIAL_BLOCKED
    assert reason_of(policy, "127.9.9.9:7072") is Reason.SELF_DIAL_BLOCKED
    assert reason_of(policy, "203.0.113.8:7072") is None
    assert reason_of(policy, "203.0.113.7:7073") is None
    assert reason_of(policy, "[2001:db8::7]:7072") is None, "0.0.0.0 does not listen on IPv6"
    policy.own_addresses.add(Address("::", LISTEN))
    assert reason_of(policy, "[2001:db8::7]:7072") is Reason.SELF_DIAL_BLOCKED


def test_a_published_wildcard_is_the_peers_error_even_if_we_listen_on_it():
    policy = AddressPolicy()
    policy.own_addresses.add(Address("0.0.0.0", LISTEN))
    assert reason_of(policy, "0.0.0.0:7072") is Reason.INVALID_IPV4_ENDPOINT


def test_self_comes_before_loopback_and_private():
    policy = AddressPolicy()
    policy.own_addresses.update({Address("127.0.0.1", LISTEN), Address("::1", LISTEN), Address("10.0.0.1", LISTEN)})
    for text in ("127.0.0.1:7072", "[::1]:7072", "10.0.0.1:7072"):
        assert reason_of(policy, text) is Reason.SELF_DIAL_BLOCKED


def test_an_address_from_the_resolver_is_judged_in_its_plain_form():
    policy = AddressPolicy(ipv4_only=False)
    policy.own_addresses.add(Address("fe80::1", LISTEN))
    mapped = policy.check(ipaddress.ip_address("::ffff:10.0.0.1"), LISTEN)
    zoned = policy.check(ipaddress.ip_address("fe80::1%eth0"), LISTEN)
    assert mapped is not None
    assert mapped.reason is Reason.PRIVATE_IP_BLOCKED
    assert zoned is not None
    assert zoned.reason is Reason.SELF_DIAL_BLOCKED


def test_the_detail_names_the_address_and_the_setting():
    assert AddressPolicy().check_text("10.0.0.1:7072").detail == (
        "10.0.0.1 is private, lan_mode is off and allow_networks is empty"
    )
    assert "ipv4_only" in AddressPolicy().check_text("[2001:db8::1]:7072").detail
    assert "no port" in AddressPolicy().check_text("203.0.113.7").detail


def test_a_default_port_completes_a_bare_host():
    assert AddressPolicy().check_text("203.0.113.7", default_port=LISTEN) is None
    assert AddressPolicy().check_text("10.0.0.1", default_port=LISTEN).reason is Reason.PRIVATE_IP_BLOCKED


@given(ip=st.ip_addresses(), port=st.integers(1, 65535))
def test_every_address_allowed_by_default_is_public_ipv4(ip, port):
    block = AddressPolicy().check(ip, port)
    if block is None:
        plain = (ip.ipv4_mapped or ip) if ip.version == 6 else ip
        assert plain.version == 4
        assert scope_of(plain) is Scope.PUBLIC
    else:
        assert block.reason.kind is Kind.SKIP
        assert block.reason.phase is Phase.POLICY


@given(text=st.text(max_size=400))
def test_any_text_gets_a_verdict_and_never_raises(text):
    block = AddressPolicy().check_text(text)
    assert block is None or len(block.detail) < 5_000
