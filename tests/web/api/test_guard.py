"""Which requests are allowed."""

from __future__ import annotations

import pytest

from nocarrier import ConfigError
from nocarrier.app.embedded import api_server
from nocarrier.web.api import server as server_module
from nocarrier.web.api.guard import SECURITY_HEADERS
from tests.web.api.http_client import ask, get, open_connection, post_json, read_to_end

CONNECT = "/api/p2p/connect"
BODY = {"peer_addr": "198.51.100.1:7072"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7070", "127.0.0.1.evil.example", "", "[::2]", "10.0.0.1"]
)
def test_a_request_for_another_host_is_refused(server, host):
    answer = get(server, "/api/p2p/debug", Host=host)
    assert answer.status == 403
    assert "Host" in answer.problem


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7070", "127.0.0.1", "127.0.0.1:9", "[::1]:7070", "localhost."]
)
def test_a_request_for_this_machine_passes_whatever_the_port(server, host):
    assert get(server, "/api/p2p/debug", Host=host).status == 200


def test_a_server_on_another_loopback_address_may_be_asked_by_that_address(tracker):
    with api_server(tracker, listen="127.0.0.77:0") as running:
        assert get(running, "/api/p2p/debug").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer opensesam"},
        {"Authorization": "Bearer opensesame2"},
        {"Authorization": "Basic opensesame"},
        {"Authorization": "opensesame"},
        {"Authorization": "Bearer "},
    ],
)
def test_without_the_right_token_nothing_is_revealed(guarded, headers):
    for path in (
        "/api/p2p/debug",
        "/metrics",
        "/api/p2p/events",
        "/openapi.json",
        "/nowhere",
        "/healthz/../api/p2p/debug",
        "/healthz/",
    ):
        answer = get(guarded, path, **headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "opensesame" not in answer.problem


def test_with_the_right_token_everything_is_answered(guarded):
    bearer = {"Authorization": "Bearer opensesame"}
    assert get(guarded, "/api/p2p/debug", **bearer).status == 200
    assert post_json(guarded, CONNECT, BODY, **bearer).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_token(guarded, path):
    assert get(guarded, path).status == 200


def test_a_write_with_a_wrong_token_dials_nobody(guarded, node):
    assert post_json(guarded, CONNECT, BODY, Authorization="Bearer wrong").status == 401
    assert node.dialed == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://[bad"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_cannot_dial(server, node, headers):
    answer = post_json(server, CONNECT, BODY, **headers)
    assert answer.status == 403
    assert "origin" in answer.problem
    assert node.dialed == []


def test_our_own_page_can_dial(server):
    headers = {"Origin": server.url, "Sec_Fetch_Site": "same-origin"}
    assert post_json(server, CONNECT, BODY, **headers).status == 200


@pytest.mark.parametrize("path", ["/api/p2p/debug", "/metrics", "/nowhere"])
def test_every_answer_has_the_security_headers(server, path):
    headers = get(server, path).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_no_answer_allows_another_origin_to_read(server):
    answer = ask(server, "OPTIONS", "/api/p2p/debug", Origin="https://evil.example")
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:7070", "node.example:7070"])
def test_listening_to_others_needs_a_token(tracker, listen):
    with pytest.raises(ConfigError, match="token"):
        api_server(tracker, listen=listen)


def test_with_a_token_others_may_ask_by_any_name(tracker):
    with api_server(tracker, listen="0.0.0.0:0", token="opensesame") as running:
        answer = get(running, "/api/p2p/debug", Host="node.example", Authorization="Bearer opensesame")
        assert answer.status == 200


def test_a_token_that_no_request_could_carry_is_refused(tracker):
    with pytest.raises(ConfigError, match="visible ASCII"):
        api_server(tracker, listen="127.0.0.1:0", token="open sesame")


def test_endless_headers_are_cut_off(server):
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with pytest.raises(OSError, match=r"reset|pipe"):
            connection.sendall(b"x" * 40_000_000)
    assert get(server, "/healthz").status == 200


def test_the_server_does_not_wait_for_headers_that_do_not_come(server, monkeypatch):
    monkeypatch.setattr(server_module, "HEADER_TIMEOUT_S", 0.2)
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert read_to_end(connection) == b""


def test_more_connections_than_allowed_are_closed_at_once(server, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    with open_connection(server) as first, open_connection(server) as second:
        for connection in (first, second):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        with open_connection(server) as third:
            assert read_to_end(third) == b""


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n"])
def test_bytes_that_are_not_http_are_answered_with_400_and_closed(server, junk):
    with open_connection(server) as connection:
        connection.sendall(junk)
        assert read_to_end(connection).startswith(b"HTTP/1.1 400")
