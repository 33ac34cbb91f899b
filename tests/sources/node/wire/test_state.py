"""The state table: every state and every message, on either side."""

from __future__ import annotations

import itertools

import pytest

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire import Connection, Role, State
from nocarrier.sources.node.wire.events import HandshakeCompleted, HandshakeFailed, ProtocolViolation
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import (
    MESSAGE_TYPES,
    Auth,
    DialBack,
    DialBackOutcome,
    DialBackResult,
    GetPeers,
    Goodbye,
    PeerList,
    Ping,
    Pong,
    Reject,
    Welcome,
    WireMessage,
    encode,
)
from nocarrier.sources.node.wire.state import TRANSITIONS, Preamble
from tests.sources.node.wire.pair import ALICE, BOB, NOW, dialer, listener, local_peer

HELLO_OF = {
    Role.DIALER: local_peer(BOB).hello(nonce=b"b" * 32, clock_unix=NOW),
    Role.LISTENER: local_peer(ALICE).hello(nonce=b"a" * 32, clock_unix=NOW),
}
"""What each side receives."""

OTHERS: tuple[WireMessage, ...] = (
    Auth(signature=bytes(64)),
    Welcome(),
    Reject(code="banned"),
    Ping(nonce=1),
    Pong(nonce=1),
    GetPeers(),
    PeerList(peers=[]),
    DialBack(nonce=1, port=7072),
    DialBackResult(nonce=1, outcome=DialBackOutcome.REFUSED, reason="busy"),
    Goodbye(code="bye"),
)

WAY_TO: dict[State, int] = {
    State.AWAIT_HELLO: 0,
    State.AWAIT_AUTH: 1,
    State.AWAIT_WELCOME: 2,
    State.SESSION: 3,
    State.ENDED: 4,
}
"""How many of Hello, Auth, Welcome, Goodbye lead there."""


def connection_in(state: State, role: Role) -> Connection:
    make = dialer if role is Role.DIALER else listener
    connection = make(verify=lambda node_id, signature, data: True)
    connection.receive_data(PREAMBLE, NOW)
    for message in (HELLO_OF[role], Auth(signature=bytes(64)), Welcome(), Goodbye(code="bye"))[: WAY_TO[state]]:
        connection.receive_data(frame(encode(message)), NOW)
    assert connection.state is state
    connection.data_to_send()
    return connection


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("state", "kind"), list(itertools.product(WAY_TO, MESSAGE_TYPES)))
def test_a_message_does_what_the_table_says(state, kind, role):
    connection = connection_in(state, role)
    (message,) = [each for each in (HELLO_OF[role], *OTHERS) if type(each) is kind]
    events = connection.receive_data(frame(encode(message)), NOW)

    following = TRANSITIONS[state].get(kind)
    if following is not None:
        assert connection.state is following
        assert not any(isinstance(event, ProtocolViolation) for event in events)
        assert not any(isinstance(event, HandshakeFailed) and event.reason.value != "banned" for event in events)
    elif state is State.ENDED:
        assert events == []
        assert connection.data_to_send() == b""
    elif state is State.SESSION:
        assert connection.ended
        assert events == [ProtocolViolation(detail=f"{kind.__name__} out of turn while we were in session")]
    else:
        assert connection.ended
        (event,) = events
        assert event.reason is Reason.MALFORMED_HANDSHAKE
        assert event.detail == f"{kind.__name__} out of turn while we were {state.value}"


def test_the_table_has_a_row_for_every_state_and_names_only_messages():
    assert set(TRANSITIONS) == set(State)
    assert {kind for row in TRANSITIONS.values() for kind in row} == {Preamble, *MESSAGE_TYPES}


def test_every_state_can_be_reached_and_left():
    targets = {following for row in TRANSITIONS.values() for following in row.values()}
    assert targets | {State.AWAIT_PREAMBLE} == set(State)
    assert [state for state, row in TRANSITIONS.items() if not row] == [State.ENDED]


@pytest.mark.parametrize("role", Role)
def test_the_handshake_is_complete_with_the_welcome_and_not_before(role):
    connection = connection_in(State.AWAIT_WELCOME, role)
    (event,) = connection.receive_data(frame(encode(Welcome())), NOW)
    assert isinstance(event, HandshakeCompleted)
