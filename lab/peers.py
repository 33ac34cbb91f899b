"""The peers of one scenario: many real nodes and fault servers in one process, each with its own address.

The process runs on the host `internet` until its standard input ends. Each line it reads is a request, each line it
prints an answer, both JSON; the methods of `Peers` are the requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from nocarrier.model.address import Address
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.testing.fault_servers import FAULT_SERVERS, Starter
from nocarrier.tracking import DialTracker

ANSWER_S = 30.0
"""How long the process may take to start or to answer; on a busy machine the imports alone take seconds."""

REPOSITORY = Path(__file__).resolve().parents[1]

TIMING = {
    "connect_timeout_s": 3,
    "handshake_attempt_s": 12,
    "handshake_window_s": 36,
    "maintain_interval_s": 2,
    "gossip_interval_s": 2,
}
"""The timing of the peers: they find each other quickly, and are as patient with others as a normal node."""


@dataclass(frozen=True, slots=True)
class Started:
    """The result of a start."""

    port: int
    node_id: str
    """Empty for a fault server, which has none."""


class Peers:
    """The process, seen from outside.

    Args:
        popen: starts a command on the host of the peers.
        folder: where the nodes keep their files.
    """

    def __init__(self, popen: Any, folder: Path) -> None:
        self._process: subprocess.Popen[str] = popen(
            [sys.executable, "-m", "lab.peers", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        )
        self._read()

    def start_node(
        self,
        name: str,
        host: str,
        port: int,
        *,
        new_identity: bool = False,
        http_port: int | None = None,
        **options: Any,
    ) -> Started:
        """Start a node on `host`; a name that was stopped or killed before is the same node again.

        Args:
            name: names the node in the other methods.
            host: an address of the internet; the node also dials from it.
            port: 0: any.
            new_identity: delete its key first: then another node lives there.
            http_port: the API port that it tells its peers.
            options: of NodeOptions.
        """
        listen = str(Address(host, port)) if port else f"{host}:0"
        answer = self._ask(
            "start_node",
            name=name,
            options={"p2p_listen": listen, **options},
            new_identity=new_identity,
            http_port=http_port,
        )
        return Started(**answer)

    def start_server(self, name: str, host: str, port: int, kind: str) -> Started:
        """Start a fault server; `kind` is a name of FAULT_SERVERS, or ``module:NAME`` of another such Starter."""
        return Started(**self._ask("start_server", name=name, host=host, port=port, kind=kind))

    def stop(self, *names: str) -> None:
        """Stop these nodes, which say goodbye to their peers, or servers."""
        for name in names:
            self._ask("stop", name=name)

    def kill(self, *names: str) -> None:
        """End these nodes as a crash would: their connections end without a goodbye."""
        for name in names:
            self._ask("kill", name=name)

    def ban(self, name: str, target: str, *, seconds: float | None = None, because: str = "") -> None:
        """Make the node `name` ban an address, network or node id."""
        self._ask("ban", name=name, target=target, seconds=seconds, because=because)

    def lift_ban(self, name: str, target: str) -> None:
        """Make the node `name` lift that ban."""
        self._ask("lift_ban", name=name, target=target)

    def teach(self, name: str, *addrs: str) -> None:
        """Put addresses into the peer book of the node `name` as proven: it names them to its peers."""
        self._ask("teach", name=name, addrs=addrs)

    def status(self) -> dict[str, dict[str, Any]]:
        """By name of the node: connected node ids, book size, and counts of inbound rejections."""
        return dict(self._ask("status"))

    def close(self) -> None:
        """End the process and everything in it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _ask(self, what: str, **facts: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **facts}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], ANSWER_S)[0]:
            raise RuntimeError("the peers do not answer")
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"the peers died with exit status {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"the peers cannot do that: {answer['error']}")
        return answer["done"]


# ---- inside the process ---------------------------------------------------------------------------------------------


class _Population:
    """All nodes and servers of the process, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: dict[str, Node] = {}
        self._servers: dict[str, contextlib.AsyncExitStack] = {}

    async def start_node(
        self, name: str, options: Mapping[str, Any], *, new_identity: bool, http_port: int | None
    ) -> dict[str, Any]:
        folder = self._folder / name
        if new_identity:
            (folder / "node_key.pem").unlink(missing_ok=True)
        node = Node(
            msgspec.convert(options, NodeOptions),
            msgspec.convert(TIMING, TimingOptions),
            data_dir=folder,
            recorder=DialTracker(),
            version="lab",
        )
        node.http_port = http_port
        await node.__aenter__()
        self._nodes[name] = node
        return {"port": node.p2p_port, "node_id": node.identity.node_id}

    async def start_server(self, name: str, host: str, port: int, kind: str) -> dict[str, Any]:
        life = contextlib.AsyncExitStack()
        bound_port = await life.enter_async_context(_starter(kind)(host, port))
        self._servers[name] = life
        return {"port": bound_port, "node_id": ""}

    async def stop(self, name: str) -> None:
        if name in self._servers:
            await self._servers.pop(name).aclose()
        else:
            await self._nodes.pop(name).__aexit__()

    async def kill(self, name: str) -> None:
        node = self._nodes.pop(name)
        for session in node.sessions:
            # Does what the kernel does with the sockets of a process that died.
            session._writer.transport.abort()  # noqa: SLF001 - no node would do that of itself
        await node.__aexit__()

    async def ban(self, name: str, target: str, seconds: float | None, because: str) -> None:
        until_unix = None if seconds is None else time.time() + seconds
        self._nodes[name].ban(target, until_unix=until_unix, reason=because)

    async def lift_ban(self, name: str, target: str) -> None:
        self._nodes[name].bans.remove(target)

    async def teach(self, name: str, addrs: list[str]) -> None:
        book = self._nodes[name].book
        for addr in addrs:
            book.add(Address.parse(addr), Source.GOSSIP, None, time.time())
            book.succeeded(addr, None, time.time())

    async def status(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "connected": [peer.node_id for peer in node.connected_peers()],
                "book": len(node.book),
                "rejections": dict(node.info().inbound_rejections),
            }
            for name, node in self._nodes.items()
        }


def _starter(kind: str) -> Starter:
    module, colon, name = kind.partition(":")
    starter: Starter = getattr(importlib.import_module(module), name) if colon else FAULT_SERVERS[kind]
    return starter


async def _serve(folder: Path) -> None:
    population = _Population(folder)
    requests = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    _say({"done": "ready"})
    while line := await requests.readline():
        request = json.loads(line)
        try:
            done = await getattr(population, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001 - whoever asked has to see it
            _say({"error": repr(error)})
        else:
            _say({"done": done})


def _say(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
