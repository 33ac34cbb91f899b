"""The session: what either side can send once both have accepted each other."""

from __future__ import annotations

import msgspec
import pytest

from nocarrier.sources.node.wire import PeerAddress, State
from nocarrier.sources.node.wire.events import (
    DialBackAnswered,
    DialBackRequested,
    GoodbyeReceived,
    PeersReceived,
    PeersRequested,
    PingReceived,
    PongReceived,
    ProtocolViolation,
    UnknownMessage,
)
from nocarrier.sources.node.wire.frames import HANDSHAKE_FRAME_MAX_BYTES, frame
from nocarrier.sources.node.wire.messages import DialBackOutcome, Hello, decode
from tests.sources.node.wire.pair import NOW, dialer, session


def test_a_ping_is_answered_automatically():
    pair = session()
    pair.dialer.send_ping(2**64 - 1)
    pair.play()
    assert pair.listener_events == [PingReceived(nonce=2**64 - 1)]
    assert pair.dialer_events == [PongReceived(nonce=2**64 - 1)]


def test_peers_are_asked_for_and_named():
    pair = session()
    peers = (PeerAddress(addr="192.0.2.1:7072"), PeerAddress(addr="seed.example:7072"))
    pair.listener.send_get_peers()
    pair.play()
    assert pair.dialer_events == [PeersRequested()]
    pair.dialer.send_peer_list(peers)
    pair.play()
    assert pair.listener_events == [PeersReceived(peers=peers)]


def test_a_full_peer_list_passes_and_one_more_peer_is_refused():
    pair = session()
    peers = [PeerAddress(addr="a" * 261, node_id="0a" * 32)] * 64
    pair.dialer.send_peer_list(peers)
    pair.play()
    assert pair.listener_events == [PeersReceived(peers=tuple(peers))]
    with pytest.raises(ValueError, match="at most 64"):
        pair.dialer.send_peer_list([*peers, peers[0]])


def test_a_dial_back_is_asked_for_and_answered():
    pair = session()
    pair.listener.send_dial_back(2**64 - 1, 7072)
    pair.play()
    assert pair.dialer_events == [DialBackRequested(nonce=2**64 - 1, port=7072)]
    pair.dialer.send_dial_back_result(2**64 - 1, DialBackOutcome.NOT_REACHED, "timeout")
    pair.dialer.send_dial_back_result(7, DialBackOutcome.REACHED)
    pair.play()
    assert pair.listener_events == [
        DialBackAnswered(nonce=2**64 - 1, outcome=DialBackOutcome.NOT_REACHED, reason="timeout"),
        DialBackAnswered(nonce=7, outcome=DialBackOutcome.REACHED, reason=None),
    ]


def test_a_goodbye_ends_both_sides():
    pair = session()
    pair.dialer.send_goodbye("shutting_down", "x" * 1000)
    pair.play()
    (event,) = pair.listener_events
    assert isinstance(event, GoodbyeReceived)
    assert (event.code, len(event.detail)) == ("shutting_down", 256)
    assert pair.dialer.ended
    assert pair.listener.ended


def test_after_the_end_nothing_is_sent_or_read():
    pair = session()
    pair.dialer.send_goodbye("shutting_down")
    assert pair.dialer.data_to_send()
    pair.dialer.send_ping(1)
    pair.listener.send_ping(2)
    assert pair.dialer.receive_data(pair.listener.data_to_send(), NOW) == []
    assert pair.dialer.data_to_send() == b""


def test_the_end_of_the_stream_ends_the_session_without_an_event():
    pair = session()
    assert pair.dialer.receive_eof() == []
    assert pair.dialer.ended


@pytest.mark.parametrize(
    ("send", "arguments"),
    [
        ("send_get_peers", []),
        ("send_ping", [1]),
        ("send_peer_list", [[]]),
        ("send_dial_back", [1, 7072]),
        ("send_dial_back_result", [1, DialBackOutcome.REACHED]),
        ("send_goodbye", ["bye"]),
    ],
)
def test_no_session_message_can_be_sent_before_the_session(send, arguments):
    alice = dialer()
    alice.data_to_send()
    with pytest.raises(RuntimeError, match="before the handshake is complete"):
        getattr(alice, send)(*arguments)
    assert alice.data_to_send() == b""


def test_messages_of_later_versions_are_counted_and_ignored():
    pair = session()
    later = frame(msgspec.msgpack.encode({"type": "later", "port": 1}))
    assert pair.dialer.receive_data(later * 2, NOW) == [
        UnknownMessage(type="later"),
        UnknownMessage(type="later"),
    ]
    assert pair.dialer.state is State.SESSION


def test_frames_may_be_larger_once_both_are_in():
    pair = session()
    body = msgspec.msgpack.encode({"type": "later", "data": bytes(HANDSHAKE_FRAME_MAX_BYTES + 1)})
    assert pair.dialer.receive_data(frame(body), NOW) == [UnknownMessage(type="later")]


@pytest.mark.parametrize("stream", [frame(b"\xc1"), bytes(4), b"\xff" * 4, frame(b"\x81\xa4type\xa4ping")])
def test_broken_bytes_end_the_session_and_the_other_side_is_told(stream):
    pair = session()
    (event,) = pair.listener.receive_data(stream, NOW)
    assert isinstance(event, ProtocolViolation)
    assert pair.listener.ended
    goodbye = decode(pair.listener.data_to_send()[4:])
    assert (goodbye.code, goodbye.detail) == ("protocol_violation", event.detail)


def test_messages_before_broken_bytes_still_count():
    pair = session()
    pair.dialer.send_ping(7)
    events = pair.listener.receive_data(pair.dialer.data_to_send() + bytes(4), NOW)
    assert events[0] == PingReceived(nonce=7)
    assert isinstance(events[1], ProtocolViolation)


def test_a_second_handshake_within_a_session_is_a_violation():
    pair = session()
    hello = pair.to_listener[8 : 8 + 4 + int.from_bytes(pair.to_listener[8:12], "big")]
    assert isinstance(decode(hello[4:]), Hello)
    (event,) = pair.listener.receive_data(hello, NOW)
    assert event == ProtocolViolation(detail="Hello out of turn while we were in session")
