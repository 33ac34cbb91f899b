"""Asks a server over a real connection, politely or byte by byte."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

from nocarrier.web.api.server import Server


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The detail of a problem document, after a check of its form (RFC 9457)."""
        assert self.headers["content-type"] == "application/problem+json"
        assert set(self.json) == {"type", "title", "status", "detail"}
        assert self.json["status"] == self.status
        return str(self.json["detail"])


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Make one request; an underscore in the name of a header means a hyphen."""
    connection = http.client.HTTPConnection(server.address.host, server.address.port, timeout=15)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lower, response.read())
    finally:
        connection.close()


def get(server: Server, path: str, **headers: str) -> Answer:
    return ask(server, "GET", path, **headers)


def post_json(server: Server, path: str, body: object, **headers: str) -> Answer:
    return ask(server, "POST", path, json.dumps(body).encode(), Content_Type="application/json", **headers)


def open_connection(server: Server) -> socket.socket:
    return socket.create_connection((server.address.host, server.address.port), timeout=15)


def read_to_end(connection: socket.socket) -> bytes:
    """Everything that arrives until the server closes; a reset counts as the end."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received
