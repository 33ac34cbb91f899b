"""The API in an embedding program."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import nocarrier
from nocarrier.app.embedded import api_server
from nocarrier.web.api import server as server_module
from nocarrier.web.api.server import Server
from tests.web.api.http_client import get


def test_serve_answers_as_soon_as_it_returns_and_no_longer_when_closed():
    tracker = nocarrier.DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    server = nocarrier.serve(tracker, "127.0.0.1:0")
    with urllib.request.urlopen(f"{server.url}/api/p2p/debug", timeout=5) as answer:
        assert json.load(answer)["dial_failures"][0]["addr"] == "192.0.2.1:7072"
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.address.host, server.address.port))


def test_serve_shows_the_global_tracker_by_default():
    with nocarrier.serve(listen="127.0.0.1:0") as server:
        nocarrier.record_dial_failure("192.0.2.200:7072", "timeout", "seed")
        addrs = [entry["addr"] for entry in get(server, "/api/p2p/debug").json["dial_failures"]]
    assert "192.0.2.200:7072" in addrs


def test_an_empty_tracker_is_not_taken_for_none():
    nocarrier.record_dial_failure("192.0.2.201:7072", "timeout", "seed")
    with nocarrier.serve(nocarrier.DialTracker(), "127.0.0.1:0") as server:
        assert get(server, "/api/p2p/debug").json["dial_failures"] == []


def test_a_busy_port_is_reported_with_what_to_change():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(nocarrier.ConfigError, match=f"port {port} .* is in use; .* another port"):
            nocarrier.serve(nocarrier.DialTracker(), f"127.0.0.1:{port}")


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:99999", ":7070", "127.0.0.1:http"])
def test_an_invalid_listen_address_is_reported_as_such(listen):
    with pytest.raises(nocarrier.ConfigError, match="host:port"):
        nocarrier.serve(nocarrier.DialTracker(), listen)


def test_an_address_of_another_machine_is_reported_as_such():
    with pytest.raises(nocarrier.ConfigError, match="listen"):
        nocarrier.serve(nocarrier.DialTracker(), "203.0.113.1:0", token="opensesame")


def test_a_port_can_be_taken_again_right_after_closing():
    with nocarrier.serve(nocarrier.DialTracker(), "127.0.0.1:0") as first:
        assert get(first, "/healthz").status == 200
    with nocarrier.serve(nocarrier.DialTracker(), str(first.address)) as second:
        assert get(second, "/healthz").status == 200


def test_closing_does_not_wait_for_the_next_look_at_the_server(monkeypatch):
    monkeypatch.setattr(server_module, "TICK_S", 60.0)
    for _ in range(3):
        server = nocarrier.serve(nocarrier.DialTracker(), "127.0.0.1:0")
        assert get(server, "/api/p2p/debug").status == 200
        began_s = time.monotonic()
        server.close()
        assert time.monotonic() - began_s < 10


def test_closing_twice_does_no_harm():
    server = nocarrier.serve(nocarrier.DialTracker(), "127.0.0.1:0")
    server.close()
    server.close()
    assert server.url.startswith("http://127.0.0.1:")


async def test_the_server_runs_in_a_loop_of_the_program_until_cancelled():
    server = api_server(nocarrier.DialTracker(), listen="127.0.0.1:0")
    running = asyncio.create_task(server.run())
    answer = await asyncio.to_thread(get, server, "/healthz")
    assert answer.status == 200
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(server.address.host, server.address.port)


def test_the_application_works_mounted_in_another_server():
    tracker = nocarrier.DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    outer = Starlette(routes=[Mount("/p2p", nocarrier.asgi_app(tracker, token="opensesame"))])
    with Server(outer, "127.0.0.1:0") as server:
        assert get(server, "/p2p/api/p2p/debug").status == 401
        assert get(server, "/p2p/healthz").status == 200
        answer = get(server, "/p2p/api/p2p/debug", Authorization="Bearer opensesame")
    assert answer.json["dial_failures"][0]["addr"] == "192.0.2.1:7072"


def test_a_mounted_application_answers_to_its_allowed_names():
    app = nocarrier.asgi_app(nocarrier.DialTracker(), allowed_hosts=["node.example"])
    with Server(app, "127.0.0.1:0") as server:
        assert get(server, "/healthz", Host="node.example:8443").status == 200
        assert get(server, "/healthz", Host="other.example").status == 403


def test_without_the_extra_the_error_says_how_to_get_it():
    program = "import sys; sys.modules['uvicorn'] = None; import nocarrier; nocarrier.serve()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "pip install 'nocarrier[node]'" in done.stderr


def test_importing_nocarrier_does_not_load_the_web_library():
    program = "import sys, nocarrier; print(sorted({'starlette', 'uvicorn', 'msgspec'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"
