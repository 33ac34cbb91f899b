"""The history as the rest of the program uses it."""

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
"""How long the first read may wait for the file to be opened."""

STOP_S = 10.0
"""How long `close` waits for each thread. If writing the last events takes longer, the disk hangs, and the program ends
without them."""


class SqliteHistory:
    """Keeps every event and finding of a tracker in one SQLite file. Closing it writes the events that still wait.

    It raises no error if the file cannot be written to, is damaged, or was written by a newer nocarrier. `status` says
    so.

    Args:
        path: the file; created if it is missing.
        tracker: has the events.
        ttl_days: after how many days events are deleted.
        max_bytes: the size on disk above which the oldest events are deleted.
        version: the version of the program, noted with each of its runs.
        clock: returns Unix seconds.
        steps: the schema; None: the present one.
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
        """Write the events that still wait, and end the threads. Blocks for at most 20 seconds."""
        self._syncer.stop()
        self._writer.stop()
        for thread in self._threads:
            thread.join(STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def status(self) -> HistoryStatus:
        """Return the state of the history. Does not block; may be called from any thread."""
        return self._writer.status()

    def tasks(self) -> tuple[TaskState, ...]:
        """Return the state of the history's threads. May be called from any thread."""
        return self._supervisor.states()

    def record_findings(self, findings: tuple[Finding, ...]) -> None:
        """Note the findings that are active now. Never raises or blocks."""
        self._writer.take_findings(findings)

    def events(self, query: EventQuery) -> EventPage:
        """Return a page of events, newest first.

        Raises:
            HistoryError: the history cannot be read; the error says why.
            CursorError: the cursor did not come from this history.
        """
        with self._connected() as connection:
            return read_sql.read_events(connection, query)

    def read_after(self, place: EventPlace | None, limit: int) -> EventsAfter:
        """Return the next `limit` events of all runs written after `place`; None: from the oldest on.

        Raises:
            HistoryError: the history cannot be read; the error says why.
            UnknownRunError: the history does not have the run of `place`, or no longer has it.
        """
        with self._connected() as connection:
            return follow_sql.read_after(connection, place, limit)

    def read_range(self, run: str, first: int, last: int) -> list[StoredEvent]:
        """Return the events `first` to `last` of a run, inclusive, as far as the history has them; each has about 1 kB.

        Raises:
            HistoryError: the history cannot be read; the error says why.
            UnknownRunError: the history does not have the run, or no longer has it.
        """
        with self._connected() as connection:
            return follow_sql.read_range(connection, run, first, last)

    def series(self, query: SeriesQuery) -> Series:
        """Return counts over time.

        Raises:
            HistoryError: the history cannot be read; the error says why.
        """
        with self._connected() as connection:
            return read_sql.read_series(connection, query)

    def findings(self, since_unix: float | None, until_unix: float | None, limit: int) -> list[StoredFinding]:
        """Return at most `limit` findings that were active between the two times, the latest to begin first.

        Raises:
            HistoryError: the history cannot be read; the error says why.
        """
        with self._connected() as connection:
            return read_sql.read_findings(connection, since_unix, until_unix, limit)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        self._writer.tried.wait(OPEN_S)  # a read right after the start waits until the file is made
        is_failing = self._writer.status().state is HistoryState.FAILING
        with read_sql.connected(self.path, self._steps, may_be_missing=not is_failing) as connection:
            yield connection
