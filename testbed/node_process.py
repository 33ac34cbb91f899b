"""A node in a process of its own, in a network namespace or with a false clock, that a test can query and kill.

The process runs until its standard input ends, and then says goodbye to its peers. Each line it reads is a request,
each line it prints an answer, both JSON: ``{"connect": "198.18.0.2:7072"}``, or ``{}`` for the status.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import msgspec

from nocarrier.doctor import Doctor
from nocarrier.model.finding import Diagnosis
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.sources.node.sessions import session
from nocarrier.tracking import DialTracker
from testbed.netns import PYTHON_PATH, Namespace

ANSWER_S = 20.0
"""How long a process may take to start or to answer; on a busy machine the imports alone take seconds."""

Status = dict[str, Any]


class NodeProcess:
    """One node. Whatever is not in `options` and `timing` has its default."""

    def __init__(
        self,
        folder: Path,
        *,
        where: Namespace | None = None,
        under: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        timing: Mapping[str, float] | None = None,
        session_constants: Mapping[str, float] | None = None,
        **options: Any,
    ) -> None:
        self._where = where
        self._under = list(under)
        self._environment = {**os.environ, "PYTHONPATH": PYTHON_PATH, **(environment or {})}
        self._settings = {
            "folder": str(folder),
            "options": options,
            "timing": dict(timing or {}),
            "session_constants": dict(session_constants or {}),
        }
        self._process: subprocess.Popen[str] | None = None
        self.addr = ""
        self.node_id = ""

    def start(self) -> Self:
        """Start it, also after a `kill` or `stop`: it is the same node, because its folder is the same."""
        command = [*self._under, sys.executable, "-m", "testbed.node_process", json.dumps(self._settings)]
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "text": True,
            "env": self._environment,
        }
        self._process = self._where.popen(command, **pipes) if self._where else subprocess.Popen(command, **pipes)
        started = self._read()
        self.addr, self.node_id = started["addr"], started["node_id"]
        return self

    @property
    def pid(self) -> int:
        pid: int = self._running.pid
        return pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def status(self) -> Status:
        """What the node shows about itself now."""
        return self._ask({})

    def connect(self, addr: str) -> Status:
        """Make it dial `addr` by hand; returns the result of the dial."""
        return self._ask({"connect": addr})

    def wait_for(self, holds: Callable[[Status], object], *, within_s: float) -> float:
        """Wait until `holds(status)`; returns how many seconds that took.

        Raises:
            AssertionError: it did not hold within `within_s` seconds.
        """
        started_s = time.monotonic()
        while not holds(status := self.status()):
            assert time.monotonic() - started_s < within_s, f"{self.addr} not within {within_s:g} s: {status}"
            time.sleep(0.05)
        return time.monotonic() - started_s

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self._running.kill()
        self._reap()

    def stop(self) -> None:
        """Stop it properly; does nothing if it is not running."""
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):
                self._running.stdin.close()
            self._reap()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _running(self) -> Any:
        assert self._process is not None, "it is not running"
        return self._process

    def _reap(self) -> None:
        process, self._process = self._running, None
        try:
            process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def _ask(self, question: dict[str, str]) -> Status:
        self._running.stdin.write(json.dumps(question) + "\n")
        self._running.stdin.flush()
        return self._read()

    def _read(self) -> Status:
        stdout = self._running.stdout
        assert select.select([stdout], [], [], ANSWER_S)[0], f"the node {self.addr} does not answer"
        line = stdout.readline()
        assert line, f"the node {self.addr} died: exit status {self._running.wait()}"
        status: Status = json.loads(line)
        return status


# ---- inside the process ----------------------------------------------------------------------------------------------


async def _serve(settings: dict[str, Any]) -> None:
    for name, value in settings["session_constants"].items():
        assert hasattr(session, name)
        setattr(session, name, value)
    tracker = DialTracker()
    options = msgspec.convert(settings["options"], NodeOptions)
    timing = msgspec.convert(settings["timing"], TimingOptions)
    async with Node(options, timing, data_dir=Path(settings["folder"]), recorder=tracker, version="process") as node:
        host = options.p2p_listen.rpartition(":")[0]
        doctor = Doctor(tracker, node)
        _say({"addr": f"{host}:{node.p2p_port}", "node_id": node.identity.node_id})
        questions = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
        while line := await questions.readline():
            question = json.loads(line)
            if "connect" in question:
                _say(asdict(await node.connect(question["connect"])))
            else:
                _say({**_status(node, tracker), "findings": _findings(await doctor.diagnosis())})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _status(node: Node, tracker: DialTracker) -> Status:
    info = node.info()
    return {
        "connected": sorted(peer.node_id for peer in node.connected_peers()),
        "offline": info.offline,
        "offline_because": info.offline_because,
        "rejections": info.inbound_rejections,
        "reachability": asdict(info.reachability) | {"refused_total": node.reachability.refused_total},
        "port_claims": [asdict(claim) for claim in node.state().port_claims],
        "book": {peer.addr: asdict(peer) for peer in node.book_peers()},
        "totals": asdict(tracker.totals()),
        "counts": {f"{reason}/{source}": total for (reason, source), total in tracker.counts().items()},
        "dropped": dict(tracker.snapshot().dropped),
        "failures": [
            {
                "addr": entry.addr,
                "reason": entry.reason,
                "source": entry.source,
                "kind": entry.kind,
                "phase": entry.phase,
                "blame": entry.blame,
                "detail": entry.detail,
                "penalised": entry.penalised,
                "evidence": entry.evidence,
            }
            for entry in tracker.recent()
        ],
        "rss_bytes": _rss_bytes(),
        "open_files": len(list(Path("/proc/self/fd").iterdir())),
    }


def _findings(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    return [
        {
            "code": finding.code,
            "severity": finding.severity,
            "summary": str(finding.summary),
            "addrs": sorted({addr for item in finding.evidence for addr in item.addrs}),
        }
        for finding in diagnosis.findings
    ]


def _rss_bytes() -> int:
    # proc_pid_statm(5): the second field is the resident set, in pages.
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
