"""Peers for the node of `idle_node`: they accept it and dial nobody. Prints their addresses; exits when stdin ends."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from nocarrier import DialTracker
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions, TimingOptions


async def main(count: int) -> None:
    async with AsyncExitStack() as life:
        folder = Path(life.enter_context(tempfile.TemporaryDirectory(prefix="nocarrier-bench-")))
        addrs = []
        for number in range(1, count + 1):
            host = f"127.1.{number}.1"
            options = NodeOptions(p2p_listen=f"{host}:0", lan_mode=True, target_peers=0)
            node = Node(options, TimingOptions(), data_dir=folder / host, recorder=DialTracker(), version="bench")
            await life.enter_async_context(node)
            addrs.append(f"{host}:{node.p2p_port}")
        print(",".join(addrs), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
