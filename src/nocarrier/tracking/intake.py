"""The queue between those who record and what is counted: recording appends to it without a lock."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator

from nocarrier.tracking.ledger import End
from nocarrier.tracking.record import Record

BATCH = 1024
"""Outcomes that may wait to be taken in. Taking in one batch costs some 0.3 ms; a reader takes in what waits first."""

MAX_WAITING = 64 * BATCH
"""From here on a recording thread waits for its turn instead of leaving the work to the thread that has it, so that
many threads cannot outrun one."""


class Intake:
    """Outcomes that wait, and the lock under which they are taken in: by whoever fills a batch, or reads.

    Args:
        take_in: is given what waited, oldest first, under the lock.

    Attributes:
        waiting: what was recorded and not taken in. Whoever appends to it itself then calls `take_in_if_free`.
        batch: from how many on that is due; 1 where a reader waits for each.
        lock: held while they are taken in, and while what was taken in is read.
    """

    def __init__(self, take_in: Callable[[list[Record | End]], None]) -> None:
        self.waiting: deque[Record | End] = deque()
        self.batch = BATCH
        self.lock = threading.Lock()
        self._take_in = take_in

    def put(self, item: Record | End) -> None:
        """Add what was recorded."""
        self.waiting.append(item)
        if len(self.waiting) >= self.batch:
            self.take_in_if_free()

    def take_in_if_free(self) -> None:
        """Take in what waits, if it is a batch and nobody else is at it."""
        # Whoever holds the lock looks again after releasing it (a reader too), so nothing is left behind by giving up.
        while len(self.waiting) >= self.batch and self.lock.acquire(blocking=len(self.waiting) > MAX_WAITING):
            try:
                self._take_in_waiting()
            finally:
                self.lock.release()

    def take_in_all(self) -> None:
        """Take in what waits."""
        with self.all_taken_in():
            pass

    @contextlib.contextmanager
    def all_taken_in(self) -> Iterator[None]:
        """Hold the lock with nothing waiting."""
        with self.lock:
            self._take_in_waiting()
            yield
        self.take_in_if_free()

    def _take_in_waiting(self) -> None:
        next_item = self.waiting.popleft
        self._take_in([next_item() for _ in range(len(self.waiting))])
