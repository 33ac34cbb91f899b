"""The composition root: makes a tracker, a node and the API, connects them, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nocarrier import __version__
from nocarrier.app.embedded import api_server, make_doctor
from nocarrier.config import Settings
from nocarrier.doctor import Doctor
from nocarrier.errors import ConfigError
from nocarrier.model.address import parse_ip
from nocarrier.model.history import History
from nocarrier.model.listen import parse_listen
from nocarrier.outputs.history import FILE_NAME, SqliteHistory
from nocarrier.probing.prober import Prober
from nocarrier.sources.node.node import Node
from nocarrier.tracking import DialTracker
from nocarrier.web.api.server import Server

if TYPE_CHECKING:
    from nocarrier.integrations.opentelemetry import Exporter


@dataclass(frozen=True, slots=True)
class Running:
    """A running node with its API."""

    node: Node
    tracker: DialTracker
    doctor: Doctor
    url: str


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Run a node with its API until the block ends.

    Raises:
        ConfigError: a setting cannot work, or a port is in use; raised before the first packet.
        StateFileError: the data folder cannot be used.
    """
    export = _exporter() if settings.telemetry.otlp else None
    tracker = DialTracker(ttl_s=settings.history.recent_ttl_s or None)
    node = Node(settings.node, settings.timing, data_dir=settings.data_dir(), recorder=tracker, version=__version__)
    async with AsyncExitStack() as stack:
        history = stack.enter_context(_history(settings, tracker)) if settings.history.enabled else None
        doctor, server = attend(node, tracker, history, listen=settings.http.listen, token=settings.http.token or None)
        await stack.enter_async_context(in_background(server.run()))
        if export is not None:
            exporter = export(tracker, instance_id=node.identity.node_id)
            doctor.watch(exporter.tasks)
            stack.push_async_callback(
                asyncio.to_thread, exporter.close
            )  # sends waiting events, for a few seconds at most
        await stack.enter_async_context(node)
        await stack.enter_async_context(in_background(doctor.run()))
        yield Running(node=node, tracker=tracker, doctor=doctor, url=server.url)


def _exporter() -> Callable[..., Exporter]:
    try:
        from nocarrier.integrations.opentelemetry import export_dials_over_otlp  # noqa: PLC0415 - needs another extra
    except ImportError as error:
        raise ConfigError(f"otlp = true under [telemetry] cannot work: {error}") from error
    return export_dials_over_otlp


def _history(settings: Settings, tracker: DialTracker) -> SqliteHistory:
    return SqliteHistory(
        settings.data_dir() / FILE_NAME,
        tracker,
        ttl_days=settings.history.ttl_days,
        max_bytes=settings.history.max_bytes,
        version=__version__,
    )


def attend(
    node: Node, tracker: DialTracker, history: History | None = None, *, listen: str, token: str | None = None
) -> tuple[Doctor, Server]:
    """Give `node`, which has not started yet, a doctor and an API that shows both. Neither runs yet.

    Raises:
        ConfigError: `listen` is in use or not available, or needs a token.
    """
    doctor = make_doctor(tracker, node, history)
    host, _ = parse_listen("p2p_listen", node.options.p2p_listen)
    prober = Prober(node.policy, netgroup_prefix=node.options.netgroup_prefix, local_ip=parse_ip(host))
    server = api_server(tracker, node=node, doctor=doctor, prober=prober, history=history, listen=listen, token=token)
    node.http_port = server.address.port
    return doctor, server


@asynccontextmanager
async def in_background(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run endless `work`, such as a server, until the block ends."""
    task = asyncio.create_task(work)
    try:
        await asyncio.sleep(0)  # a task that is cancelled before it starts does not clean up
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, told.set)
    try:
        await told.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
