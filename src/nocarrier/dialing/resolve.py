"""Resolves host names to addresses, with a deadline, through the system's resolver.

getaddrinfo blocks and cannot be cancelled, so it runs in threads of our own: daemon threads, so that a silent resolver
never delays the end of the program, and only a few, so that it cannot exhaust the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from nocarrier.model.address import parse_ip

MAX_LOOKUP_THREADS = 16
"""A silent resolver blocks a thread for some 10 s (resolv.conf(5): 5 s, two attempts). Further names wait for a free
thread, within their own deadline."""

Resolve: TypeAlias = Callable[[str], Awaitable[list[str]]]
"""Returns the IP addresses of a host name in the order in which to try them. Raises socket.gaierror."""

_Job: TypeAlias = tuple[str, asyncio.AbstractEventLoop, "asyncio.Future[list[str]]"]


class SystemResolver:
    """Looks names up with getaddrinfo(3), so that /etc/hosts, nsswitch and RFC 6724 ordering apply."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    async def __call__(self, host: str) -> list[str]:
        """The IP addresses of `host`, in the system's order, each once.

        Raises:
            socket.gaierror: the resolver's answer; UnicodeError becomes EAI_NONAME.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()
        self._jobs.put((host, loop, future))
        with self._lock:
            if self._idle < self._jobs.qsize() and self._threads < MAX_LOOKUP_THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="nocarrier-resolver", daemon=True).start()
        return await future

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            host, loop, future = self._jobs.get()
            with self._lock:
                self._idle -= 1
            if future.cancelled():
                continue
            try:
                answer: list[str] | Exception = _look_up(host)
            except Exception as exc:  # noqa: BLE001 - raised where the answer is awaited; a dead thread would be missed
                answer = exc
            with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits any longer
                loop.call_soon_threadsafe(_deliver, future, answer)


def _look_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise socket.gaierror(socket.EAI_NONAME, f"not a host name: {exc}") from exc
    addresses = dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found)
    return [str(ip) for ip in map(parse_ip, addresses) if ip is not None]


def _deliver(future: asyncio.Future[list[str]], answer: list[str] | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


resolve_with_system: Resolve = SystemResolver()
"""The resolver that all dials share."""
