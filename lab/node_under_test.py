"""The node under test: the real `nocarrier run` as a process on the host `here`, observed only through its HTTP API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.setns import socket_in
from testbed.netns import PYTHON_PATH, Namespace

ANSWER_S = 10.0
"""For one request; a node whose event loop is stalled for some seconds answers late."""

REUSED_FOR_S = 2.0
"""A connection that was idle for longer is not used again: the server closes it after five seconds, perhaps just
then."""

STARTS_WITHIN_S = 30.0
STOPS_WITHIN_S = 15.0


class NodeDiedError(RuntimeError):
    """The node under test ended by itself."""


class NoAnswerError(RuntimeError):
    """The API of the node did not answer in time; it may answer later."""


class NodeUnderTest:
    """One node with the settings `options` ([node]) and `timing`; change them before `start`.

    Attributes:
        under: a command that runs the node, such as ``["prlimit", "--nofile=64"]``.
        environment: variables to add to its environment.
    """

    def __init__(self, where: Namespace, folder: Path, rng: random.Random, *, p2p_port: int, http_port: int) -> None:
        self._where = where
        self._folder = folder
        self._http_port = http_port
        self._process: subprocess.Popen[str] | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._used_s = 0.0
        self.p2p_port = p2p_port
        self.options: dict[str, Any] = {"p2p_listen": f"0.0.0.0:{p2p_port}", "data_dir": str(folder / "node")}
        self.timing: dict[str, float] = draw_timing(rng)
        self.under: list[str] = []
        self.environment: dict[str, str] = {}

    # ---- the process ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, and wait until its API answers.

        Raises:
            NodeDiedError: it did not start.
        """
        config = self._folder / "nocarrier.toml"
        config.write_text(
            to_toml({"node": self.options, "timing": self.timing, "http": {"listen": f"127.0.0.1:{self._http_port}"}})
        )
        with (self._folder / "node.log").open("a") as log:
            self._process = self._where.popen(
                [*self.under, sys.executable, "-m", "nocarrier", "run", "--config", str(config)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": PYTHON_PATH, **self.environment},
            )
        deadline_s = time.monotonic() + STARTS_WITHIN_S
        while not self._is_ready():
            if time.monotonic() > deadline_s:
                raise NodeDiedError(f"not ready within {STARTS_WITHIN_S:g} s: {self.log_tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it properly (SIGTERM); `start` brings the same node back."""
        self._running.terminate()
        try:
            self._running.wait(STOPS_WITHIN_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        self._disconnect()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self, seconds: float) -> None:
        """Stop the process for a while, then let it continue (SIGSTOP, SIGCONT).

        From outside it looks like a blocked event loop: nothing is read, timers fire late, and the kernel still accepts
        what peers send.
        """
        self._running.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self._running.send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The pid of the node itself, if nothing in `under` forks."""
        return self._running.pid

    def log_tail(self, lines: int = 5) -> str:
        """The last lines of its log."""
        return "\n".join((self._folder / "node.log").read_text(errors="replace").splitlines()[-lines:])

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "it is not running"
        return self._process

    def _is_ready(self) -> bool:
        with contextlib.suppress(NoAnswerError):
            return self.get("/readyz") is not None
        return False

    # ---- the API --------------------------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """Return the JSON that a GET answers; None if the route or the resource does not exist.

        Raises:
            NoAnswerError: no answer came in time.
            NodeDiedError: the node has ended.
        """
        return self._request("GET", path)

    def findings(self) -> list[dict[str, Any]] | None:
        """The doctor's findings, worst first; None if there is no doctor."""
        answer = self.get("/api/p2p/diagnosis")
        return None if answer is None else answer["findings"]

    def reasons(self) -> dict[str, int]:
        """How often each reason was recorded since the node started."""
        answer = self.get("/api/p2p/failures?limit=1&addr=none")
        return dict(answer["by_reason"])

    def failures(self, **wanted: Any) -> list[dict[str, Any]]:
        """Recorded failures, newest first; `wanted` is the query of ``/api/p2p/failures``."""
        query = "&".join(f"{key}={quote(str(value))}" for key, value in wanted.items())
        return list(self.get(f"/api/p2p/failures?{query}")["failures"])

    def connected(self) -> list[dict[str, Any]]:
        """The open sessions."""
        return list(self.get("/api/p2p/debug")["connected_peers"])

    def connect(self, addr: str) -> None:
        """Dial by hand, like `nocarrier connect`, without waiting for the outcome."""
        self._request("POST", "/api/p2p/connect", {"peer_addr": addr, "wait": False})

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        content = None if body is None else json.dumps(body)
        try:
            connection = self._connect()
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._disconnect()
            if self._process is None or self._process.poll() is not None:
                raise NodeDiedError(f"the node under test is gone: {self.log_tail()}") from error
            raise NoAnswerError(f"{method} {path}: {error!r}") from error
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        if response.status >= HTTPStatus.BAD_REQUEST:
            if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise NoAnswerError(f"{method} {path}: not ready")
            raise RuntimeError(f"{method} {path}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text)

    def _connect(self) -> http.client.HTTPConnection:
        if time.monotonic() - self._used_s > REUSED_FOR_S:
            self._disconnect()
        self._used_s = time.monotonic()
        if self._connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=ANSWER_S)
            made = socket_in(self._where.name)
            made.settimeout(ANSWER_S)
            try:
                made.connect(("127.0.0.1", self._http_port))
            except OSError:
                made.close()
                raise
            connection.sock = made
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def draw_timing(rng: random.Random) -> dict[str, float]:
    """Short timeouts, so that a scenario takes seconds; drawn for each run, so that nothing relies on one."""
    ranges = {
        "connect_timeout_s": (2.0, 4.0),
        "handshake_attempt_s": (2.0, 3.0),
        "handshake_window_s": (4.0, 8.0),
        "maintain_interval_s": (1.0, 3.0),
        "gossip_interval_s": (1.0, 3.0),
    }
    return {key: round(rng.uniform(*span), 2) for key, span in ranges.items()}


def to_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Settings as TOML: strings, numbers, lists and booleans of these kinds are written as in JSON."""
    lines = []
    for section, content in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in content.items()]
    return "\n".join(lines) + "\n"
