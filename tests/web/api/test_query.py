"""Impossible query parameters."""

from __future__ import annotations

from typing import get_args, get_type_hints

import msgspec
import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.web.api.routes import ROUTES
from tests.web.api.http_client import ask, get


@pytest.fixture(scope="module")
def server():
    """One for all tests: none of these requests changes anything."""
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    with api_server(tracker, listen="127.0.0.1:0") as running:
        yield running


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("reason=connection_refusde", "connection_refused"),
        ("source=seeds", "Did you mean seed? Allowed are seed, peer_book"),
        ("reason=bogus", "GET /openapi.json lists what is allowed."),
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
        ("since_unix=null", "Leave it out"),
        ("redact=maybe", "bool"),
        ("reason=timeout&reason=banned", "twice"),
        ("reson=timeout", "Did you mean reason?"),
        ("addr=" + "a" * 5000, "addr"),
    ],
)
def test_an_impossible_parameter_is_refused_with_what_is_allowed(server, query, says):
    answer = get(server, f"/api/p2p/failures?{query}")
    assert answer.status == 422
    assert says in answer.problem
    assert len(answer.problem) < 2000


def url_of(route, query):
    return f"{route.path.format(name='page.js')}?{query}"


def ask_with_body(server, route, query):
    body = b"{}" if route.body is not None else None
    return ask(server, route.method, url_of(route, query), body, Content_Type="application/json")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.query is not None], ids=lambda route: route.name)
def test_every_route_refuses_a_parameter_that_its_row_does_not_declare(server, route):
    answer = ask_with_body(server, route, "unheard_of=1")
    assert answer.status == 422
    assert "unheard_of" in answer.problem
    fields = [field.name for field in msgspec.structs.fields(route.query)]
    known = f"Allowed are {', '.join(fields)}." if fields else "This route has no parameters."
    assert known in answer.problem


@pytest.mark.parametrize(
    ("route", "parameter"),
    [
        pytest.param(route, field.name, id=f"{route.name}-{field.name}")
        for route in ROUTES
        if route.query is not None
        for field in msgspec.structs.fields(route.query)
    ],
)
def test_every_parameter_that_a_row_declares_is_read_as_its_type(server, route, parameter):
    """`addr` and similar parameters accept any text, but not of that length."""
    answer = ask_with_body(server, route, f"{parameter}={'x' * 500}")
    assert answer.status == 422
    assert f"Query parameter {parameter} = " in answer.problem


def test_only_the_page_accepts_any_query():
    assert [route.path for route in ROUTES if route.query is None] == ["/"]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.view is not None], ids=lambda route: route.name)
def test_a_view_uses_only_what_its_row_declares(route):
    taken = get_type_hints(route.view)
    assert (taken.get("query") or taken["_query"]) is route.query
    assert (taken.get("body") or taken["_body"]) is (route.body or type(None))
    made = set(get_args(taken["return"]) or [taken["return"]])
    assert made in ({bytes}, set(route.answers.values()))


@pytest.mark.parametrize("route", [route for route in ROUTES if route.respond], ids=lambda route: route.name)
def test_a_response_uses_only_what_its_row_declares(route):
    taken = get_type_hints(route.respond)
    assert (taken.get("query") or taken["_query"]) is (route.query or type(None))
    assert set(route.answers.values()) == {None}


def test_bytes_that_are_not_utf8_match_nothing_and_do_no_harm(server):
    answer = get(server, "/api/p2p/failures?addr=%ff%fe")
    assert answer.status == 200
    assert answer.json["failures"] == []
