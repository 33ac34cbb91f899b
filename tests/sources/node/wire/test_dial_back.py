"""The dial-back: two Hellos and nothing more, whatever else either side sends."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire import Connection, Rejection, State
from nocarrier.sources.node.wire.events import DialedBack, HandshakeFailed
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import Auth, Hello, Reject, Welcome, encode
from tests.sources.node.wire.pair import ALICE, BOB, NOW, Pair, dialer, listener, local_peer, messages_of, refuse


def dial_back(**changes: object) -> Connection:
    return dialer(dial_back=True, admit=never_asked, **changes)


def never_asked(remote, *, proven):
    raise AssertionError("nobody is admitted by a dial-back")


def hello_of(identity, **flags: object) -> bytes:
    return frame(encode(local_peer(identity).hello(nonce=b"n" * 32, clock_unix=NOW, **flags)))


def test_both_sides_say_hello_and_end():
    pair = Pair(dialer=dial_back(), listener=listener(admit=never_asked)).play()
    (at_dialer,), (at_listener,) = pair.dialer_events, pair.listener_events
    assert isinstance(at_dialer, DialedBack)
    assert isinstance(at_listener, DialedBack)
    assert (at_dialer.remote.node_id, at_listener.remote.node_id) == (BOB.node_id, ALICE.node_id)
    assert at_dialer.remote.boot_id == local_peer(BOB).boot_id
    assert pair.dialer.state is pair.listener.state is State.ENDED
    (to_listener,), (to_dialer,) = messages_of(pair.to_listener), messages_of(pair.to_dialer)
    assert (to_listener.dial_back, to_dialer.dial_back) == (True, False)


@pytest.mark.parametrize(
    "change",
    [
        {"min_version": 3, "max_version": 4},
        {"genesis": "cd" * 32},
        {"identity": ALICE},
        {"admit": refuse(Rejection(reason=Reason.BANNED), when_proven=False)},
    ],
    ids=["version", "genesis", "itself", "banned"],
)
def test_the_listener_of_a_dial_back_gives_no_verdict(change):
    """A rejected node learns no more than from the Hello that it gets anyway, and nothing is proven to it."""
    pair = Pair(dialer=dial_back(), listener=listener(**change)).play()
    assert [type(message) for message in messages_of(pair.to_dialer)] == [Hello]
    assert [type(event) for event in pair.dialer_events + pair.listener_events] == [DialedBack, DialedBack]


def test_the_flag_cannot_lead_into_a_session():
    bob = listener(admit=never_asked, verify=lambda node_id, signature, data: True)
    rest = frame(encode(Auth(signature=bytes(64)))) + frame(encode(Welcome()))
    (event,) = bob.receive_data(PREAMBLE + hello_of(ALICE, dial_back=True) + rest, NOW)
    assert isinstance(event, DialedBack)
    assert bob.receive_data(rest, NOW) == []
    assert [type(message) for message in messages_of(bob.data_to_send())] == [Hello]


def test_a_listener_cannot_turn_a_dial_for_a_session_into_a_dial_back():
    alice = dialer()
    assert alice.receive_data(PREAMBLE + hello_of(BOB, dial_back=True), NOW) == []
    assert alice.state is State.AWAIT_AUTH


def test_a_listener_that_says_more_than_hello_is_not_read():
    alice = dial_back()
    rest = frame(encode(Reject(code="banned"))) + b"\xff" * 100
    (event,) = alice.receive_data(PREAMBLE + hello_of(BOB) + rest, NOW)
    assert isinstance(event, DialedBack)
    assert alice.receive_eof() == []


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.NOT_OUR_PROTOCOL),
        (PREAMBLE, Reason.REMOTE_CLOSED),
        (PREAMBLE + frame(encode(Reject(code="too_many_peers"))), Reason.TOO_MANY_PEERS),
        (PREAMBLE + frame(encode(Welcome())), Reason.MALFORMED_HANDSHAKE),
    ],
    ids=["http", "nothing", "rejection", "out of turn"],
)
def test_without_a_hello_nobody_was_met(stream, reason):
    alice = dial_back()
    (event,) = alice.receive_data(stream, NOW) + alice.receive_eof()
    assert isinstance(event, HandshakeFailed)
    assert event.reason is reason


def test_an_echo_of_our_hello_is_nobody():
    alice = dial_back()
    (event,) = alice.receive_data(alice.data_to_send(), NOW)
    assert isinstance(event, HandshakeFailed)
    assert event.evidence["speaks"] == "echo"
