"""Which of two connections with one peer stays: both ends must reach the same answer without asking each other."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nocarrier.model.node.state import Direction
from nocarrier.sources.node.sessions.session_table import SessionTable

INBOUND, OUTBOUND = Direction.INBOUND, Direction.OUTBOUND
SMALL, LARGE = "0" * 64, "f" * 64


@dataclass(frozen=True)
class Remote:
    node_id: str
    boot_id: bytes = b"boot"


@dataclass(eq=False)
class Session:
    """What the table reads."""

    remote: Remote
    direction: Direction
    addr: str = "192.0.2.1:7072"

    @property
    def node_id(self) -> str:
        return self.remote.node_id


def table(own: str, *sessions: Session) -> SessionTable:
    made = SessionTable(own)
    for session in sessions:
        made.add(session)
    return made


def test_a_first_connection_stays():
    assert table(SMALL).stays(Remote(LARGE), INBOUND)


@pytest.mark.parametrize(("own", "other"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_if_two_cross_both_sides_keep_the_one_dialed_by_the_smaller_id(own, other):
    outbound_stays = table(own, Session(Remote(other), INBOUND)).stays(Remote(other), OUTBOUND)
    inbound_stays = table(own, Session(Remote(other), OUTBOUND)).stays(Remote(other), INBOUND)
    assert outbound_stays == (own == SMALL)
    assert inbound_stays == (own == LARGE)
    # The other end sees the same two connections with the directions exchanged.
    assert table(other, Session(Remote(own), OUTBOUND)).stays(Remote(own), INBOUND) == outbound_stays


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("own", [SMALL, LARGE])
def test_after_a_restart_of_the_peer_the_new_connection_stays(own, direction):
    other = LARGE if own == SMALL else SMALL
    for earlier in Direction:
        assert table(own, Session(Remote(other, b"before"), earlier)).stays(Remote(other, b"after"), direction)


@pytest.mark.parametrize("direction", Direction)
def test_a_second_dial_by_the_same_side_stays_because_it_has_lost_the_first(direction):
    assert table(SMALL, Session(Remote(LARGE), direction)).stays(Remote(LARGE), direction)


def test_adding_a_session_returns_the_one_it_replaces():
    first, second = Session(Remote(LARGE), INBOUND), Session(Remote(LARGE), INBOUND)
    sessions = table(SMALL, first)
    assert sessions.add(second) is first
    assert list(sessions) == [second]


def test_the_end_of_a_replaced_session_does_not_remove_its_successor():
    first, second = Session(Remote(LARGE), INBOUND), Session(Remote(LARGE), INBOUND)
    sessions = table(SMALL, first, second)
    sessions.remove(first)
    assert sessions.get(LARGE) is second
    sessions.remove(second)
    assert len(sessions) == 0


def test_sessions_are_found_by_node_id_and_by_address():
    session = Session(Remote(LARGE), OUTBOUND, addr="192.0.2.7:7072")
    sessions = table(SMALL, session)
    assert sessions.at("192.0.2.7:7072") is session
    assert sessions.at("192.0.2.8:7072") is None
    assert sessions.addresses() == {"192.0.2.7:7072"}
    assert LARGE in sessions
    assert SMALL not in sessions


def test_every_change_shows_in_the_revision():
    sessions = table(SMALL)
    before = sessions.revision
    session = Session(Remote(LARGE), OUTBOUND)
    sessions.add(session)
    between = sessions.revision
    sessions.remove(session)
    assert before < between < sessions.revision
