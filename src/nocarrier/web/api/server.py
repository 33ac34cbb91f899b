"""Runs the application in the caller's event loop or in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from asyncio import Transport
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nocarrier.model.address import Address
from nocarrier.supervision import Supervisor
from nocarrier.web.api.listen import bind

MAX_CONNECTIONS = 256
"""How many connections at once. Dashboards and scripts need a few dozen; file descriptors are needed for peers."""

MAX_HEADER_BYTES = 64 * 1024
"""Limit for the request line, headers and trailers together. Browsers send at most a few KiB."""

HEADER_TIMEOUT_S = 10.0
"""How long the headers may take, from the start of the connection or of the request to their end."""

TICK_S = 1.0
"""How old the date of an answer may be; it is given in seconds."""

SHUTDOWN_TIMEOUT_S = 2.0
"""How long running requests may take to end when the server stops."""


class _BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on slow headers, endless headers and the number of connections."""

    _pending_bytes = 0
    """Bytes received since the parser last completed a part."""
    _header_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting_headers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._pending_bytes += len(data)
        super().data_received(data)
        if self._pending_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The headers are longer than {MAX_HEADER_BYTES} bytes; send fewer.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._pending_bytes = 0
        self._stop_expecting_headers()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._pending_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending_bytes = 0
        super().on_message_complete()

    def _expect_headers(self) -> None:
        self._stop_expecting_headers()
        self._header_deadline = self.loop.call_later(HEADER_TIMEOUT_S, self.transport.close)

    def _stop_expecting_headers(self) -> None:
        if self._header_deadline is not None:
            self._header_deadline.cancel()
            self._header_deadline = None


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_stop = before_stop
        self._wake: Callable[[], object] = lambda: None

    def tell_to_stop(self) -> None:
        """Make `serve_once` end. May be called from any thread."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
            self._wake()

    async def main_loop(self) -> None:
        """Look after the server once a second; uvicorn does so ten times, which alone costs an idle process 0.1 %."""
        told, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(told.set)
        try:
            while not await self.on_tick(0):  # 0: the date of the answers is to be renewed
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), TICK_S)
        finally:
            self._wake = lambda: None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_stop()
        await super().shutdown(sockets)

    async def serve_once(self, sock: socket.socket) -> None:
        """Answer on `sock` until told to stop, and close it."""
        try:
            await self.serve(sockets=[sock])
        except Exception:
            if self.started:  # otherwise the dead server would still accept connections beside its successor
                await self.shutdown([sock])
            raise
        finally:
            sock.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program around this server."""
        yield


class Server:
    """A server that listens as soon as it is made, and answers while it runs.

    Run it either in your own event loop (`run`) or in a thread (`start`). `with server:` starts and closes it.

    Args:
        app: the ASGI application to serve.
        listen: host:port; with port 0 the kernel chooses one.
        token: the token of `app`; needed to listen on an address that is not loopback.
        before_stop: called in the event loop before the server waits for running requests.
        supervisor: restarts the server if it dies; None: it gets a supervisor of its own.

    Raises:
        ConfigError: the address is in use or cannot be bound, or is not loopback and there is no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        listen: str,
        *,
        token: str | None = None,
        before_stop: Callable[[], None] = lambda: None,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._socket = bind(listen, token)
        host, port = self._socket.getsockname()[:2]
        self.address = Address(host, port)
        """The address on which it listens."""
        self._config = uvicorn.Config(
            app,
            http=_BoundedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,  # the program configures logging
            log_level="warning",  # the program knows when it starts and stops the server
            access_log=False,
            proxy_headers=False,  # no answer depends on the client's address
            server_header=False,
            timeout_graceful_shutdown=int(SHUTDOWN_TIMEOUT_S),
        )
        self._before_stop = before_stop
        self._supervisor = supervisor or Supervisor()
        self._uvicorn = _Uvicorn(self._config, before_stop)
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:7070``."""
        return f"http://{self.address}"

    async def run(self) -> None:
        """Answer until `stop` is called or this is cancelled; then end running requests and close the socket."""
        try:
            await self._supervisor.run("API server", self._serve)
        finally:
            self._socket.close()

    async def _serve(self) -> None:
        # A new one each time: uvicorn closes its sockets at the end and cannot serve twice.
        self._uvicorn = _Uvicorn(self._config, self._before_stop)
        self._uvicorn.should_exit = self._is_stopping
        serving = asyncio.ensure_future(self._uvicorn.serve_once(self._socket.dup()))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self.stop()
            await serving
            raise

    def stop(self) -> None:
        """Make `run` end. May be called from any thread."""
        self._is_stopping = True
        self._uvicorn.tell_to_stop()

    def start(self) -> Self:
        """Run in a new thread. The socket already listens, so requests are answered from now on."""
        self._thread = threading.Thread(target=asyncio.run, args=(self.run(),), name="nocarrier-api", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop answering and wait for the thread to end."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._socket.close()

    def __enter__(self) -> Self:
        return self if self._thread else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
