"""Addresses: one normal form for each endpoint, and nothing passes that cannot be dialed."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.errors import AddressError
from nocarrier.model.address import (
    DEFAULT_NETGROUP_PREFIX,
    MAX_ADDRESS_LENGTH,
    Address,
    Scope,
    netgroup_of,
    parse_ip,
    scope_of,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("192.0.2.1:7072", "192.0.2.1:7072"),
        ("[192.0.2.1]:7072", "192.0.2.1:7072"),
        ("192.0.2.1:07072", "192.0.2.1:7072"),
        ("[2001:DB8:0:0::1]:7072", "[2001:db8::1]:7072"),
        ("[::ffff:192.0.2.1]:7072", "192.0.2.1:7072"),
        ("[::ffff:c000:201]:7072", "192.0.2.1:7072"),
        ("Seed.Example:7072", "seed.example:7072"),
        ("seed.example.:7072", "seed.example:7072"),
        ("localhost:1", "localhost:1"),
        ("_service.example:65535", "_service.example:65535"),
        ("xn--bcher-kva.example:7072", "xn--bcher-kva.example:7072"),
    ],
)
def test_every_spelling_of_an_endpoint_has_one_normal_form(text, normal):
    assert str(Address.parse(text)) == normal


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no port"),
        ("192.0.2.1", "no port"),
        ("2001:db8::1", "no port"),
        ("[2001:db8::1]", "no port"),
        ("192.0.2.1:", "must be a number"),
        ("192.0.2.1:x", "must be a number"),
        ("192.0.2.1:-1", "must be a number"),
        ("192.0.2.1:+1", "must be a number"),
        ("192.0.2.1:1_0", "must be a number"),
        ("192.0.2.1:\u0667", "must be a number"),
        ("192.0.2.1:7072\n", "must be a number"),
        ("192.0.2.1:0", "out of range"),
        ("192.0.2.1:65536", "out of range"),
        ("[2001:db8::1]7072", "written"),
        ("[2001:db8::1:7072", "written"),
        (":7072", "neither"),
        ("[]:7072", "neither"),
        ("192.0.2.256:7072", "neither"),
        ("192.0.2:7072", "neither"),
        ("192.0.2.010:7072", "neither"),
        ("127.1:7072", "neither"),
        ("0x7f.1:7072", "neither"),
        ("2130706433:7072", "neither"),
        (" 192.0.2.1:7072", "neither"),
        ("seed..example:7072", "neither"),
        ("-seed.example:7072", "neither"),
        ("seed-.example:7072", "neither"),
        ("bücher.example:7072", "neither"),
        ("seed example:7072", "neither"),
        ("http://seed.example:7072", "no port"),
        ("a" * 64 + ".example:7072", "neither"),
        (".".join(["a" * 50] * 5) + ":7072", "neither"),
        ("a" * 1_000_000, "1000000 characters"),
    ],
)
def test_a_malformed_address_is_refused_with_what_is_wrong(text, says):
    with pytest.raises(AddressError, match=says):
        Address.parse(text)


@pytest.mark.parametrize("value", [None, 7072, b"192.0.2.1:7072", ["192.0.2.1:7072"]])
def test_a_value_that_is_not_text_is_refused_with_its_type(value):
    with pytest.raises(AddressError, match=type(value).__name__):
        Address.parse(value)


@pytest.mark.parametrize("text", ["[fe80::1%\x1b[31m]:7072", "[2001:db8::1%eth0]:7072", "[2001:db8::1% \n]:7072"])
def test_a_zone_is_refused_because_it_means_nothing_on_another_machine(text):
    with pytest.raises(AddressError):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("192.0.2.1", "192.0.2.1:7072"),
        ("2001:db8::1", "[2001:db8::1]:7072"),
        ("[2001:db8::1]", "[2001:db8::1]:7072"),
        ("seed.example", "seed.example:7072"),
        ("192.0.2.1:1", "192.0.2.1:1"),
    ],
)
def test_a_default_port_is_used_only_if_none_is_written(text, normal):
    assert str(Address.parse(text, default_port=7072)) == normal


def test_the_longest_possible_name_fits():
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    address = Address.parse(f"{name}:65535")
    assert address.host == name
    assert len(str(address)) <= MAX_ADDRESS_LENGTH


_NUMBER = st.integers(0, 300).map(str) | st.sampled_from(["00", "01", "010", "0255", "", "\u0661", " 1", "-1"])


@given(host=st.lists(_NUMBER, min_size=3, max_size=5).map(".".join), port=st.integers(-1, 70_000).map(str) | _NUMBER)
def test_four_numbers_are_an_address_exactly_if_the_standard_library_says_so(host, port):
    try:
        ipaddress.IPv4Address(host)
        possible = port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535
    except ValueError:
        possible = False
    if possible:
        address = Address.parse(f"{host}:{port}")
        assert (address.host, address.port, address.is_ip) == (host, int(port), True)
    else:
        with pytest.raises(AddressError):
            Address.parse(f"{host}:{port}")


@pytest.mark.parametrize(("host", "is_ip"), [("2001:db8::1", True), ("peer.test", False), ("192.0.2.256", False)])
def test_a_host_is_an_ip_address_or_a_name(host, is_ip):
    assert Address(host, 7072).is_ip is is_ip


def test_a_name_has_no_ip_and_an_ip_has():
    assert Address.parse("seed.example:7072").ip is None
    assert Address.parse("[2001:db8::1]:7072").ip == ipaddress.ip_address("2001:db8::1")
    assert parse_ip("::ffff:192.0.2.1") == ipaddress.ip_address("192.0.2.1")


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("203.0.113.7", Scope.PUBLIC),
        ("198.18.0.1", Scope.PUBLIC),
        ("100.63.255.255", Scope.PUBLIC),
        ("100.64.0.0", Scope.PRIVATE),
        ("100.128.0.0", Scope.PUBLIC),
        ("10.255.255.255", Scope.PRIVATE),
        ("172.15.255.255", Scope.PUBLIC),
        ("172.16.0.0", Scope.PRIVATE),
        ("169.254.0.1", Scope.PRIVATE),
        ("127.0.0.1", Scope.LOOPBACK),
        ("127.255.255.255", Scope.LOOPBACK),
        ("0.0.0.0", Scope.UNUSABLE),
        ("0.1.2.3", Scope.UNUSABLE),
        ("224.0.0.1", Scope.UNUSABLE),
        ("255.255.255.255", Scope.UNUSABLE),
        ("2001:db8::1", Scope.PUBLIC),
        ("::1", Scope.LOOPBACK),
        ("::", Scope.UNUSABLE),
        ("ff02::1", Scope.UNUSABLE),
        ("fe80::1", Scope.PRIVATE),
        ("fd00::1", Scope.PRIVATE),
    ],
)
def test_scope(text, scope):
    assert scope_of(ipaddress.ip_address(text)) is scope


def test_a_netgroup_is_a_block_that_one_holder_is_likely_to_own():
    assert netgroup_of("192.0.2.1", ipv4_prefix=DEFAULT_NETGROUP_PREFIX) == "192.0.0.0/16"
    assert netgroup_of("192.0.2.1", ipv4_prefix=24) == "192.0.2.0/24"
    assert netgroup_of("2001:db8:1::1", ipv4_prefix=24) == "2001:db8::/32"
    assert netgroup_of("seed.example", ipv4_prefix=24) == "seed.example"


@given(
    host=st.ip_addresses() | st.from_regex(r"\A[a-z][a-z0-9]{0,20}(\.[a-z]{2,8}){0,3}\Z"), port=st.integers(1, 65535)
)
def test_reading_a_normal_form_gives_the_same_address(host, port):
    text = f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    address = Address.parse(text)
    assert Address.parse(str(address)) == address


@given(text=st.text(max_size=300))
def test_any_text_is_an_address_in_printable_ascii_or_refused(text):
    try:
        address = Address.parse(text, default_port=1)
    except AddressError:
        return
    assert str(address).isascii()
    assert str(address).isprintable()
    assert " " not in str(address)
