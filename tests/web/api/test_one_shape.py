"""Every answer is one of the views with all its fields, and every reader decodes it into the same view."""

from __future__ import annotations

import json
import time
from dataclasses import fields, is_dataclass
from http import HTTPStatus

import msgspec
import pytest

from nocarrier.app.embedded import api_server
from nocarrier.model.event import EndedAttempt
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.outputs.history import SqliteHistory
from nocarrier.web import views
from nocarrier.web.api.openapi import answers_of, classes_in
from nocarrier.web.api.routes import ROUTES
from tests.web.api.fake_node import TOLD
from tests.web.api.http_client import get, post_json
from tests.web.api.stream_client import stream

A = "192.0.2.1:7072"

EVIDENCE = Evidence(
    errno="ECONNREFUSED",
    decided_by="network",
    icmp={"type": 3, "code": 13, "hop": "192.0.2.254"},
    ours=[2, 3],
    theirs={"any": "value"},
)
FAULT = Fault(reason=Reason.CONNECTION_REFUSED, phase=Phase.CONNECT, blame=Blame.PATH, evidence=EVIDENCE)

DOWN = Evidence(errno="ECONNREFUSED", decided_by="network")
"""Evidence of a peer that is down, which is a finding."""

QUERIES = {"/api/p2p/propagation": f"?addr={TOLD}"}
"""Parameters that make an answer contain more than by default."""

BY_GET = [
    route
    for route in ROUTES
    if route.method == "GET" and route.view is not None and is_dataclass(route.answers[HTTPStatus.OK])
]


@pytest.fixture
def busy(tracker, node, tmp_path):
    """A server that has something to show on every route."""
    with (
        SqliteHistory(tmp_path / "history.sqlite3", tracker) as history,
        api_server(tracker, node=node, history=history, listen="127.0.0.1:0") as running,
    ):
        tracker.fail(
            tracker.begin(A, "gossip", via="192.0.2.9:7072"),
            FAULT,
            attempts=[EndedAttempt(A, 0.0, 0.1, FAULT), EndedAttempt("192.0.2.2:7072", 0.1, 0.1, None)],
            duration_s=0.2,
            phases_s={"connect": 0.2},
        )
        tracker.succeed(tracker.begin(A, "gossip"), duration_s=0.1)
        tracker.record("192.0.2.7:7072", "connection_refused", "gossip", evidence=DOWN)
        deadline = time.monotonic() + 10
        while history.status().events_total < 5 or not get(running, "/api/p2p/history/findings").json["findings"]:
            get(running, "/api/p2p/diagnosis")
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running


def assert_reads_back(body, wanted):
    """Nothing is lost when a reader decodes and encodes it."""
    again = msgspec.json.encode(msgspec.json.decode(body, type=wanted))
    assert json.loads(again) == json.loads(body)


@pytest.mark.parametrize("route", BY_GET, ids=lambda route: route.name)
@pytest.mark.parametrize("redacted", [False, True], ids=["", "redacted"])
def test_an_answer_reads_back_as_the_view_that_its_row_names(busy, route, redacted):
    query = QUERIES.get(route.path, "")
    if redacted:
        if "redact" not in route.query.__struct_fields__:
            return
        query += ("&" if query else "?") + "redact=true"
    answer = get(busy, route.path + query)
    assert answer.status == HTTPStatus.OK
    assert_reads_back(answer.body, route.answers[HTTPStatus.OK])


def test_answers_to_post_read_back_too(busy):
    by_path = {route.path: route for route in ROUTES if route.method == "POST"}
    assert set(by_path) == {"/api/p2p/connect", "/api/p2p/diagnosis/probe"}
    finding, *_ = get(busy, "/api/p2p/history/findings").json["findings"]
    for path, body in (
        ("/api/p2p/connect", {"peer_addr": A}),
        ("/api/p2p/connect", {"peer_addr": A, "wait": False}),
        ("/api/p2p/diagnosis/probe", {"code": finding["finding"]["code"]}),
    ):
        answer = post_json(busy, path, body)
        assert_reads_back(answer.body, by_path[path].answers[answer.status])


def test_a_problem_reads_back(busy):
    assert_reads_back(get(busy, "/api/p2p/nothing").body, views.Problem)


@pytest.mark.parametrize("query", ["", "?redact=true"])
def test_messages_of_the_stream_read_back(busy, tracker, query):
    [messages] = [route.messages for route in ROUTES if route.messages]
    missing = set(messages)
    with stream(busy, query, Last_Event_ID="999999") as reader:
        tracker.fail(tracker.begin(A, "gossip"), FAULT, duration_s=0.1)
        while missing:
            message = reader.next(*messages)
            assert_reads_back(json.dumps(message.data), messages[message.event])
            missing.discard(message.event)


def test_every_answer_and_message_is_named_in_the_views():
    for wanted in answers_of(ROUTES):
        if is_dataclass(wanted):
            assert getattr(views, wanted.__name__) is wanted


def test_only_evidence_has_fields_of_any_shape():
    """`ours` and `theirs` of evidence are the values that did not match, whatever they are."""
    loose = {
        f"{kind.__name__}.{field.name}"
        for kind in classes_in(answers_of(ROUTES))
        if is_dataclass(kind)
        for field in fields(kind)
        if "Any" in str(field.type) or "object" in str(field.type).split()
    }
    assert loose == set()
