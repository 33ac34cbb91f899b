"""A reader of events that can neither block nor break a dial: a bounded queue whose drops are counted."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Self

from nocarrier.model.event import DialEvent

if TYPE_CHECKING:
    import asyncio


class Subscription:
    """Events from now on. When the reader is slower than the dials, the oldest are dropped and counted.

    Read it from a thread (`read`), poll it (`drain`), or, where it was subscribed with an event loop, iterate over it
    with `async for` in that loop. Close it when done; one that is no longer referenced is removed by itself.

    Attributes:
        dropped_total: events this reader lost because it was slower than the dials.
        closed: True once no more events come.
    """

    def __init__(
        self, capacity: int, close: Callable[[Subscription], None], loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self._queue: deque[DialEvent] = deque(maxlen=capacity)
        self._ready = threading.Condition()
        self._close = close
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.dropped_total = 0
        self.closed = False

    def put(self, events: Iterable[DialEvent]) -> int:
        """Add events, called by the tracker only; returns how many were dropped for them."""
        dropped = 0
        with self._ready:
            for event in events:
                dropped += len(self._queue) == self._queue.maxlen
                self._queue.append(event)
            self.dropped_total += dropped
            self._wake()
        return dropped

    def _wake(self) -> None:
        self._ready.notify_all()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop that waited is closed
                self._loop.call_soon_threadsafe(_finish, waiter)

    def drain(self) -> list[DialEvent]:
        """All events that wait, oldest first, without waiting for more."""
        with self._ready:
            return self._take()

    def read(self, timeout_s: float | None = None) -> list[DialEvent]:
        """Wait until there are events and take them; empty after `timeout_s` seconds or once closed."""
        with self._ready:
            self._ready.wait_for(lambda: self._queue or self.closed, timeout_s)
            return self._take()

    def _take(self) -> list[DialEvent]:
        events = list(self._queue)
        self._queue.clear()
        return events

    async def __aiter__(self) -> AsyncIterator[DialEvent]:
        """Yield events until the subscription is closed.

        Raises:
            RuntimeError: subscribed without an event loop.
        """
        if self._loop is None:
            raise RuntimeError("pass loop=asyncio.get_running_loop() to subscribe() to iterate with async for")
        while True:
            with self._ready:
                events = self._take()
                waiter = None
                if not events:
                    if self.closed:
                        return
                    waiter = self._waiter = self._loop.create_future()
            for event in events:
                yield event
            if waiter is not None:
                await waiter

    def close(self) -> None:
        """End the subscription; readers that wait return."""
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

    Attributes:
        dropped_total: events that readers lost because they were slower than the dials, those since gone included.
    """

    def __init__(self) -> None:
        self._members: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._lock = threading.Lock()  # readers close themselves whenever they like, in the middle of a publish() too
        self.dropped_total = 0

    def add(self, capacity: int, loop: asyncio.AbstractEventLoop | None) -> Subscription:
        """A new subscription that holds at most `capacity` unread events."""
        subscription = Subscription(capacity, self._remove, loop)
        with self._lock:
            self._members.add(subscription)
        return subscription

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            self._members.discard(subscription)

    def publish(self, events: list[DialEvent]) -> None:
        """Hand events to every subscription."""
        with self._lock:
            members = list(self._members)
        self.dropped_total += sum(subscription.put(events) for subscription in members)

    def __len__(self) -> int:
        return len(self._members)
