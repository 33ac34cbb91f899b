"""The queue between the threads that record and the counts: recording appends to it without a lock."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator

from nocarrier.tracking.ledger import End
from nocarrier.tracking.record import Record

BATCH = 1024
"""Outcomes that may wait to be taken in. Taking in one batch costs some 0.3 ms; a reader first takes in what waits."""

MAX_WAITING = 64 * BATCH
"""From here on a recording thread waits for the lock instead of leaving the work to the thread that holds it, so that
many threads cannot outrun one."""


class Intake:
    """Outcomes that wait, and the lock under which they are taken in, by the thread that fills a batch or reads.

    Args:
        take_in: called with the waiting outcomes, oldest first, under the lock.

    Attributes:
        waiting: what was recorded and is not taken in yet. A caller that appends to it directly calls `take_in_if_free`
            next.
        batch: how many waiting outcomes trigger taking in; 1 if a reader waits for each.
        lock: held while outcomes are taken in, and while the results are read.
    """

    def __init__(self, take_in: Callable[[list[Record | End]], None]) -> None:
        self.waiting: deque[Record | End] = deque()
        self.batch = BATCH
        self.lock = threading.Lock()
        self._take_in = take_in

    def put(self, item: Record | End) -> None:
        """Add an outcome."""
        self.waiting.append(item)
        if len(self.waiting) >= self.batch:
            self.take_in_if_free()

    def take_in_if_free(self) -> None:
        """Take in what waits, if it fills a batch and no other thread is doing so."""
        # A thread that held the lock (a reader too) looks again after releasing it, so giving up here leaves nothing
        # behind.
        while len(self.waiting) >= self.batch and self.lock.acquire(blocking=len(self.waiting) > MAX_WAITING):
            try:
                self._take_in_waiting()
            finally:
                self.lock.release()

    def take_in_all(self) -> None:
        """Take in everything that waits."""
        with self.all_taken_in():
            pass

    @contextlib.contextmanager
    def all_taken_in(self) -> Iterator[None]:
        """Hold the lock while nothing waits."""
        with self.lock:
            self._take_in_waiting()
            yield
        self.take_in_if_free()

    def _take_in_waiting(self) -> None:
        next_item = self.waiting.popleft
        self._take_in([next_item() for _ in range(len(self.waiting))])
