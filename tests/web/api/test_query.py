"""Query parameters that cannot be."""

from __future__ import annotations

import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from tests.web.api.http_client import get


@pytest.fixture(scope="module")
def server():
    """One for all: none of these requests changes anything."""
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    with api_server(tracker, listen="127.0.0.1:0") as running:
        yield running


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("reason=connection_refusde", "connection_refused"),
        ("source=seeds", "peer_book"),
        ("phase=dialing", "handshake"),
        ("kind=error", "cancelled"),
        ("limit=0", ">= 1"),
        ("limit=1001", "<= 1000"),
        ("limit=many", "int"),
        ("limit=1.5", "int"),
        ("since_unix=nan", "since_unix"),
        ("since_unix=inf", "since_unix"),
        ("since_unix=-1", "since_unix"),
        ("since_unix=yesterday", "float"),
        ("since_unix=null", "leave it out"),
        ("redact=maybe", "bool"),
        ("reason=timeout&reason=banned", "twice"),
        ("reson=timeout", "did you mean reason?"),
        ("addr=" + "a" * 5000, "addr"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_with_what_is_allowed(server, query, says):
    answer = get(server, f"/api/p2p/failures?{query}")
    assert answer.status == 422
    assert says in answer.problem
    assert len(answer.problem) < 2000


@pytest.mark.parametrize("path", ["/api/p2p/debug", "/api/p2p/peers", "/api/p2p/reasons"])
def test_an_unknown_parameter_is_refused_everywhere(server, path):
    answer = get(server, f"{path}?reason=timeout")
    assert answer.status == 422
    assert "reason" in answer.problem


def test_bytes_that_are_not_utf8_match_nothing_and_break_nothing(server):
    answer = get(server, "/api/p2p/failures?addr=%ff%fe")
    assert answer.status == 200
    assert answer.json["failures"] == []
