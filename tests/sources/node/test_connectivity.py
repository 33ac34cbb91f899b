"""The guard that recognises our own outage, tested with short histories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.sources.node.connectivity import Connectivity

A, B, C = "192.0.0.0/16", "198.51.0.0/16", "203.0.0.0/16"


def told(*history: tuple, sessions: int = 0) -> Connectivity:
    """A guard after this `history`: ("heard", now), ("silent", netgroup, started), ("local", now)."""
    guard = Connectivity()
    guard.sessions_alive = sessions
    methods = {"heard": guard.heard, "silent": guard.path_failed, "local": guard.local_failed}
    for name, *arguments in history:
        methods[name](*arguments)
    return guard


@pytest.mark.parametrize(
    ("history", "sessions", "offline"),
    [
        pytest.param([], 0, False, id="nothing is known at start"),
        pytest.param([("silent", A, 0)], 0, False, id="one silent network may be that network"),
        pytest.param([("silent", A, 0), ("silent", A, 10)], 0, False, id="the same network twice is still one"),
        pytest.param([("silent", A, 0), ("silent", B, 1)], 0, True, id="two silent networks"),
        pytest.param([("silent", A, 0), ("silent", B, 1)], 1, False, id="two, but a session lives"),
        pytest.param([("silent", A, 0), ("silent", B, 1), ("heard", 12)], 0, False, id="anything heard ends an outage"),
        pytest.param(
            [("silent", A, 0), ("heard", 10.5), ("silent", B, 1)],
            0,
            False,
            id="something was heard between the two dials",
        ),
        pytest.param(
            [("heard", 5), ("silent", A, 0), ("silent", B, 0)],
            0,
            False,
            id="something was heard while both dials ran",
        ),
        pytest.param(
            [("heard", 5), ("silent", A, 6), ("silent", B, 7)], 0, True, id="all was silent after it was heard"
        ),
        pytest.param([("local", 1)], 0, True, id="our own kernel says so"),
        pytest.param([("local", 1)], 3, True, id="a session may outlive its cable for minutes"),
        pytest.param([("local", 1), ("heard", 2)], 0, False, id="the route is back"),
        pytest.param([("heard", 1), ("local", 2)], 0, True, id="the route is gone"),
    ],
)
def test_offline(history, sessions, offline):
    assert told(*history, sessions=sessions).offline() is offline


@pytest.mark.parametrize(
    ("history", "sessions", "started", "counts"),
    [
        pytest.param([], 0, 0, False, id="nothing was ever heard"),
        pytest.param([("heard", 5)], 0, 0, True, id="another peer was heard meanwhile"),
        pytest.param([("heard", 5)], 0, 6, False, id="the last sign of life is from before the dial"),
        pytest.param([("heard", 5)], 0, 5, False, id="in doubt the peer is not blamed"),
        pytest.param([("heard", 5)], 1, 6, False, id="a silent session proves nothing"),
        pytest.param([("heard", 5), ("local", 7)], 0, 0, False, id="the cable went out while it ran"),
    ],
)
def test_what_counts_against_a_peer(history, sessions, started, counts):
    assert told(*history, sessions=sessions).counts_against_peer(started) is counts


def test_an_outage_says_since_when_and_why():
    guard = told(("heard", 5), ("silent", A, 6), ("silent", B, 7), ("silent", C, 8))
    assert guard.outage.since_s == 6
    assert A in guard.outage.because
    assert B in guard.outage.because
    guard.local_failed(20)
    guard.local_failed(30)
    assert guard.outage.since_s == 20
    assert "route" in guard.outage.because


_TIMES = st.floats(0, 1000)
_SILENCES = st.tuples(st.just("silent"), st.sampled_from([A, B, C]), _TIMES)
_HISTORIES = st.lists(
    st.one_of(_SILENCES, st.tuples(st.just("heard"), _TIMES), st.tuples(st.just("local"), _TIMES)), max_size=30
)


@given(history=_HISTORIES, sessions=st.integers(0, 3))
def test_one_answer_always_brings_the_node_back_and_nobody_is_blamed_while_offline(history, sessions):
    guard = told(*history, sessions=sessions)
    if guard.offline():
        assert not any(guard.counts_against_peer(started) for _, *times in history for started in times[-1:])
    guard.heard(1001)
    assert not guard.offline()
    assert guard.counts_against_peer(1000)


def test_endless_silent_networks_take_no_memory():
    guard = Connectivity()
    for number in range(10_000):
        guard.path_failed(f"10.{number}", 0)
    assert len(guard._silent) == 2
