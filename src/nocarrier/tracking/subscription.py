"""A reader of events that can neither block nor break a dial: a bounded queue whose drops are counted."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Self

from nocarrier.model.event import DialEvent
from nocarrier.tracking.record import Numbered, to_event
from nocarrier.tracking.run_name import RunName

if TYPE_CHECKING:
    import asyncio


class Subscription:
    """Events from now on. If the reader is slower than the dials, the oldest events are dropped and counted.

    Read it from a thread (`read`), poll it (`drain`), or, if it was made with an event loop, iterate over it with
    `async for` in that loop. Close it when done; a subscription that is no longer referenced is removed automatically.

    Records are turned into readable events here, in the reader's time and not in the dial's.

    Attributes:
        dropped_total: events this reader lost because it was slower than the dials.
        closed: True once no more events will come.
        polled: whether the reader only ever calls `drain`, so that a recording thread need not wake it.
    """

    def __init__(
        self,
        run: RunName,
        capacity: int,
        close: Callable[[Subscription], None],
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        take_in: Callable[[], None] | None = None,
    ) -> None:
        self._run = run
        self._queue: deque[Numbered] = deque(maxlen=capacity)
        self._capacity = capacity
        self._ready = threading.Condition()
        self._close = close
        self._loop = loop
        self._take_in = take_in
        self.polled = take_in is not None
        self._waiter: asyncio.Future[None] | None = None
        self.dropped_total = 0
        self.closed = False

    def put(self, records: Sequence[Numbered]) -> int:
        """Add records; called only by the tracker. Returns how many older ones were dropped to make room."""
        with self._ready:
            dropped = max(0, len(self._queue) + len(records) - self._capacity)
            self._queue.extend(records)
            self.dropped_total += dropped
            if not self.polled:
                self._wake()
        return dropped

    def _wake(self) -> None:
        self._ready.notify_all()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop that waited is closed
                self._loop.call_soon_threadsafe(_finish, waiter)

    @property
    def waiting(self) -> int:
        """How many events the reader has not read yet."""
        self._look()
        return len(self._queue)

    def drain(self, limit: int | None = None) -> list[DialEvent]:
        """All events until now, or the oldest `limit` of them, without waiting for more."""
        if limit is None or len(self._queue) < limit:
            self._look()
        with self._ready:
            taken = self._take(limit)
        return [to_event(self._run.text, *each) for each in taken]

    def _look(self) -> None:
        """Fetch undelivered records. Call it without our lock, which the tracker takes while it holds its own."""
        if self._take_in is not None and not self.closed:
            self._take_in()

    def read(self, timeout_s: float | None = None) -> list[DialEvent]:
        """Wait for events and return them; empty after `timeout_s` seconds or once closed.

        Raises:
            RuntimeError: the subscription is polled, so nobody would wake a waiting reader.
        """
        if self.polled:
            raise RuntimeError("use drain() on a polled subscription; subscribe without polled=True to wait for events")
        with self._ready:
            self._ready.wait_for(lambda: self._queue or self.closed, timeout_s)
            taken = self._take()
        return [to_event(self._run.text, *each) for each in taken]

    def _take(self, limit: int | None = None) -> list[Numbered]:
        if limit is not None and limit < len(self._queue):
            return [self._queue.popleft() for _ in range(limit)]
        taken = list(self._queue)
        self._queue.clear()
        return taken

    async def __aiter__(self) -> AsyncIterator[DialEvent]:
        """Yield events until the subscription is closed.

        Raises:
            RuntimeError: subscribed without an event loop.
        """
        if self._loop is None:
            raise RuntimeError("pass loop=asyncio.get_running_loop() to subscribe() to iterate with async for")
        while True:
            with self._ready:
                taken = self._take()
                waiter = None
                if not taken:
                    if self.closed:
                        return
                    waiter = self._waiter = self._loop.create_future()
            for each in taken:
                yield to_event(self._run.text, *each)
            if waiter is not None:
                await waiter

    def close(self) -> None:
        """End the subscription; waiting readers return."""
        self._close(self)
        with self._ready:
            self.closed = True
            self._wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Subscriptions:
    """The live subscriptions of one tracker.

    Args:
        run: the name of this run of the program.

    Attributes:
        dropped_total: events that readers, past ones included, lost because they were slower than the dials.
    """

    def __init__(self, run: RunName) -> None:
        self._run = run
        self._members: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._lock = threading.Lock()  # readers may close themselves at any time, even during publish()
        self.dropped_total = 0

    def add(
        self,
        capacity: int,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        take_in: Callable[[], None] | None = None,
    ) -> Subscription:
        """A new subscription that holds at most `capacity` unread events.

        Args:
            capacity: events.
            loop: the loop in which the reader iterates.
            take_in: what a reader that only polls calls before it looks.
        """
        subscription = Subscription(self._run, capacity, self._remove, loop=loop, take_in=take_in)
        with self._lock:
            self._members.add(subscription)
        return subscription

    @property
    def wait_for_events(self) -> bool:
        """Whether any reader has to be woken."""
        with self._lock:
            return any(not subscription.polled for subscription in self._members)

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            self._members.discard(subscription)

    def publish(self, records: Sequence[Numbered]) -> None:
        """Hand records to every subscription."""
        with self._lock:
            members = list(self._members)
        self.dropped_total += sum(subscription.put(records) for subscription in members)

    def __len__(self) -> int:
        return len(self._members)
