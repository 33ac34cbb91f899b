"""A program without a nocarrier node whose dials a test records itself, so that every number it shows is known."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.outputs.history import FILE_NAME, SqliteHistory
from nocarrier.web.api.server import Server
from tests.web.page.page_node import ask, eventually

MIX = {
    ("timeout", "seed"): 3,
    ("timeout", "gossip"): 2,
    ("connection_refused", "gossip"): 5,
    ("connection_refused", "dns"): 1,
    ("handshake_timeout", "gossip"): 4,
    ("early_disconnect", "seed"): 1,
    ("backoff_active", "gossip"): 6,
}
"""How often each (reason, source) is recorded. The last is a skip, the one before an early disconnect."""

SUCCESSES = {"seed": 2, "gossip": 3}

FAILED_DIALS = sum(n for (reason, _), n in MIX.items() if reason not in {"early_disconnect", "backoff_active"})
ROWS = sum(MIX.values()) + sum(SUCCESSES.values())

_hosts = itertools.count(1)


def own_host() -> str:
    """A loopback address on which no test in another process listens, so that its ports can be used again."""
    number = next(_hosts)
    return f"127.{64 + os.getpid() % 64}.{os.getpid() // 64 % 256}.{1 + number % 250}"


@dataclass
class Program:
    """Its tracker, its URL, and its history if it keeps one."""

    tracker: DialTracker
    server: Server
    history: SqliteHistory | None

    @property
    def url(self) -> str:
        return f"{self.server.url}/"

    def ask(self, path: str) -> Any:
        return ask(self.server, path)

    def events(self, **wanted: str) -> list[dict[str, Any]]:
        """From the history, newest first, as the API returns them; without beginnings of dials, like the page."""
        query = "&".join(f"{name}={value}" for name, value in wanted.items())
        events = self.ask(f"/api/p2p/history?limit=1000&{query}")["events"]
        return [event for event in events if event["kind"] != "started"]


@contextmanager
def program(folder: Path | None = None, *, tracker: DialTracker | None = None, **options: Any) -> Iterator[Program]:
    """Run it until the block ends, with a history in `folder`; `options` are those of `api_server`."""
    tracker = tracker or DialTracker()
    with ExitStack() as stack:
        history = stack.enter_context(SqliteHistory(folder / FILE_NAME, tracker)) if folder else None
        options = {"listen": "127.0.0.1:0", **options}
        server = stack.enter_context(api_server(tracker, history=history, **options))
        yield Program(tracker, server, history)


def record_mix(shown: Program) -> None:
    """Record `MIX` and `SUCCESSES`, each with its own address, and wait until all of it is in the history."""
    addresses = (f"203.0.113.{number}:7072" for number in range(1, 256))
    for (reason, source), n in MIX.items():
        for _ in range(n):
            via = "198.51.100.7:7072" if source == "gossip" else None
            shown.tracker.record(next(addresses), reason, source, f"detail of {reason}", via, duration_s=0.01 * n)
    for source, n in SUCCESSES.items():
        for number in range(n):
            shown.tracker.record_success(next(addresses), source, duration_s=0.2 + number, node_id="ab" * 32)
    if shown.history is not None:
        written(shown, ROWS)


def written(shown: Program, total: int) -> None:
    """Wait until the history has `total` events."""
    assert shown.history is not None
    status = shown.history.status
    eventually(lambda: status().events_total >= total)


def by_reason(mix: dict[tuple[str, str], int] = MIX) -> Counter[str]:
    counted: Counter[str] = Counter()
    for (reason, _), n in mix.items():
        counted[reason] += n
    return counted


def measured(work: Any) -> float:
    """How many seconds `work()` takes."""
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s
