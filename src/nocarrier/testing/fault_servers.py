"""TCP servers that misbehave, each in one known way, to make dials fail for real.

`FAULT_SERVERS` is the one table that the demo, the tests and the lab share:

```python
async with FAULT_SERVERS["ssh"]("127.0.0.1") as port:
    ...  # a dial to 127.0.0.1:port gets an SSH banner
```

To run one as a separate process, for example in a network namespace, use
``python -m nocarrier.testing.fault_servers ssh 127.0.0.1``: it prints the port once it listens, and serves until it is
ended. Standard library only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TypeAlias

Behaviour: TypeAlias = Callable[[socket.socket], Awaitable[None]]
"""What a server does with an accepted connection, which is closed when this returns."""

Starter: TypeAlias = Callable[..., AbstractAsyncContextManager[int]]
"""Called with a host (an IP address, default 127.0.0.1) and a port (default 0: any free one); yields the bound port."""

READ_BYTES = 65536
BACKLOG = 128

HTTP_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
TLS_ALERT = bytes.fromhex("15 0301 0002 02 46")
"""RFC 8446 section 6: a fatal ``protocol_version`` alert, which OpenSSL sends for bytes that are not a ClientHello."""
SSH_BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
"""RFC 4253 section 4.2: the server may speak first."""
BITCOIN_VERSION = b"\xf9\xbe\xb4\xd9" + b"version".ljust(12, b"\0") + struct.pack("<I", 102) + b"\x5d\xf6\xe0\xe2"
"""The header of a message on Bitcoin's main network: magic, command, length, checksum."""
MULTISTREAM = b"\x13/multistream/1.0.0\n"
"""The first line of libp2p's protocol negotiation, length-prefixed; both sides send it at once."""
GARBAGE = bytes(range(255, 127, -1))
"""Bytes with which no known protocol begins; always the same."""


async def stay_silent(_: socket.socket) -> None:
    """Never read, never answer, never close."""
    await asyncio.Event().wait()


async def close_orderly(connection: socket.socket) -> None:
    """End with a FIN, and only a FIN.

    If the connection were closed with unread bytes, a RST would be sent instead (RFC 2525 section 2.17), so read them
    first.
    """
    connection.shutdown(socket.SHUT_WR)
    while await asyncio.get_running_loop().sock_recv(connection, READ_BYTES):
        pass


async def reset(connection: socket.socket) -> None:
    """End with a RST: socket(7), SO_LINGER with a time of 0."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def reset_after_first_bytes(connection: socket.socket) -> None:
    """Wait for the peer to speak, then end with a RST."""
    await asyncio.get_running_loop().sock_recv(connection, READ_BYTES)
    await reset(connection)


async def greet(connection: socket.socket, *, greeting: bytes) -> None:
    """Speak first, then read and ignore what the peer sends until it ends."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, greeting)
    while await loop.sock_recv(connection, READ_BYTES):
        pass


async def answer(connection: socket.socket, *, reply: bytes) -> None:
    """Wait for the peer to speak, send `reply`, and end with a FIN."""
    loop = asyncio.get_running_loop()
    await loop.sock_recv(connection, READ_BYTES)
    await loop.sock_sendall(connection, reply)
    await close_orderly(connection)


async def dribble(connection: socket.socket, *, content: bytes, interval_s: float) -> None:
    """Send `content` one byte at a time, each in a segment of its own, then stay silent."""
    loop = asyncio.get_running_loop()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for value in content:
        await loop.sock_sendall(connection, bytes([value]))
        await asyncio.sleep(interval_s)
    await stay_silent(connection)


@asynccontextmanager
async def serve(behaviour: Behaviour, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Accept connections on `host` and handle each with `behaviour`; yields the bound port.

    Raises:
        OSError: the address cannot be bound.
    """
    with _bound(host, port) as listener:
        listener.listen(BACKLOG)
        serving = asyncio.create_task(_accept_all(listener, behaviour))
        try:
            yield listener.getsockname()[1]
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            if not serving.cancelled():
                serving.result()  # it ended by itself: a bug, or no free descriptors


async def _accept_all(listener: socket.socket, behaviour: Behaviour) -> None:
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    async with asyncio.TaskGroup() as connections:

        def accept() -> None:
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):  # the connection is already gone
                return
            except OSError as error:
                if not failed.done():
                    failed.set_exception(error)
                return
            connection.setblocking(False)
            handled = connections.create_task(_handle(connection, behaviour))
            # A task that is cancelled before its first step does not close the connection.
            handled.add_done_callback(partial(_close, connection))

        # Not sock_accept(): if cancelled just after it has accepted, it would lose the connection.
        loop.add_reader(listener, accept)
        accept()  # a connection may be waiting already
        try:
            await failed
        finally:
            loop.remove_reader(listener)


def _close(connection: socket.socket, _: asyncio.Task[None]) -> None:
    connection.close()


async def _handle(connection: socket.socket, behaviour: Behaviour) -> None:
    # A peer that leaves early is not an error here.
    with connection, contextlib.suppress(OSError):
        await behaviour(connection)


@asynccontextmanager
async def backlog_full(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A listener that never accepts and whose queue is full, so that the kernel drops every further SYN (Linux)."""
    with _bound(host, port) as listener, contextlib.ExitStack() as fillers:
        # listen(2): Linux queues one connection more than the backlog says.
        listener.listen(0)
        filler = fillers.enter_context(socket.socket(listener.family))
        filler.setblocking(False)
        await asyncio.get_running_loop().sock_connect(filler, listener.getsockname())
        yield listener.getsockname()[1]


@asynccontextmanager
async def closed_port(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A port on which nothing listens; it stays bound, so that no other program can listen on it."""
    with _bound(host, port) as reserved:
        yield reserved.getsockname()[1]


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setblocking(False)
        if port:  # a chosen port is reused; SO_REUSEADDR ignores connections in TIME_WAIT
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


FAULT_SERVERS: Mapping[str, Starter] = {
    "silent": partial(serve, stay_silent),
    "close": partial(serve, close_orderly),
    "reset": partial(serve, reset),
    "reset_after_first_bytes": partial(serve, reset_after_first_bytes),
    "http_bad_request": partial(serve, partial(answer, reply=HTTP_BAD_REQUEST)),
    "http_ok": partial(serve, partial(answer, reply=HTTP_OK)),
    "tls": partial(serve, partial(answer, reply=TLS_ALERT)),
    "ssh": partial(serve, partial(greet, greeting=SSH_BANNER)),
    "bitcoin": partial(serve, partial(greet, greeting=BITCOIN_VERSION)),
    "multistream": partial(serve, partial(greet, greeting=MULTISTREAM)),
    "garbage": partial(serve, partial(greet, greeting=GARBAGE)),
    "dribble": partial(serve, partial(dribble, content=SSH_BANNER, interval_s=0.05)),
    "backlog_full": backlog_full,
    "closed_port": closed_port,
}
"""Every kind of misbehaviour, by name."""


async def _serve_until_ended(name: str, host: str, port: int) -> None:
    async with FAULT_SERVERS[name](host, port) as bound_port:
        print(bound_port, flush=True)  # noqa: T201 - for the program that started this process
        await asyncio.Event().wait()


def _main() -> None:
    parser = argparse.ArgumentParser(description="Serve one fault until ended. Prints the port first.")
    parser.add_argument("name", choices=sorted(FAULT_SERVERS))
    parser.add_argument("host", nargs="?", default="127.0.0.1")
    parser.add_argument("port", nargs="?", type=int, default=0)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_until_ended(arguments.name, arguments.host, arguments.port))


if __name__ == "__main__":
    _main()
