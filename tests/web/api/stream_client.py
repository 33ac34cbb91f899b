"""Reads the live stream like a browser, over a real socket."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import NamedTuple

from nocarrier.web.api.server import Server

WAIT_S = 10.0


class Message(NamedTuple):
    """One server-sent event."""

    event: str
    id: str | None
    data: dict


class StreamClient:
    """One reader. Without a header or parameter it gets the events from now on."""

    def __init__(self, server: Server, query: str = "", **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=WAIT_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", f"/api/p2p/events{query}", headers=named)
        self.response = self._connection.getresponse()
        self.raw: list[bytes] = []

    def lines(self) -> Iterator[bytes]:
        """Line by line, until the stream ends."""
        while line := self.response.readline():
            self.raw.append(line)
            yield line.rstrip(b"\n")

    def messages(self) -> Iterator[Message]:
        """Message by message, until the stream ends."""
        fields: dict[str, str] = {}
        for line in self.lines():
            if line:
                name, _, value = line.decode().partition(": ")
                fields[name] = value
            else:
                if "event" in fields:
                    yield Message(fields["event"], fields.get("id"), json.loads(fields["data"]))
                fields = {}

    def next(self, *events: str) -> Message:
        """The next message of these kinds."""
        return next(message for message in self.messages() if message.event in events)

    def close(self) -> None:
        self.response.close()
        self._connection.close()


@contextlib.contextmanager
def stream(server: Server, query: str = "", **headers: str) -> Iterator[StreamClient]:
    """A reader for the duration of the block."""
    client = StreamClient(server, query, **headers)
    try:
        yield client
    finally:
        client.close()
