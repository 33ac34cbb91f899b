"""The thread that waits for the disk, so that the writer never does.

The writer commits to the log beside the file (WAL). From then on the operating system has the data, and killing this
process cannot lose it. To survive a power cut as well, it needs an fsync, which can take seconds on a busy disk. So
this thread forces the log to disk and moves it into the file.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from pathlib import Path

from nocarrier.outputs.history import database

SYNC_EVERY_S = 1.0
"""How often written data is forced to disk. A power cut loses little more than the last second."""

_log = logging.getLogger("nocarrier.history")


class Syncer:
    """Forces the writer's data to disk until it is stopped.

    Args:
        path: the file.

    Attributes:
        is_free: held while the file is open here. Code that renames the file acquires it first.
        stopping: set when the thread should end.
        problem: why the last sync failed, for people; None: it succeeded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._synced: tuple[int, int] | None = None
        self.stopping = threading.Event()
        self.is_free = threading.Lock()
        self.problem: str | None = None

    def run(self) -> None:
        """Sync about once a second until stopped."""
        while not self.stopping.wait(SYNC_EVERY_S):
            self.sync()

    def stop(self) -> None:
        """Make the thread end."""
        self.stopping.set()

    def sync(self) -> None:
        """Force the log to disk and move it into the file, if it has changed since the last time."""
        with self.is_free:
            now = self._state_of_log()
            if now is None or now == self._synced:
                return
            try:
                with contextlib.closing(database.open_to_sync(self._path)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                problem = database.what_to_change(error, self._path)
                if problem != self.problem:
                    _log.warning("the history is being written but cannot be forced to disk: %s", problem)
                self.problem = problem
            else:
                self._synced, self.problem = now, None

    def _state_of_log(self) -> tuple[int, int] | None:
        """Return the time of the last change and the size of the log; None: there is no log."""
        try:
            stat = self._wal.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size
