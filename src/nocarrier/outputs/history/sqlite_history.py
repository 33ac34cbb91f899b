"""The history, as the rest of the program knows it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from nocarrier.model.finding import Finding
from nocarrier.model.history import (
    EventPage,
    EventPlace,
    EventQuery,
    EventsAfter,
    HistoryState,
    HistoryStatus,
    Series,
    SeriesQuery,
    StoredEvent,
    StoredFinding,
)
from nocarrier.model.ports import Clock
from nocarrier.model.task_state import TaskState
from nocarrier.outputs.history import follow_sql, read_sql
from nocarrier.outputs.history.database import Migration, migrations
from nocarrier.outputs.history.syncer import Syncer
from nocarrier.outputs.history.writer_thread import Writer
from nocarrier.supervision import Supervisor
from nocarrier.tracking import DialTracker

FILE_NAME = "history.sqlite3"

DAY_S = 86_400

OPEN_S = 5.0
"""How long the first question may wait for the file to be opened."""

STOP_S = 10.0
"""How long the last events may take to be written; beyond that a disk hangs, and the program ends without them."""


class SqliteHistory:
    """Every event and finding of a tracker in one SQLite file; what waits is written when it is closed.

    A file that cannot be written to, is damaged, or was written by a newer nocarrier raises nothing: `status` says it.

    Args:
        path: the file; made where it is not there.
        tracker: whose events.
        ttl_days: days after which events are deleted.
        max_bytes: size on disk beyond which the oldest are.
        version: of the program, to be noted with each of its runs.
        clock: returns Unix seconds.
        steps: the schema.
    """

    def __init__(
        self,
        path: Path,
        tracker: DialTracker,
        *,
        ttl_days: float = 30,
        max_bytes: int = 1_000_000_000,
        version: str = "",
        clock: Clock = time.time,
        steps: Sequence[Migration] | None = None,
    ) -> None:
        self.path = path
        self._steps = migrations() if steps is None else steps
        self._syncer = Syncer(path)
        self._writer = Writer(
            path,
            tracker,
            syncer=self._syncer,
            steps=self._steps,
            ttl_s=ttl_days * DAY_S,
            max_bytes=max_bytes,
            version=version,
            clock=clock,
        )
        self._supervisor = Supervisor()
        self._threads = [
            self._start("history writer", self._writer.run, self._writer.stopping),
            self._start("history syncer", self._syncer.run, self._syncer.stopping),
        ]

    def _start(self, name: str, work: Callable[[], None], stop: threading.Event) -> threading.Thread:
        within = self._supervisor.run_in_thread
        thread = threading.Thread(target=within, args=(name, work, stop), name=f"nocarrier {name}", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Write what waits and end the threads; blocks for at most some seconds."""
        self._syncer.stop()
        self._writer.stop()
        for thread in self._threads:
            thread.join(STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def status(self) -> HistoryStatus:
        """How the history does; at once, from any thread."""
        return self._writer.status()

    def tasks(self) -> tuple[TaskState, ...]:
        """The threads of the history, whether each works; from any thread."""
        return self._supervisor.states()

    def record_findings(self, findings: tuple[Finding, ...]) -> None:
        """Take note of what stands now. Never raises or blocks."""
        self._writer.take_findings(findings)

    def events(self, query: EventQuery) -> EventPage:
        """A page of events, newest first.

        Raises:
            HistoryError: the history cannot be read; says why.
            CursorError: the cursor is none of its own.
        """
        with self._connected() as connection:
            return read_sql.read_events(connection, query)

    def read_after(self, place: EventPlace | None, limit: int) -> EventsAfter:
        """The `limit` events that were written next after `place`, over all runs; None: from the oldest on.

        Raises:
            HistoryError: the history cannot be read; says why.
            UnknownRunError: it does not have the run of `place`, or has it no more.
        """
        with self._connected() as connection:
            return follow_sql.read_after(connection, place, limit)

    def read_range(self, run: str, first: int, last: int) -> list[StoredEvent]:
        """The events `first` to `last` of a run, both included, so far as they are kept; each takes some 1 kB.

        Raises:
            HistoryError: the history cannot be read; says why.
            UnknownRunError: it does not have the run, or has it no more.
        """
        with self._connected() as connection:
            return follow_sql.read_range(connection, run, first, last)

    def series(self, query: SeriesQuery) -> Series:
        """Counts by time; raises HistoryError."""
        with self._connected() as connection:
            return read_sql.read_series(connection, query)

    def findings(self, since_unix: float | None, until_unix: float | None, limit: int) -> list[StoredFinding]:
        """Findings that stood between the two, those that began last first; raises HistoryError."""
        with self._connected() as connection:
            return read_sql.read_findings(connection, since_unix, until_unix, limit)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        self._writer.tried.wait(OPEN_S)  # who asks at the very start waits for the file to be made
        is_failing = self._writer.status().state is HistoryState.FAILING
        with read_sql.connected(self.path, self._steps, may_be_missing=not is_failing) as connection:
            yield connection
