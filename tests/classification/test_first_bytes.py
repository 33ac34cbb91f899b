"""The table of first bytes: what gets a name, and that a name never changes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.classification.first_bytes import FIRST_BYTES_MAX, SIGNATURES, may_get_a_name, name_protocol

NAMED = [
    (b"NOCARR\x00\x01", "nocarrier"),
    (b"HTTP/1.1 400 Bad Request\r\n", "http"),
    (b"HTTP/1.0 200 OK\r\n", "http"),
    (b"GET / HTTP/1.1\r\n", "http"),
    (b"OPTIONS * HTTP/1.1\r\n", "http"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"),
    (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "http2"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "tls"),
    (b"\x15\x03\x03\x00\x02\x02\x46", "tls"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", "ssh"),
    (b"\xf9\xbe\xb4\xd9version\x00", "bitcoin"),
    (b"\x0b\x11\x09\x07version\x00", "bitcoin"),
    (b"\x1c\x16\x3f\x28version\x00", "bitcoin"),
    (b"\x0a\x03\xcf\x40version\x00", "bitcoin"),
    (b"\xfa\xbf\xb5\xdaversion\x00", "bitcoin"),
    (b"\x13/multistream/1.0.0\n", "multistream"),
    (b"\x13BitTorrent protocol\x00\x00", "bittorrent"),
    (b"220 mail.example ESMTP\r\n", "smtp_or_ftp"),
    (b"220-Welcome\r\n", "smtp_or_ftp"),
    (b"+OK POP3 ready\r\n", "pop3"),
    (b"* OK IMAP4rev2 ready\r\n", "imap"),
    (b"-ERR unknown command 'NOCARR', with args\r\n", "redis"),
    (b"-ERR Protocol error: too big inline request\r\n", "redis"),
    (b"-DENIED Redis is running in protected mode", "redis"),
    (b"-NOAUTH Authentication required.\r\n", "redis"),
    (b"\x4a\x00\x00\x00\x0a8.0.36\x00", "mysql"),
    (b"RFB 003.008\n", "rfb"),
    (b"AMQP\x00\x00\x09\x01", "amqp"),
    (b'INFO {"server_id":"N', "nats"),
]

NAMELESS = [
    b"",
    b"H",
    b"hello",
    b"-ERR no such user\r\n",
    b"\x16\x04\x01",
    b"\x16\x03\x05",
    b"220",
    bytes(32),
    b"\xff" * 32,
]


@pytest.mark.parametrize(("first_bytes", "protocol"), NAMED)
def test_a_protocol_is_named_by_its_first_bytes(first_bytes, protocol):
    assert name_protocol(first_bytes) == protocol
    assert name_protocol(first_bytes[:FIRST_BYTES_MAX]) == protocol


@pytest.mark.parametrize("first_bytes", NAMELESS)
def test_bytes_that_decide_nothing_have_no_name(first_bytes):
    assert name_protocol(first_bytes) is None


def test_every_protocol_of_the_table_has_an_example_here():
    assert {protocol for _, protocol in NAMED} == {signature.protocol for signature in SIGNATURES}


@pytest.mark.parametrize(("first_bytes", "protocol"), NAMED)
def test_a_name_is_possible_until_it_is_certain(first_bytes, protocol):
    for length in range(len(first_bytes)):
        assert name_protocol(first_bytes[:length]) == protocol or may_get_a_name(first_bytes[:length])


def test_no_two_protocols_can_claim_the_same_bytes():
    for one, other in itertools.combinations(SIGNATURES, 2):
        overlap = all(a & b for a, b in zip(one.pattern, other.pattern, strict=False))
        assert not overlap or one.protocol == other.protocol, (one, other)


def test_no_signature_is_longer_than_the_bytes_kept():
    assert max(len(signature.pattern) for signature in SIGNATURES) <= FIRST_BYTES_MAX
    assert all(signature.source for signature in SIGNATURES)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_name_never_changes_when_more_bytes_come(first, more):
    name = name_protocol(first)
    assert name is None or name_protocol(first + more) == name
    if name is None and not may_get_a_name(first):
        assert name_protocol(first + more) is None
