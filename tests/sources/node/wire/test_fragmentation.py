"""However a stream is split, it means the same."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nocarrier.sources.node.wire import Connection
from nocarrier.sources.node.wire.events import HandshakeFailed, WireEvent
from tests.sources.node.wire.conversations import Conversation, conversations
from tests.sources.node.wire.pair import NOW

CONVERSATIONS = conversations()


def told(connection: Connection, pieces: list[bytes]) -> tuple[list[WireEvent], bytes, str]:
    """Events up to the end of the stream, everything that was answered, and the one thing that may differ:
    first_bytes."""
    events = [event for piece in pieces for event in connection.receive_data(piece, NOW)] + connection.receive_eof()
    first_bytes = ""
    for index, event in enumerate(events):
        if isinstance(event, HandshakeFailed) and "first_bytes" in event.evidence:
            evidence = event.evidence.copy()
            first_bytes = evidence.pop("first_bytes")
            events[index] = replace(event, evidence=evidence)
    return events, connection.data_to_send(), first_bytes


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(stream) + 1) for place in at), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(places)]


def assert_same(conversation: Conversation, pieces: list[bytes]) -> None:
    events, answer, first_bytes = told(conversation.make(), [conversation.stream])
    events_cut, answer_cut, first_bytes_cut = told(conversation.make(), pieces)
    assert events_cut == events
    assert answer_cut == answer
    assert first_bytes.startswith(first_bytes_cut)
    assert bool(first_bytes_cut) == bool(first_bytes)


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation.name)
def test_byte_by_byte_the_events_are_the_same(conversation):
    assert_same(conversation, [bytes([byte]) for byte in conversation.stream])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CONVERSATIONS), st.lists(st.integers(min_value=0, max_value=2**16), max_size=12))
def test_the_events_are_the_same_for_any_pieces(conversation, at):
    assert_same(conversation, cut(conversation.stream, at))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CONVERSATIONS), st.data())
def test_the_events_are_the_same_for_any_pieces_of_a_damaged_stream(conversation, data):
    stream = bytearray(conversation.stream or b"\x00")
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    damaged = replace(conversation, stream=bytes(stream))
    assert_same(damaged, cut(damaged.stream, data.draw(st.lists(st.integers(0, 2**16), max_size=12))))


def test_the_conversations_cover_every_kind_of_end():
    endings = {type(event).__name__ for each in CONVERSATIONS for event in told(each.make(), [each.stream])[0]}
    reasons = {
        event.reason.value
        for each in CONVERSATIONS
        for event in told(each.make(), [each.stream])[0]
        if isinstance(event, HandshakeFailed)
    }
    assert {"HandshakeCompleted", "HandshakeFailed", "GoodbyeReceived", "UnknownMessage", "PeersReceived"} <= endings
    assert {"DialedBack", "DialBackRequested", "DialBackAnswered"} <= endings
    assert {"version_mismatch", "genesis_mismatch", "self_dial_blocked", "peer_id_mismatch", "banned"} <= reasons
    assert {"ticket_invalid", "malformed_handshake", "not_our_protocol", "remote_closed", "handshake_error"} <= reasons
