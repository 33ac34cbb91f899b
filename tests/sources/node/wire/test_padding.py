"""A Hello takes a full segment and a small one, so that a path that drops large packets reveals itself."""

from __future__ import annotations

import pytest

from nocarrier.sources.node.wire.frames import HANDSHAKE_FRAME_MAX_BYTES, LENGTH_BYTES, PREAMBLE
from nocarrier.sources.node.wire.messages import HELLO_MIN_BYTES, Hello, decode, encode
from tests.sources.node.wire.pair import ALICE, BOB, NOW, dialer, listener, local_peer, messages_of

SEGMENT_BYTES = (1460, 1448, 1440, 1428)
"""Over Ethernet: IPv4 and IPv6, without and with timestamps."""


def test_the_first_bytes_of_a_dialer_end_with_a_small_segment():
    said = dialer().data_to_send()
    assert [type(message) for message in messages_of(said)] == [Hello], "in one write, the preamble with it"
    for segment in SEGMENT_BYTES:
        assert 1 < len(said) / segment < 1.2


def test_a_listener_answers_in_the_same_size():
    bob = listener()
    said = dialer().data_to_send()
    bob.receive_data(said[:1448], NOW)
    assert bob.data_to_send() == PREAMBLE, "the first segment alone is not yet a Hello"
    bob.receive_data(said[1448:], NOW)
    answer = bob.data_to_send()
    for segment in SEGMENT_BYTES:
        assert 1 < len(answer) / segment < 1.2


def test_a_hello_that_is_large_by_itself_is_not_padded_and_still_fits():
    large = local_peer(ALICE, ticket="t" * 4096, user_agent="u" * 256, advertised="a" * 255 + ":7072")
    hello = large.hello(nonce=bytes(32), clock_unix=NOW)
    assert hello.padding == b""
    assert HELLO_MIN_BYTES < len(encode(hello)) + LENGTH_BYTES < HANDSHAKE_FRAME_MAX_BYTES


@pytest.mark.parametrize("length", [0, 1, 300])
def test_the_size_is_reached_whatever_else_the_hello_contains(length):
    body = encode(local_peer(BOB, ticket="t" * length).hello(nonce=bytes(32), clock_unix=NOW))
    assert HELLO_MIN_BYTES <= len(body) <= HELLO_MIN_BYTES + 2, "plus the bytes for the length of the padding"
    assert decode(body).ticket == "t" * length
