"""Framing: lengths, limits, and cost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.errors import WireError
from nocarrier.sources.node.wire.frames import (
    HANDSHAKE_FRAME_MAX_BYTES,
    PREAMBLE,
    SESSION_FRAME_MAX_BYTES,
    FrameReader,
    frame,
)


def reader_of(data: bytes) -> FrameReader:
    reader = FrameReader()
    reader.feed(data)
    return reader


@given(st.lists(st.binary(min_size=1, max_size=300)))
def test_framed_bodies_are_read_back(bodies):
    reader = reader_of(b"".join(map(frame, bodies)))
    assert list(iter(reader.read_frame, None)) == bodies
    assert len(reader) == 0


def test_a_frame_is_returned_only_when_it_is_complete():
    reader = FrameReader()
    for byte in frame(b"body")[:-1]:
        reader.feed(bytes([byte]))
        assert reader.read_frame() is None
    reader.feed(b"y")
    assert reader.read_frame() == b"body"


def test_an_empty_frame_is_refused():
    with pytest.raises(WireError, match="a frame of 0 bytes"):
        reader_of(bytes(4)).read_frame()


@pytest.mark.parametrize("limit", [HANDSHAKE_FRAME_MAX_BYTES, SESSION_FRAME_MAX_BYTES])
def test_the_limit_is_allowed_and_one_more_is_refused_before_its_body_comes(limit):
    reader = reader_of(frame(bytes(limit)))
    reader.max_body_bytes = limit
    assert reader.read_frame() == bytes(limit)
    reader.feed((limit + 1).to_bytes(4, "big"))
    with pytest.raises(WireError, match=str(limit)):
        reader.read_frame()


def test_the_preamble_is_taken_once_and_gives_the_wire_version():
    reader = reader_of(PREAMBLE + frame(b"x"))
    assert reader.read_preamble() == 1
    assert reader.read_frame() == b"x"


def test_a_preamble_that_cannot_be_ours_is_refused_at_its_first_wrong_byte():
    reader = reader_of(b"NO")
    assert reader.read_preamble() is None
    reader.feed(b"P")
    with pytest.raises(WireError):
        reader.read_preamble()
    assert reader.peek(32) == b"NOP"


def seconds_to_read_byte_by_byte(body_bytes: int) -> float:
    stream = frame(bytes(body_bytes))
    reader = FrameReader()
    reader.max_body_bytes = body_bytes
    started = time.process_time()
    for position in range(len(stream)):
        reader.feed(stream[position : position + 1])
        body = reader.read_frame()
    assert body == bytes(body_bytes)
    return time.process_time() - started


def test_byte_by_byte_costs_linear_time():
    small = min(seconds_to_read_byte_by_byte(16_000) for _ in range(3))
    large = min(seconds_to_read_byte_by_byte(256_000) for _ in range(2))
    # 16 times the bytes; quadratic would be 256 times the time.
    assert large < 64 * small


def test_many_small_frames_in_one_piece_cost_linear_time():
    def seconds(count: int) -> float:
        reader = reader_of(frame(b"x") * count)
        started = time.process_time()
        assert sum(1 for _ in iter(reader.read_frame, None)) == count
        return time.process_time() - started

    assert min(seconds(160_000) for _ in range(2)) < 64 * min(seconds(10_000) for _ in range(3))
