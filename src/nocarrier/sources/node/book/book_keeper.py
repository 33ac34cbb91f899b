"""Keeps the peer book on disk: loads it, saves it when it has changed, and logs once if that does not work."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from nocarrier.errors import StateFileError
from nocarrier.sources.node import state_files
from nocarrier.sources.node.book.peer_book import PeerBook, PeerBookFile

SAVE_INTERVAL_S = 5.0
"""How many seconds of changes to the peer book a crash may cost."""

_log = logging.getLogger("nocarrier.node")


class BookKeeper:
    """The peer book and its file.

    Args:
        path: the file; it need not exist.
        netgroup_prefix: see `PeerBook`.
        now_unix: Unix seconds.

    Attributes:
        book: the book as it was last saved, and from then on as the node changes it.
    """

    def __init__(self, path: Path, *, netgroup_prefix: int, now_unix: float) -> None:
        self._path = path
        loaded = state_files.load(path, PeerBookFile, now_unix=now_unix)
        if loaded.warning:
            _log.warning("%s", loaded.warning)
        self.book = PeerBook.from_file(loaded.state or PeerBookFile([]), netgroup_prefix=netgroup_prefix)
        self._saved_revision = self.book.revision
        self._saving: asyncio.Task[bool] | None = None
        self._failed = False

    async def run(self) -> None:
        """Save changes every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(SAVE_INTERVAL_S)
            revision = self.book.revision
            if revision != self._saved_revision:
                self._saving = asyncio.create_task(asyncio.to_thread(self._save, self.book.to_file()))
                if await asyncio.shield(self._saving):
                    self._saved_revision = revision

    async def stop(self) -> None:
        """Save one last time."""
        if self._saving is not None:
            await self._saving  # a thread continues when its waiter is cancelled, and must not write after this
        self._save(self.book.to_file())

    def _save(self, file: PeerBookFile) -> bool:
        """Save `file`; returns whether that worked. Until it does, it is tried again and again, and logged once."""
        try:
            state_files.save(self._path, file)
        except StateFileError as error:
            if not self._failed:
                _log.error("the peer book could not be saved; trying again: %s", error)
            self._failed = True
            return False
        self._failed = False
        return True
