"""Real nodes for a test: each has its own loopback address, a port chosen by the kernel, and short timeouts.

```python
nodes = nodes_fixture

async def test_two_nodes_meet(nodes):
    listener, dialer = await nodes.start(), await nodes.start()
    result = await dialer.node.connect(listener.addr)
```

A node dials nobody unless `target_peers` says so, so that a test sees only the dials it asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from nocarrier.model.event import DialFailure
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.sources.node.sessions.session import Session
from nocarrier.tracking import DialTracker

GENESIS = "ab" * 32

OPTIONS = NodeOptions(network="test", genesis=GENESIS, allow_networks=("127.0.0.0/8",), target_peers=0)

TIMING = TimingOptions(
    connect_timeout_s=2, handshake_attempt_s=0.5, handshake_window_s=1.5, maintain_interval_s=0.5, gossip_interval_s=0.3
)

VERSION = "test"


@dataclass
class RunningNode:
    """A node, its own tracker, and where it can be dialed."""

    node: Node
    tracker: DialTracker
    addr: str
    data_dir: Path
    life: contextlib.AsyncExitStack = field(repr=False)

    @property
    def host(self) -> str:
        return self.addr.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.addr.rpartition(":")[2])

    @property
    def node_id(self) -> str:
        return self.node.identity.node_id

    def is_connected_with(self, other: RunningNode) -> bool:
        return other.node_id in self.node.sessions

    def session_with(self, other: RunningNode) -> Session:
        session = self.node.sessions.get(other.node_id)
        assert session is not None, f"{self.addr} has no session with {other.addr}"
        return session

    def recorded(self, **wanted: Any) -> list[DialFailure]:
        """Entries of the tracker, oldest first; `wanted` is passed to `DialTracker.recent`."""
        return self.tracker.recent(**wanted)

    def only_entry(self) -> DialFailure:
        """The one failure or skip recorded so far."""
        [entry] = self.tracker.recent()
        return entry

    async def fail_to_connect(self, addr: str) -> DialFailure:
        """Dial by hand, and return the one entry that was recorded for it."""
        before = self.tracker.totals()
        result = await self.node.connect(addr)
        totals = self.tracker.totals()
        assert totals.failed + totals.skipped == before.failed + before.skipped + 1, f"dialing {addr}: {result}"
        entry = self.tracker.recent()[-1]
        assert (result.reason, result.phase) == (entry.reason, entry.phase)
        return entry

    async def stop(self) -> None:
        await self.life.aclose()


class Nodes:
    """Starts nodes and stops them all at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._life = contextlib.AsyncExitStack()

    async def start(
        self,
        *,
        host: str | None = None,
        port: int = 0,
        data_dir: Path | None = None,
        timing: TimingOptions = TIMING,
        tracker: DialTracker | None = None,
        resolve: Any = None,
        **options: Any,
    ) -> RunningNode:
        """Start a node with `options` of NodeOptions; with the folder of an earlier node it is that node, restarted."""
        number = next(self._numbers)
        host = host or f"127.{number}.1.1"
        tracker = tracker or DialTracker()
        data_dir = data_dir or self._folder / f"node-{number}"
        node = Node(
            structs.replace(OPTIONS, **({"p2p_listen": f"{host}:{port}"} | options)),
            timing,
            data_dir=data_dir,
            recorder=tracker,
            version=VERSION,
            **({"resolve": resolve} if resolve else {}),
        )
        life = contextlib.AsyncExitStack()
        await life.enter_async_context(node)
        self._life.push_async_callback(life.aclose)
        return RunningNode(node, tracker, f"{host}:{node.p2p_port}", data_dir, life)

    async def pair(self, **options: Any) -> tuple[RunningNode, RunningNode]:
        """Start two nodes with `options` and connect the first to the second by hand."""
        listener, dialer = await self.start(**options), await self.start(**options)
        result = await dialer.node.connect(listener.addr)
        assert result.reason is None, result
        await eventually(lambda: listener.is_connected_with(dialer))
        return dialer, listener

    async def stop(self) -> None:
        await self._life.aclose()


@pytest.fixture
async def nodes_fixture(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Starts nodes for this test; all are stopped when it ends."""
    made = Nodes(tmp_path)
    try:
        yield made
    finally:
        await made.stop()


def facts(entry: DialFailure) -> tuple[str, str, str, str, str]:
    """What an entry says about the fault: reason, kind, phase, blame, source."""
    return entry.reason, entry.kind, entry.phase, entry.blame, entry.source


async def eventually(holds: Callable[[], object], *, within_s: float = 5.0) -> Any:
    """Wait until `holds()` is true and return its result.

    Raises:
        AssertionError: it was not true within `within_s` seconds.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s"
        await asyncio.sleep(0.01)


async def eventually_recorded(peer: RunningNode, reason: Reason, *, within_s: float = 5.0) -> DialFailure:
    """Wait until `peer` has recorded `reason`; returns the first such entry."""
    entries: list[DialFailure] = await eventually(lambda: peer.recorded(reason=reason), within_s=within_s)
    return entries[0]
