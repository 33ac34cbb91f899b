"""Peers that try to cost us memory or time get little of either."""

from __future__ import annotations

import time
import tracemalloc

import msgspec
import pytest

from nocarrier.sources.node.wire import Connection, State
from nocarrier.sources.node.wire.events import WireEvent
from nocarrier.sources.node.wire.frames import HANDSHAKE_FRAME_MAX_BYTES, PREAMBLE, SESSION_FRAME_MAX_BYTES, frame
from tests.sources.node.wire.pair import NOW, dialer, listener, session

KB = 1024


def peak_bytes(connection: Connection, piece: bytes, times: int) -> int:
    """The most memory held while `piece` is received `times` times."""
    tracemalloc.start()
    try:
        for _ in range(times):
            connection.receive_data(piece, NOW)
            connection.data_to_send()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def ending(events: list[WireEvent]) -> str:
    return type(events[-1]).__name__


@pytest.mark.parametrize("make", [dialer, listener])
def test_an_oversized_length_is_refused_by_its_four_bytes(make):
    connection = make()
    (event,) = connection.receive_data(PREAMBLE + (HANDSHAKE_FRAME_MAX_BYTES + 1).to_bytes(4, "big"), NOW)
    assert (event.reason.value, connection.ended) == ("malformed_handshake", True)
    assert event.detail == "a frame of 16385 bytes; allowed are 1 to 16384"


@pytest.mark.parametrize("make", [dialer, listener])
def test_a_stranger_that_never_ends_a_frame_makes_us_hold_at_most_one_frame(make):
    connection = make()
    connection.receive_data(PREAMBLE + HANDSHAKE_FRAME_MAX_BYTES.to_bytes(4, "big"), NOW)
    assert peak_bytes(connection, b"\xc0", HANDSHAKE_FRAME_MAX_BYTES - 1) < 3 * HANDSHAKE_FRAME_MAX_BYTES
    assert connection.state is State.AWAIT_HELLO


def test_an_endless_stream_after_the_end_is_dropped():
    connection = listener()
    connection.receive_data(b"XY", NOW)
    assert connection.ended
    assert peak_bytes(connection, bytes(64 * KB), 1000) < 16 * KB


def test_an_endless_stream_of_frames_in_a_session_takes_no_memory():
    connection = session().listener
    body = msgspec.msgpack.encode({"type": "later", "data": bytes(200 * KB)})
    assert peak_bytes(connection, frame(body)[: 64 * KB], 1) < 512 * KB
    connection = session().listener
    assert peak_bytes(connection, frame(body), 200) < 4 * SESSION_FRAME_MAX_BYTES
    assert connection.state is State.SESSION


def test_the_rejection_of_a_stranger_costs_it_more_than_us():
    """No answer before the handshake is larger than one padded Hello, and TCP has verified where it goes."""
    connection = listener()
    connection.receive_data(PREAMBLE + bytes(4), NOW)
    assert len(connection.data_to_send()) < 2 * KB


def test_the_answer_to_pings_is_no_larger_than_the_pings():
    pair = session()
    for nonce in range(1000):
        pair.dialer.send_ping(nonce)
    pings = pair.dialer.data_to_send()
    assert len(pair.listener.receive_data(pings, NOW)) == 1000
    assert len(pair.listener.data_to_send()) <= len(pings)


@pytest.mark.parametrize("nest", [b"\x91", b"\x81\xc0", b"\xdd\x00\x00\x00\x01"])
def test_deep_nesting_costs_memory_and_time_of_one_frame(nest):
    connection = session().listener
    body = b"\x82\xa4type\xa4ping\xa1x"
    body += nest * ((SESSION_FRAME_MAX_BYTES - len(body)) // len(nest))
    started = time.process_time()
    assert peak_bytes(connection, frame(body), 1) < 8 * SESSION_FRAME_MAX_BYTES
    assert time.process_time() - started < 1.0
    assert connection.ended


def test_a_session_heard_byte_by_byte_costs_linear_time():
    def seconds(data_bytes: int) -> float:
        connection = session().listener
        stream = frame(msgspec.msgpack.encode({"type": "later", "data": bytes(data_bytes)}))
        started = time.process_time()
        events = [event for byte in stream for event in connection.receive_data(bytes([byte]), NOW)]
        assert ending(events) == "UnknownMessage"
        return time.process_time() - started

    # 16 times the bytes; quadratic would be 256 times the time.
    assert min(seconds(160 * KB) for _ in range(2)) < 64 * min(seconds(10 * KB) for _ in range(3))


def test_a_piece_of_many_tiny_frames_costs_linear_time():
    connection = session().listener
    pings = frame(msgspec.msgpack.encode({"type": "ping", "nonce": 1})) * 40_000
    started = time.process_time()
    assert len(connection.receive_data(pings, NOW)) == 40_000
    assert time.process_time() - started < 5.0
