"""The composition root: makes a tracker, a node and the API, introduces them to each other, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nocarrier import __version__
from nocarrier.api.server import Server
from nocarrier.config import Settings
from nocarrier.embed import api_server
from nocarrier.node.node import Node
from nocarrier.track import DialTracker


@dataclass(frozen=True, slots=True)
class Running:
    """A node that runs, with its API."""

    node: Node
    tracker: DialTracker
    url: str


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Run a node with its API until the block ends.

    Raises:
        ConfigError: a setting cannot work, or a port is taken; before the first packet.
        StateFileError: the data folder cannot be used.
    """
    tracker = DialTracker()
    node = Node(settings.node, settings.timing, data_dir=settings.data_dir(), recorder=tracker, version=__version__)
    server = api_server(tracker, node=node, listen=settings.http.listen, token=settings.http.token or None)
    node.http_port = server.address.port
    async with answering(server), node:
        yield Running(node=node, tracker=tracker, url=server.url)


@asynccontextmanager
async def answering(server: Server) -> AsyncIterator[None]:
    """Have `server` answer in this event loop until the block ends."""
    serving = asyncio.create_task(server.run())
    try:
        yield
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


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
