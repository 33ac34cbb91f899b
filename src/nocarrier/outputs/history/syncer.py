"""The thread that waits for the disk, so that the writer never does.

A commit of the writer goes to the log beside the file (WAL) and into the operating system's hands: a kill of this
process cannot undo it any more. That it survives a power cut, too, takes an fsync, and a busy disk may need seconds for
one. So the log is forced to disk, and taken over into the file, here.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from pathlib import Path

from nocarrier.outputs.history import database

SYNC_EVERY_S = 1.0
"""How often what was written is forced to disk: a power cut takes hardly more than the last second."""

_log = logging.getLogger("nocarrier.history")


class Syncer:
    """Forces to disk what the writer has written, until it is stopped.

    Args:
        path: the file.

    Attributes:
        is_free: held while the file is open here; whoever renames the file takes it first.
        stopping: set when it is to come to an end.
        problem: why it could not be done last, for people; None: it could.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._synced: tuple[int, int] | None = None
        self.stopping = threading.Event()
        self.is_free = threading.Lock()
        self.problem: str | None = None

    def run(self) -> None:
        """Force to disk again and again, until stopped."""
        while not self.stopping.wait(SYNC_EVERY_S):
            self.sync()

    def stop(self) -> None:
        """Come to an end."""
        self.stopping.set()

    def sync(self) -> None:
        """Force the log to disk and take it over into the file, where it has changed since."""
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
                    _log.warning("the history is written, and not forced to disk: %s", problem)
                self.problem = problem
            else:
                self._synced, self.problem = now, None

    def _state_of_log(self) -> tuple[int, int] | None:
        """Time and size of the log; None: there is none."""
        try:
            stat = self._wal.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size
