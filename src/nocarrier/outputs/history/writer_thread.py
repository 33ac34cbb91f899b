"""The one thread that writes the history. Whatever happens to the disk, the program continues, and `status` says so."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nocarrier.errors import HistoryError
from nocarrier.model.event import DialEvent
from nocarrier.model.finding import Finding
from nocarrier.model.history import EndedBy, HistoryState, HistoryStatus
from nocarrier.model.ports import Clock
from nocarrier.outputs.history import database, read_sql, retention, write_sql
from nocarrier.outputs.history.database import Migration
from nocarrier.outputs.history.retention import EvenClock
from nocarrier.outputs.history.syncer import Syncer
from nocarrier.outputs.history.write_sql import StandingFinding, Told
from nocarrier.tracking import DialTracker

FLUSH_EVERY_S = 0.1
"""How often recorded events are written. A kill may lose a second of them, mostly if the machine is too busy to let the
writer run."""

QUIET_FACTOR = 4
"""How many times longer the writer waits if there was nothing to write. Waking an idle process costs 0.2 ms, most of it
for cold caches (measured); the first event after a pause still waits for less than half a second."""

QUEUE_EVENTS = 32_768
"""How many events may wait while the disk is full or slow: about 30 MB, three seconds of the busiest node or hours of a
usual one. Beyond that the oldest are lost, and counted."""

CHUNK_EVENTS = 8_192
"""Events in one transaction. Each transaction costs time of its own, and is repeated as a whole if it fails."""

CHUNKS_AT_ONCE = QUEUE_EVENTS // CHUNK_EVENTS + 1
"""Transactions in a row before findings and retention get their turn: enough to write everything that can wait."""

TOLD_FINDINGS = 1_024
"""How many changes of the findings may wait: half an hour of them if every examination makes one."""

RETRY_EVERY_S = 2.0
"""How long to wait before a file that failed is tried again."""

SEE_EVERY_S = 30.0
"""How often a quiet program notes that it runs, which bounds the time of a crash."""

TIDY_EVERY_S = 5.0
"""How often age and size are checked."""

TIDY_FOR_S = 0.1
"""How long deleting may take at once, while new events wait."""

SHRINK_PAGES = 512
"""How many pages are given back at once: this takes a few milliseconds."""

_log = logging.getLogger("nocarrier.history")


class Writer:
    """Writes the events that `tracker` records from now on, and the findings it is given, until it is stopped.

    Args:
        path: the file.
        tracker: has the events.
        syncer: forces to disk what this thread writes.
        steps: the schema.
        ttl_s: after how many seconds events are deleted.
        max_bytes: the size in bytes above which the oldest events are deleted.
        version: the version of the program.
        clock: returns Unix seconds.

    Attributes:
        tried: set once the file was opened, or could not be opened.
        stopping: set when the thread should end.
        is_behind: whether the last step left events unwritten because they arrive faster than it can write.
    """

    def __init__(
        self,
        path: Path,
        tracker: DialTracker,
        *,
        syncer: Syncer,
        steps: Sequence[Migration],
        ttl_s: float,
        max_bytes: int,
        version: str,
        clock: Clock,
    ) -> None:
        self._path = path
        self._syncer = syncer
        self._steps = steps
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._version = version
        self._clock = clock
        # From now on, not from when the file is open: events recorded in between wait.
        self._subscription = tracker.subscribe(QUEUE_EVENTS, polled=True)
        self._identity = tracker.run
        self._pending: list[DialEvent] = []
        self._lost = 0
        self._told: deque[Told] = deque(maxlen=TOLD_FINDINGS)
        self._telling: deque[Told] = deque(maxlen=TOLD_FINDINGS)
        """Changes taken from `_told` that are not written yet."""
        self._standing: dict[str, StandingFinding] = {}
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._run: int | None = None
        """The id of the run in the file."""
        self._open_at_s = self._see_at_s = self._tidy_at_s = 0.0
        self._even_clock = EvenClock(clock(), time.monotonic())
        self._is_deleting = False
        self._status = HistoryStatus(state=HistoryState.STARTING)
        self.stopping = threading.Event()
        self.tried = threading.Event()
        self.is_behind = False
        self._is_quiet = False
        """Whether the last step found no events."""

    # ---- from any thread ------------------------------------------------------------------------------------------

    def status(self) -> HistoryStatus:
        """Return the state of the history."""
        return replace(
            self._status,
            detail=self._syncer.problem or self._status.detail,
            waiting=len(self._pending) + self._subscription.waiting,
            dropped_total=self._subscription.dropped_total + self._lost,
        )

    def take_findings(self, findings: tuple[Finding, ...]) -> None:
        """Note that these findings are active from now on. The thread writes them soon."""
        self._told.append((self._clock(), findings))

    def stop(self) -> None:
        """Make the thread write the events that wait, and end."""
        self.stopping.set()

    # ---- the thread -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Write until stopped. May be called again after an internal error."""
        try:
            self.step()
        finally:
            self.tried.set()
        while not self.stopping.wait(self._pause_s()):
            self.step()
        self._open_at_s = 0.0  # one last try, whatever happened before
        try:
            self.step()
        finally:
            self._finish()

    def _pause_s(self) -> float:
        if self.is_behind:
            return 0.0
        return FLUSH_EVERY_S * QUIET_FACTOR if self._is_quiet else FLUSH_EVERY_S

    def step(self) -> None:
        """Write the events and findings that wait, as far as possible now. Raises only on an internal error."""
        self.is_behind, self._is_quiet = False, True
        try:
            connection = self._opened()
            if connection is not None:
                self._write_events(connection)
                self._write_findings(connection)
                self._see(connection)
                self._tidy(connection)
        except (sqlite3.Error, OSError, HistoryError) as error:
            self._fail(error)

    def _opened(self) -> sqlite3.Connection | None:
        """Return the connection, and open it if needed; None: it failed a moment ago."""
        if self._connection is not None and not self._is_in_place():
            self._close()
            self._begin_with("the history was removed while it was in use; a new one was started")
        if self._connection is None and time.monotonic() >= self._open_at_s:
            connection = database.open_to_write(self._path, self._steps, max_bytes=self._max_bytes)
            self._connection, self._inode = connection, self._path.stat().st_ino
            if self._run is None:
                self._run = write_sql.begin_run(connection, self._identity, self._clock(), self._version)
            self._tidy_at_s = 0.0
            self._is_deleting = True  # the program may have ended before it had deleted everything
            detail = self._status.detail if self._status.state is HistoryState.STARTING else None
            self._set_working(connection, detail)
        return self._connection

    def _is_in_place(self) -> bool:
        """Whether the open file still has its name. SQLite would go on writing to a removed file that nobody sees."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _write_events(self, connection: sqlite3.Connection) -> None:
        """Write until a transaction is not full.

        Events that arrive during that last transaction wait for the next step. With a slow disk there are always some,
        and findings, retention and stopping would never get their turn.
        """
        assert self._run is not None
        for _ in range(CHUNKS_AT_ONCE):
            if not self._pending and not self._fetch():
                return
            self._is_quiet = False
            try:
                write_sql.insert_events(connection, self._blocks(), self._run)
            except (sqlite3.Error, OSError):
                raise
            except Exception:
                self._leave_out_what_cannot_be_written()
                raise
            total = self._status.events_total + len(self._pending)
            oldest = min(event.at_unix for event in self._pending)  # not the first one if the clock was set back
            since_unix = oldest if self._status.since_unix is None else min(oldest, self._status.since_unix)
            self._status = replace(self._status, events_total=total, since_unix=since_unix)
            self.is_behind = len(self._pending) >= CHUNK_EVENTS
            self._pending.clear()
            self._see_at_s = time.monotonic() + SEE_EVERY_S
            if not self.is_behind:
                return

    def _leave_out_what_cannot_be_written(self) -> None:
        """Drop events that cannot be written, because one of them would block the rest. If none is found, drop all."""
        good = list(filter(write_sql.can_be_written, self._pending))
        kept = good if len(good) < len(self._pending) else []
        self._lost += len(self._pending) - len(kept)
        self._pending = kept

    def _blocks(self) -> Iterator[list[DialEvent]]:
        """Yield the events of one transaction in blocks. They stay in `_pending` until it has succeeded."""
        for start in range(0, len(self._pending), write_sql.BLOCK_ROWS):
            yield self._pending[start : start + write_sql.BLOCK_ROWS]
        while len(self._pending) < CHUNK_EVENTS and (block := self._fetch()):
            yield block

    def _fetch(self) -> list[DialEvent]:
        block = self._subscription.drain(write_sql.BLOCK_ROWS)
        self._pending += block
        return block

    def _write_findings(self, connection: sqlite3.Connection) -> None:
        while self._told:
            self._telling.append(self._told.popleft())
        if not self._telling:
            return
        assert self._run is not None
        self._standing = write_sql.write_findings(connection, self._standing, self._telling, self._run)
        self._telling.clear()
        self._see_at_s = 0.0  # so that, after a crash, the run was last seen after these findings began

    def _see(self, connection: sqlite3.Connection) -> None:
        assert self._run is not None
        if time.monotonic() >= self._see_at_s:
            write_sql.see_run(connection, self._run, self._clock())
            self._see_at_s = time.monotonic() + SEE_EVERY_S

    def _finish(self) -> None:
        left = len(self._pending) + len(self._subscription.drain())
        self._pending.clear()
        self._subscription.close()
        if left:
            self._lost += left
            _log.warning("%d events could not be written to the history before the program stopped", left)
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            now_unix = self._clock()
            for standing in self._standing.values():
                write_sql.end_finding(connection, standing, now_unix, EndedBy.STOPPED)
            assert self._run is not None
            write_sql.see_run(connection, self._run, now_unix, stopped=True)
        self._close()

    # ---- old rows -------------------------------------------------------------------------------------------------

    def _tidy(self, connection: sqlite3.Connection) -> None:
        """Take a few small steps of tidying, so that new events do not wait long."""
        if database.log_bytes(self._path) > database.log_limit(self._max_bytes):
            # Events are written faster than the syncer can move them: it never finds a moment without a new one.
            database.take_over_log(connection)
        now_s = time.monotonic()
        if now_s < self._tidy_at_s:
            return
        while more := self._tidy_step(connection):
            if time.monotonic() > now_s + TIDY_FOR_S:
                break
        self._tidy_at_s = 0.0 if more else now_s + TIDY_EVERY_S
        self._status = replace(self._status, size_bytes=database.file_bytes(self._path))

    def _tidy_step(self, connection: sqlite3.Connection) -> bool:
        """Take one step of tidying; True: there is more to do."""
        if self._is_deleting:
            self._is_deleting = write_sql.delete_old(connection) == write_sql.DELETE_ROWS
        elif (before_unix := self._first_to_keep(connection)) is not None:
            write_sql.move_horizon(connection, before_unix)
            self._is_deleting = True
            self._set_working(connection, self._status.detail)
        elif retention.has_space_to_give_back(write_sql.free_bytes(connection), self._max_bytes):
            write_sql.shrink(connection, SHRINK_PAGES)
        else:
            return False
        return True

    def _first_to_keep(self, connection: sqlite3.Connection) -> float | None:
        """Return the beginning of the first minute to keep; None: nothing is to be deleted."""
        since_unix, now_unix = self._status.since_unix, self._clock()
        if since_unix is None:
            return None
        if self._even_clock.is_trusted(now_unix, time.monotonic()):
            young_enough = retention.first_young_enough(now_unix, since_unix, self._ttl_s)
            if young_enough is not None:
                return young_enough
        rows = retention.rows_to_delete(write_sql.used_bytes(connection), self._status.events_total, self._max_bytes)
        after_oldest = write_sql.minute_after_oldest(connection, rows) if rows is not None else None
        # The current minute is never deleted, even if its events alone exceed the allowed size.
        is_past = after_oldest is not None and after_oldest <= retention.minute(now_unix)
        return after_oldest if is_past else None

    # ---- status ---------------------------------------------------------------------------------------------------

    def _set_working(self, connection: sqlite3.Connection, detail: str | None) -> None:
        if self._status.state is HistoryState.FAILING:
            _log.warning("the history can be written again")
        self._status = HistoryStatus(
            state=HistoryState.WORKING,
            detail=detail,
            since_unix=read_sql.oldest_event(connection),
            events_total=read_sql.count_events(connection),
            size_bytes=database.file_bytes(self._path),
        )

    def _fail(self, error: Exception) -> None:
        self._close()
        if database.is_corrupt(error):
            self._set_aside(error)
            return
        self._open_at_s = time.monotonic() + RETRY_EVERY_S
        detail = database.what_to_change(error, self._path)
        if self._status.state is not HistoryState.FAILING or detail != self._status.detail:
            _log.warning("the history cannot be written: %s", detail)
        self._status = replace(self._status, state=HistoryState.FAILING, detail=detail)

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close_written(self._connection)
            self._connection = None

    def _set_aside(self, error: Exception) -> None:
        """Rename a damaged file; the next step makes a new one."""
        try:
            with self._syncer.is_free:
                aside = database.set_aside(self._path)
        except OSError as why:
            self._open_at_s = time.monotonic() + RETRY_EVERY_S
            detail = f"{self._path} is damaged ({error}) and cannot be renamed ({why.strerror}): move it away by hand"
            self._status = replace(self._status, state=HistoryState.FAILING, detail=detail)
            _log.warning("%s", detail)
        else:
            self._begin_with(f"the history was damaged ({error}): it is kept as {aside}, and a new one was started")

    def _begin_with(self, detail: str) -> None:
        stands = tuple(standing.finding for standing in self._standing.values())
        self._run, self._standing = None, {}
        self._telling = deque([(self._clock(), stands), *self._telling], maxlen=TOLD_FINDINGS)
        self._status = HistoryStatus(state=HistoryState.STARTING, detail=detail)
        _log.warning("%s", detail)
