"""Nodes for the page to look at: real ones in a thread with its own event loop, and ways to ask them directly."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from msgspec import structs

from nocarrier import DialTracker
from nocarrier.app.node import attend, in_background
from nocarrier.doctor import Doctor
from nocarrier.outputs.history import FILE_NAME, SqliteHistory
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions
from nocarrier.testing.demo_network import GENESIS, TIMING, VERSION, DemoNetwork, demo_network
from nocarrier.web.api.server import Server

T = TypeVar("T")

PATIENCE_S = 40.0


@contextmanager
def in_thread(make: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[tuple[T, asyncio.AbstractEventLoop]]:
    """Run what `make` returns in a thread until the block ends; yields its result and its loop."""
    entered: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def life() -> None:
        try:
            async with make() as made:
                leave = asyncio.Event()
                entered.set_result((made, asyncio.get_running_loop(), leave))
                await leave.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    thread = threading.Thread(target=asyncio.run, args=(life(),))
    thread.start()
    try:
        made, loop, leave = entered.result(PATIENCE_S)
        try:
            yield made, loop
        finally:
            loop.call_soon_threadsafe(leave.set)
    finally:
        thread.join()


def eventually(holds: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Wait until `holds()` returns something true, and return that."""
    deadline_s = time.monotonic() + within_s
    while not (result := holds()):
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s"
        time.sleep(0.05)
    return result


def ask(server: Server, path: str, token: str | None = None) -> Any:
    """The answer of the API, requested directly and not through the page."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(f"{server.url}{path}", headers=headers), timeout=20) as answer:
        return json.load(answer)


@dataclass
class WatchedNode:
    """A node with its API, in another thread."""

    node: Node
    tracker: DialTracker
    server: Server
    doctor: Doctor
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"{self.server.url}/"

    def ask(self, path: str) -> Any:
        return ask(self.server, path)

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Run `work` in the loop of the node."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)


@contextmanager
def running_demo(folder: Path) -> Iterator[WatchedNode]:
    """The network of `nocarrier demo`, with every one of its faults found."""

    @asynccontextmanager
    async def make() -> AsyncIterator[tuple[DemoNetwork, Doctor, Server]]:
        attendants: list[tuple[Doctor, Server]] = []
        async with AsyncExitStack() as stack:

            def attended(node: Node, tracker: DialTracker) -> None:
                history = stack.enter_context(SqliteHistory(folder / FILE_NAME, tracker, version=VERSION))
                attendants.append(attend(node, tracker, history, listen="127.0.0.1:0"))

            network = await stack.enter_async_context(demo_network(folder, attended))
            [(doctor, server)] = attendants
            await stack.enter_async_context(in_background(server.run()))
            await stack.enter_async_context(in_background(doctor.run()))
            yield network, doctor, server

    with in_thread(make) as ((network, doctor, server), loop):
        faulty = {peer.addr for peer in network.faulty}
        eventually(
            lambda: (
                len(network.node.sessions) == len(network.mesh) - 1
                and network.tracker.counts().get(("handshake_timeout", "seed"))
                and faulty <= {entry.addr for entry in network.tracker.recent()}
            )
        )
        yield WatchedNode(network.node, network.tracker, server, doctor, loop)


@contextmanager
def running_node(folder: Path, **options: Any) -> Iterator[WatchedNode]:
    """One real node of the demo's network on loopback with its API, and with `options` of NodeOptions."""
    usual = NodeOptions(network="demo", genesis=GENESIS, allow_networks=("127.0.0.0/8",), target_peers=0)
    tracker = DialTracker()

    @asynccontextmanager
    async def make() -> AsyncIterator[tuple[Node, Doctor, Server]]:
        chosen = structs.replace(usual, **{"p2p_listen": "127.0.0.1:0", **options})
        node = Node(chosen, TIMING, data_dir=folder, recorder=tracker, version=VERSION)
        with SqliteHistory(folder / FILE_NAME, tracker, version=VERSION) as history:
            doctor, server = attend(node, tracker, history, listen="127.0.0.1:0")
            async with in_background(server.run()), node, in_background(doctor.run()):
                yield node, doctor, server

    with in_thread(make) as ((node, doctor, server), loop):
        yield WatchedNode(node, tracker, server, doctor, loop)
