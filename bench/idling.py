"""What a node costs that has its peers and nothing to do."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Benchmark, Goal, Result
from nocarrier.client.node_client import NodeClient
from nocarrier.web.views import DebugView

PEERS = 8
"""As many as a node wants by default."""

START_S = 60.0
SETTLE_S = 10.0
"""How long after the last session to begin: by then the peers are asked for addresses, and the node for its own."""

REST_S = 60.0
"""Longer than every interval at which a node does something."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _peers() -> Iterator[str]:
    """The addresses of `PEERS` nodes, separated by commas."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.peers", str(PEERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peers:
        assert peers.stdin is not None
        assert peers.stdout is not None
        try:
            yield peers.stdout.readline().strip()
        finally:
            peers.stdin.close()


@contextlib.contextmanager
def _node(seeds: str, folder: str) -> Iterator[tuple[int, str]]:
    """The process id and the URL of `nocarrier run` with its usual settings, history included."""
    settings = {
        "node-p2p-listen": "127.0.0.1:0",
        "http-listen": "127.0.0.1:0",
        "node-lan-mode": "true",
        "node-data-dir": folder,
        "node-seeds": seeds,
    }
    flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
    with subprocess.Popen(
        [sys.executable, "-m", "nocarrier", "run", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as node:
        assert node.stdout is not None
        try:
            yield node.pid, next(line.split()[-1] for line in node.stdout if line.startswith("the page: "))
        finally:
            node.terminate()


def _wait_for_sessions(url: str) -> None:
    client = NodeClient(url, None)
    deadline_s = time.monotonic() + START_S
    while len(client.get("/api/p2p/debug").read(DebugView).connected_peers) < PEERS:
        assert time.monotonic() < deadline_s, f"the node did not connect to {PEERS} peers"
        time.sleep(0.5)


def _used_s(pid: int) -> float:
    """Processor time of all threads of a process (proc_pid_stat(5), fields 14 and 15)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S


def idle_node(rounds: int) -> Result:
    with (
        tempfile.TemporaryDirectory(prefix="nocarrier-bench-") as folder,
        _peers() as seeds,
        _node(seeds, folder) as (pid, url),
    ):
        _wait_for_sessions(url)
        time.sleep(SETTLE_S)
        used_s = []
        for _ in range(rounds):
            before_s = _used_s(pid)
            time.sleep(REST_S)
            used_s.append(_used_s(pid) - before_s)
    return Result(value=statistics.median(used_s), unit="s")


BENCHMARKS = (
    Benchmark(
        name="idle_node",
        what=f"processor time in a minute of nocarrier run with {PEERS} connected peers, at rest",
        baseline="none",
        goal=Goal(0.003 * REST_S, is_ceiling=True, of_ratio=False),
        rounds=1,
        run=idle_node,
    ),
)
