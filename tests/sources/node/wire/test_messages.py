"""Messages: every bound of the schema, and what is not in it."""

from __future__ import annotations

import math
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.errors import WireError
from nocarrier.sources.node.wire.frames import SESSION_FRAME_MAX_BYTES
from nocarrier.sources.node.wire.messages import (
    DETAIL_MAX_LENGTH,
    MESSAGE_TYPES,
    DialBack,
    GetPeers,
    Goodbye,
    Hello,
    Ping,
    UnknownType,
    decode,
    encode,
    shorten,
)

HELLO = {
    "type": "hello",
    "node_id": "0a" * 32,
    "network": "main",
    "genesis": "0b" * 32,
    "min_version": 1,
    "max_version": 2,
    "nonce": bytes(32),
    "boot_id": bytes(8),
    "listen_port": 7072,
    "advertised": "peer.example:7072",
    "http_port": 7070,
    "user_agent": "x/1",
    "clock_unix": 1.5,
    "ticket": "t",
}
PEER = {"addr": "192.0.2.1:7072", "node_id": "0a" * 32}

LARGEST = [
    HELLO
    | {"network": "n" * 64, "user_agent": "u" * 256, "ticket": "t" * 4096, "min_version": 0, "max_version": 65535},
    HELLO | {"listen_port": None, "advertised": None, "http_port": None, "ticket": None, "clock_unix": 253_402_300_799},
    {"type": "auth", "signature": bytes(64)},
    {"type": "welcome", "observed_addr": "a" * 261, "peers": [PEER | {"addr": "a" * 261}] * 16},
    {"type": "welcome", "observed_addr": None, "peers": []},
    {"type": "reject", "code": "c" * 40, "detail": "d" * 256, "ticket": "t" * 40, "until_unix": 0},
    {"type": "get_peers"},
    {"type": "peer_list", "peers": [PEER | {"node_id": None}] * 64},
    {"type": "ping", "nonce": 2**64 - 1},
    {"type": "pong", "nonce": 0},
    {"type": "dial_back", "nonce": 2**64 - 1, "port": 65535},
    {"type": "dial_back_result", "nonce": 0, "outcome": "not_reached", "reason": "r" * 40},
    {"type": "dial_back_result", "nonce": 0, "outcome": "reached", "reason": None},
    {"type": "goodbye", "code": "c", "detail": ""},
]

TOO_MUCH = [
    *(
        HELLO | change
        for change in (
            {"node_id": "0a" * 31},
            {"node_id": "0A" * 32},
            {"node_id": "0a" * 31 + "0\n"},
            {"network": ""},
            {"network": "n" * 65},
            {"network": "two words"},
            {"genesis": "0b" * 33},
            {"min_version": -1},
            {"max_version": 65536},
            {"min_version": 3},
            {"nonce": bytes(31)},
            {"nonce": "n" * 32},
            {"boot_id": bytes(9)},
            {"listen_port": 0},
            {"advertised": ""},
            {"advertised": "x" * 300},
            {"http_port": 65536},
            {"user_agent": "u" * 257},
            {"user_agent": "\x1b[2J"},
            {"clock_unix": math.nan},
            {"clock_unix": math.inf},
            {"clock_unix": -math.inf},
            {"clock_unix": -1.0},
            {"clock_unix": 2**64 - 1},
            {"clock_unix": "now"},
            {"ticket": "t" * 4097},
            {"dial_back": 1},
            {"dial_back": None},
        )
    ),
    {"type": "auth", "signature": bytes(63)},
    {"type": "welcome", "peers": [PEER] * 17},
    {"type": "welcome", "observed_addr": "a" * 262},
    {"type": "welcome", "peers": [PEER | {"addr": ""}]},
    {"type": "welcome", "peers": [PEER | {"addr": "a" * 262}]},
    {"type": "welcome", "peers": [PEER | {"node_id": "x" * 64}]},
    {"type": "reject", "code": "c" * 41},
    {"type": "reject", "code": "Banned"},
    {"type": "reject", "code": "banned\n"},
    {"type": "reject", "code": "banned", "detail": "d" * 257},
    {"type": "reject", "code": "banned", "until_unix": math.nan},
    {"type": "peer_list", "peers": [PEER] * 65},
    {"type": "peer_list"},
    {"type": "ping", "nonce": -1},
    {"type": "ping", "nonce": 1.5},
    {"type": "ping"},
    {"type": "dial_back", "nonce": 1},
    {"type": "dial_back", "nonce": 1, "port": 0},
    {"type": "dial_back", "nonce": 1, "port": 65536},
    {"type": "dial_back", "nonce": -1, "port": 7072},
    {"type": "dial_back_result", "nonce": 1},
    {"type": "dial_back_result", "nonce": 1, "outcome": "maybe"},
    {"type": "dial_back_result", "nonce": 1, "outcome": "refused", "reason": "Not now"},
    {"type": "goodbye", "code": ""},
    {"type": "u" * 41},
    {"type": "No word"},
    {"type": 7},
    {},
    [],
    None,
]


@pytest.mark.parametrize("raw", LARGEST, ids=lambda raw: raw["type"])
def test_the_largest_of_everything_is_accepted_and_comes_back_the_same(raw):
    message = decode(msgspec.msgpack.encode(raw))
    assert isinstance(message, MESSAGE_TYPES)
    assert decode(encode(message)) == message


@pytest.mark.parametrize("raw", TOO_MUCH, ids=lambda raw: repr(raw)[-50:])
def test_a_value_outside_its_bounds_is_refused(raw):
    with pytest.raises(WireError, match="undecodable message"):
        decode(msgspec.msgpack.encode(raw))


@pytest.mark.parametrize(
    "field", sorted(set(HELLO) - {"listen_port", "advertised", "http_port", "user_agent", "ticket"})
)
def test_every_required_field_of_hello_is_required(field):
    with pytest.raises(WireError):
        decode(msgspec.msgpack.encode({name: value for name, value in HELLO.items() if name != field}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x81",
        encode(GetPeers()) + b"\x00",
        b"\x81\xa4type\xa5\xff\xfe\xfd\xfc\xfb",
        b"\xdf\xff\xff\xff\xff",
        b"\x82\xa4type\xa9peer_list\xa5peers\xdd\xff\xff\xff\xff",
        b"\x82\xa4type\xa4auth\xa9signature\xc6\xff\xff\xff\xff",
    ],
)
def test_incomplete_msgpack_is_refused(body):
    with pytest.raises(WireError):
        decode(body)


@pytest.mark.parametrize("nest", [b"\x91", b"\x81\xc0"], ids=["lists", "maps"])
@pytest.mark.parametrize("head", [b"\x82\xa4type\xa4ping\xa1x", b"\x82\xa4type\xa5later\xa1x", b""])
def test_nesting_of_a_whole_frame_is_refused_and_not_a_crash(nest, head):
    with pytest.raises(WireError):
        decode(head + nest * ((SESSION_FRAME_MAX_BYTES - len(head)) // len(nest)))


def test_unknown_fields_are_skipped_so_that_later_versions_can_add_some():
    assert decode(msgspec.msgpack.encode({"type": "ping", "nonce": 1, "later": {"a": [1, 2]}})) == Ping(nonce=1)


def test_an_unknown_type_is_distinguished_from_broken_bytes():
    assert decode(msgspec.msgpack.encode({"type": "later", "addr": "x"})) == UnknownType(type="later")


def test_a_dial_back_names_no_address_so_that_nobody_is_made_to_dial_others():
    asked = decode(msgspec.msgpack.encode({"type": "dial_back", "nonce": 1, "port": 80, "addr": "192.0.2.9"}))
    assert asked == DialBack(nonce=1, port=80)
    assert set(DialBack.__struct_fields__) == {"nonce", "port"}


def test_a_refusal_quotes_the_peer_only_in_bounds():
    with pytest.raises(WireError) as caught:
        decode(msgspec.msgpack.encode({"type": "x" * 100_000}))
    assert len(str(caught.value)) <= DETAIL_MAX_LENGTH


@pytest.mark.parametrize("head", [b"\xdd\x00\x03\xff\x00", b"\xdf\x00\x01\xff\x00"], ids=["list", "map"])
def test_decoding_a_hostile_frame_costs_memory_in_the_order_of_the_frame(head):
    body = b"\x83\xa4type\xa9peer_list\xa5later" + head
    body += b"\xc0" * (SESSION_FRAME_MAX_BYTES - len(body))
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < SESSION_FRAME_MAX_BYTES


@given(st.binary(max_size=200))
def test_decode_raises_only_its_own_error_for_any_bytes(body):
    try:
        outcome: object = decode(body)
    except WireError as error:
        outcome = error
    assert isinstance(outcome, (*MESSAGE_TYPES, UnknownType, WireError))


@given(st.text(alphabet=st.characters(), max_size=600))
def test_a_shortened_text_always_fits_and_can_be_sent(text):
    message = Goodbye(code="bye", detail=shorten(text))
    assert decode(encode(message)) == message


def test_the_schema_names_every_message_with_one_word():
    tags = [str(each.__struct_config__.tag) for each in MESSAGE_TYPES]
    assert len(set(tags)) == len(tags) == 11
    assert Hello in MESSAGE_TYPES
