"""Dials per second of processor time, tracked and with evidence, compared with bare asyncio connections in the same
loop.

Each round dials 5,000 addresses once: more than any table of addresses remembers, like a node that is looking for
peers. Only the client's processor time counts; the server is another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import nocarrier
from bench.measure import Benchmark, Goal, Result, compare

CONCURRENCY = 16
"""The default of the setting ``max_dials_in_flight``."""

HOSTS = tuple(f"127.{number >> 8}.{number & 255}.7" for number in range(1, 5001))

# Keeps the last connections open until the client has closed them, so that closing costs processor time in the server
# and not in the client.
_SERVER = """
import collections, socket
listener = socket.create_server(("", 0), backlog=4096)
print(listener.getsockname()[1], flush=True)
connections = collections.deque()
while True:
    connections.append(listener.accept()[0])
    if len(connections) > 256:
        connections.popleft().close()
"""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 s


@contextlib.contextmanager
def _accepting_port() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-I", "-c", _SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


@contextlib.contextmanager
def _refusing_port() -> Iterator[int]:
    with socket.socket() as bound:  # held, so that no other program listens there
        bound.bind(("", 0))
        yield bound.getsockname()[1]


Dial = Callable[[str, int], Awaitable[None]]


async def _tracked(tracker: nocarrier.DialTracker, host: str, port: int) -> None:
    with contextlib.suppress(ConnectionRefusedError):
        async with nocarrier.dial(f"{host}:{port}", "seed", tracker=tracker) as dial:
            _, writer = await dial.connect(timeout_s=10)
        _close(writer)


async def _bare(host: str, port: int) -> None:
    with contextlib.suppress(ConnectionRefusedError):
        _, writer = await asyncio.open_connection(host, port)
        _close(writer)


def _close(writer: asyncio.StreamWriter) -> None:
    # With a reset, so that no port stays in TIME_WAIT: this many dials would exhaust them.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def _dials_per_second(dial: Dial, port: int, finish: Callable[[], object] = lambda: None) -> float:
    hosts = iter(HOSTS)

    async def work() -> None:
        for host in hosts:
            await dial(host, port)

    started = time.thread_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    finish()
    return len(HOSTS) / (time.thread_time() - started)


def _compare(port: int, rounds: int) -> tuple[Result, nocarrier.DialTracker]:
    tracker = nocarrier.DialTracker()

    tracked = functools.partial(_tracked, tracker)
    with asyncio.Runner() as runner:
        result = compare(
            # The work that recording has deferred belongs to the dials: totals() does it.
            lambda: runner.run(_dials_per_second(tracked, port, finish=tracker.totals)),
            lambda: runner.run(_dials_per_second(_bare, port)),
            rounds=rounds,
            unit="/s",
        )
    return result, tracker


def dial_accepted(rounds: int) -> Result:
    with _accepting_port() as port:
        result, tracker = _compare(port, rounds)
    assert tracker.totals().failed == 0, tracker.recent(1)
    return result


def dial_refused(rounds: int) -> Result:
    with _refusing_port() as port:
        result, tracker = _compare(port, rounds)
    assert tracker.totals().succeeded == 0
    assert all(entry.evidence["errno"] == "ECONNREFUSED" for entry in tracker.recent())
    return result


BENCHMARKS = (
    Benchmark(
        name="dial_accepted",
        what=f"nocarrier.dial to {len(HOSTS):,} addresses that accept, {CONCURRENCY} at a time, per processor second",
        baseline="asyncio.open_connection",
        goal=Goal(0.97, is_ceiling=False, aim=1.0),
        rounds=25,
        run=dial_accepted,
    ),
    Benchmark(
        name="dial_refused",
        what=f"nocarrier.dial to {len(HOSTS):,} addresses that refuse, with evidence, {CONCURRENCY} at a time",
        baseline="asyncio.open_connection",
        goal=Goal(1.2, is_ceiling=False),
        rounds=25,
        run=dial_refused,
    ),
)
