"""`POST /api/p2p/connect`, its outcomes and its bad input."""

from __future__ import annotations

import threading
import time

import pytest

from nocarrier.web.api.connects import MAX_CONNECTS
from nocarrier.web.api.input import requests
from nocarrier.web.api.input.requests import MAX_BODY_BYTES
from tests.web.api.fake_node import PEER_ID
from tests.web.api.http_client import ask, open_connection, post_json, read_to_end

PATH = "/api/p2p/connect"


def eventually(holds):
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline, "did not come true within 5 s"
        time.sleep(0.005)


def test_a_dial_that_connects_returns_the_peers_identity(server):
    answer = post_json(server, PATH, {"peer_addr": "198.51.100.1:7072"})
    assert answer.status == 200
    assert answer.json == {
        "peer_addr": "198.51.100.1:7072",
        "outcome": "connected",
        "reason": None,
        "phase": None,
        "detail": None,
        "duration_s": 0.05,
        "node_id": PEER_ID,
    }


def test_a_dial_that_fails_is_answered_with_its_reason(server):
    answer = post_json(server, PATH, {"peer_addr": "192.0.2.1:7072", "wait": True})
    assert answer.status == 200
    assert (answer.json["outcome"], answer.json["reason"], answer.json["phase"]) == (
        "failed", "connection_refused", "connect",
    )  # fmt: skip


def test_without_waiting_the_dial_continues_after_the_answer(server, node):
    node.answer_dials.clear()
    answer = post_json(server, PATH, {"peer_addr": "192.0.2.1:7072", "wait": False})
    assert answer.status == 202
    assert answer.json["dial_id"]
    eventually(lambda: node.dialed == ["192.0.2.1:7072"])


def test_too_many_dials_at_once_are_told_to_come_back(server, node):
    node.answer_dials.clear()
    for _ in range(MAX_CONNECTS):
        assert post_json(server, PATH, {"peer_addr": "192.0.2.1:7072", "wait": False}).status == 202
    answer = post_json(server, PATH, {"peer_addr": "192.0.2.1:7072"})
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    assert str(MAX_CONNECTS) in answer.problem
    eventually(lambda: len(node.dialed) == MAX_CONNECTS)


def test_closing_the_server_ends_running_dials(server, node):
    node.answer_dials.clear()
    post_json(server, PATH, {"peer_addr": "192.0.2.1:7072", "wait": False})
    closing = threading.Thread(target=server.close)
    closing.start()
    closing.join(timeout=10)
    assert not closing.is_alive()


def test_a_program_without_a_node_has_nothing_to_dial_with(embedded):
    answer = post_json(embedded, PATH, {"peer_addr": "192.0.2.1:7072"})
    assert answer.status == 404
    assert "no nocarrier node that could dial" in answer.problem


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "peer_addr"),
        ({"peer_addr": 7072}, "peer_addr"),
        ({"peer_addr": ""}, "peer_addr"),
        ({"peer_addr": "a" * 1000}, "peer_addr"),
        ({"peer_addr": "192.0.2.1:7072", "wait": "yes"}, "wait"),
        ({"peer_addr": "192.0.2.1:7072", "wiat": False}, "wiat"),
        (["192.0.2.1:7072"], "object"),
        ({"peer_addr": [[[[[[]]]]]]}, "peer_addr"),
    ],
)
def test_json_of_another_shape_is_refused_with_what_is_allowed(server, node, body, names):
    answer = post_json(server, PATH, body)
    assert answer.status == 422
    assert names in answer.problem
    assert node.dialed == []


@pytest.mark.parametrize("body", [b"", b"{", b"peer_addr=1", b'{"peer_addr": NaN}', b'{"peer_addr": "\xff"}', b"\x00"])
def test_a_body_that_is_not_json_is_refused(server, node, body):
    answer = ask(server, "POST", PATH, body, Content_Type="application/json")
    assert answer.status == 400
    assert "JSON" in answer.problem
    assert node.dialed == []


def test_a_body_that_is_not_declared_as_json_is_refused(server, node):
    answer = ask(server, "POST", PATH, b'{"peer_addr": "192.0.2.1:7072"}', Content_Type="text/plain")
    assert answer.status == 415
    assert "application/json" in answer.problem
    assert node.dialed == []


def test_a_host_name_of_a_megabyte_is_refused(server, node):
    answer = post_json(server, PATH, {"peer_addr": "a" * 1_000_000 + ":7072"})
    assert answer.status == 413
    assert str(MAX_BODY_BYTES) in answer.problem
    assert node.dialed == []


def test_an_endless_chunked_body_is_cut_off(server):
    with open_connection(server) as connection:
        connection.sendall(
            b"POST /api/p2p/connect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        with pytest.raises(OSError, match=r"reset|pipe"):
            connection.sendall(chunk * 10_000)
    # The server closed the connection while 40 MB were on offer; it still answers others.
    assert post_json(server, PATH, {"peer_addr": "192.0.2.1:7072"}).status == 200


def test_the_server_does_not_wait_for_a_body_that_does_not_come(server, monkeypatch):
    monkeypatch.setattr(requests, "BODY_TIMEOUT_S", 0.2)
    with open_connection(server) as connection:
        connection.sendall(
            b"POST /api/p2p/connect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in answer


def test_query_parameters_are_refused_here(server, node):
    answer = post_json(server, f"{PATH}?wait=false", {"peer_addr": "192.0.2.1:7072"})
    assert answer.status == 422
    assert node.dialed == []
