"""Answers per second from `/api/p2p/debug` while dials fail, compared with the same server answering a constant."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Benchmark, Goal, Result, compare

CONNECTIONS = 8
ROUND_S = 0.25
CONSTANT_PATH = "/constant"

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


class _Client:
    """Keep-alive connections that ask again once answered; they do so little work that the server's share dominates."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        for connection in self._connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(connection, selectors.EVENT_READ, data=connection)

    def answers_per_second(self, path: str) -> float:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for connection in self._connections:
            connection.sendall(request)
        waiting = len(self._connections)
        started = time.perf_counter()
        answers = 0
        while waiting:
            for key, _ in self._selector.select(timeout=10):
                _read_answer(key.data)
                answers += 1
                if time.perf_counter() - started < ROUND_S:
                    key.data.sendall(request)
                else:
                    waiting -= 1
        return answers / (time.perf_counter() - started)

    def close(self) -> None:
        self._selector.close()
        for connection in self._connections:
            connection.close()


def _read_answer(connection: socket.socket) -> None:
    received = connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = _CONTENT_LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 200 ") or length is None:
        raise AssertionError(f"not the expected answer: {head!r}")
    missing = int(length[1]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(missing))


@contextlib.contextmanager
def served() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.served"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()  # the server ends with its stdin


def http_debug(rounds: int) -> Result:
    with served() as port, contextlib.closing(_Client(port)) as client:
        return compare(
            lambda: client.answers_per_second("/api/p2p/debug"),
            lambda: client.answers_per_second(CONSTANT_PATH),
            rounds=rounds,
            unit="/s",
        )


BENCHMARKS = (
    Benchmark(
        name="http_debug",
        what="GET /api/p2p/debug of a real server, while 100 failures a second are recorded in it",
        baseline="the same server answering the same bytes as a constant",
        goal=Goal(0.7, is_ceiling=False),
        rounds=40,
        run=http_debug,
    ),
)
