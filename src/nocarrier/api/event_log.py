"""The newest events as they go over the wire, made once for all readers of the live stream.

Readers have no queue of their own: each has a place in the one log. A slow one falls behind, and when the log has moved
on without it, it is told how many events it missed. So it costs nobody else anything, and memory stays bounded however
many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from nocarrier.model.finding import Diagnosis
from nocarrier.model.ports import MonotonicClock
from nocarrier.model.recorded_event import RecordedEvent, recorded_event
from nocarrier.track import DialTracker, Subscription
from nocarrier.views import StatusView

LOG_EVENTS = 8_192
"""How many of the newest are kept to be resumed from: eight seconds of a busy node, some 8 MB."""

QUEUE_EVENTS = 65_536
"""How many may be recorded between two looks; more than any program dials in that time."""

CHUNK_EVENTS = 512
"""How many are sent at once, so that what is on its way to a slow reader is bounded too."""

LOOK_EVERY_S = 0.05
"""How often the tracker is asked for events: soon for people, and seldom enough to cost nothing."""

PULSE_EVERY_S = 1.0
"""How often status and findings are looked at; they are sent where they changed."""

HEARTBEAT_S = 10.0
"""The status is sent after this time though nothing changed, so that a reader knows a quiet stream from a dead one."""

LINGER_S = 300.0
"""How long the log goes on when its last reader has left, so that a short outage leaves no gap."""

RETRY_MS = 1_000
"""When a browser's EventSource should come back."""

_log = logging.getLogger("nocarrier")

Redact = Callable[[object], Any]


class Frame(NamedTuple):
    """One event of the log."""

    seq: int
    event: RecordedEvent
    text: bytes
    """As it is sent."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that a reader missed."""

    after_seq: int
    next_seq: int
    missed: int | None
    """None: the program was started anew since, and counts from 1 again."""

    @property
    def text(self) -> bytes:
        """As it is sent."""
        return message("gap", self)


def message(event: str, data: object, seq: int | None = None) -> bytes:
    """One server-sent event (WHATWG HTML, section 9.2). JSON has no line ends, so the data is one line."""
    place = b"" if seq is None else b"id: %d\n" % seq
    return b"%sevent: %s\ndata: %s\n\n" % (place, event.encode(), msgspec.json.encode(data))


class EventLog:
    """What every reader of the live stream reads. It runs while it has readers, in their event loop.

    Args:
        tracker: whose events.
        status: makes the status of this instant.
        diagnosis: gives the findings.
        redact: masks what is sent to readers that want it so.
        clock: returns seconds that never go back.
    """

    def __init__(
        self,
        tracker: DialTracker,
        *,
        status: Callable[[], StatusView],
        diagnosis: Callable[[], Awaitable[Diagnosis]],
        redact: Redact,
        clock: MonotonicClock = time.monotonic,
    ) -> None:
        self._tracker = tracker
        self._look_at_status = status
        self._look_at_diagnosis = diagnosis
        self._redact = redact
        self._clock = clock
        self._frames: deque[Frame] = deque(maxlen=LOG_EVENTS)
        self._begins_after = 0
        """The newest event before the log began."""
        self._status: StatusView | None = None
        self._diagnosis: Diagnosis | None = None
        self._sent_status_s = 0.0
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._left_s = 0.0
        self.readers = 0
        self.closed = False

    def follow(self, after_seq: int | None, *, redacted: bool) -> AsyncGenerator[bytes, None]:
        """The stream for one reader, until the log is closed or the reader leaves. It begins with this call.

        Args:
            after_seq: the last event that it has seen; None: only what comes from now on.
            redacted: mask addresses, names and identities.
        """
        if self._running is None or self._running.done():
            self._begin()
        return self._follow(self._newest if after_seq is None else after_seq, redacted=redacted)

    async def _follow(self, place: int, *, redacted: bool) -> AsyncGenerator[bytes, None]:
        yield b"retry: %d\n\n" % RETRY_MS
        with self._reading():
            status: StatusView | None = None
            diagnosis: Diagnosis | None = None
            while not self.closed:
                changed = self._changed
                texts: list[bytes] = []
                if self._diagnosis is not None and self._diagnosis is not diagnosis:
                    diagnosis = self._diagnosis
                    texts.append(message("findings", self._redact(diagnosis) if redacted else diagnosis))
                if self._status is not None and self._status is not status:
                    status = self._status
                    texts.append(message("status", self._redact(status) if redacted else status))
                news = list(itertools.islice(self._after(place), CHUNK_EVENTS))
                if news:
                    last = news[-1]
                    place = last.next_seq - 1 if isinstance(last, Gap) else last.seq
                    texts += self._redacted(news) if redacted else [item.text for item in news]
                if texts:
                    yield b"".join(texts)
                else:
                    await changed.wait()

    def _redacted(self, news: Sequence[Frame | Gap]) -> list[bytes]:
        # All at once, as what is known of addresses is looked up for each call.
        masked = self._redact([item.event if isinstance(item, Frame) else None for item in news])
        return [
            message("dial", event, item.seq) if isinstance(item, Frame) else item.text
            for item, event in zip(news, masked, strict=True)
        ]

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        if self._running is not None:
            self._running.cancel()
        self._wake()

    # ---- what a reader has not seen yet ---------------------------------------------------------------------------

    @property
    def _newest(self) -> int:
        return self._frames[-1].seq if self._frames else self._begins_after

    def _after(self, place: int) -> Iterator[Frame | Gap]:
        """What follows `place`; a number that is missing, wherever it was lost, makes a gap."""
        oldest = self._frames[0].seq if self._frames else self._begins_after + 1
        if place > self._newest:
            yield Gap(place, oldest, None)
            place = oldest - 1
        elif place + 1 < oldest:
            yield Gap(place, oldest, oldest - place - 1)
            place = oldest - 1
        for frame in self._newer_than(place):
            if frame.seq > place + 1:
                yield Gap(place, frame.seq, frame.seq - place - 1)
            yield frame
            place = frame.seq

    def _newer_than(self, place: int) -> Sequence[Frame]:
        """The frames after `place`, found from the newest: who reads along is never far behind."""
        newer = list(itertools.takewhile(lambda frame: frame.seq > place, reversed(self._frames)))
        newer.reverse()
        return newer

    # ---- keeping the log ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1
            self._left_s = self._clock()

    def _begin(self) -> None:
        self._left_s = self._clock()
        self._frames.clear()
        self._begins_after = self._tracker.seq
        # Subscribed here and not in the task, so that a reader misses nothing that comes after it asked.
        subscription = self._tracker.subscribe(QUEUE_EVENTS, polled=True)
        self._running = asyncio.create_task(self._run(subscription), name="nocarrier-event-log")

    async def _run(self, subscription: Subscription) -> None:
        pulse = asyncio.create_task(self._beat(), name="nocarrier-pulse")
        try:
            with subscription:
                while self.readers or self._clock() - self._left_s < LINGER_S:
                    self._take(subscription)
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            pulse.cancel()

    def _take(self, subscription: Subscription) -> None:
        events = subscription.drain()
        for event in events[-LOG_EVENTS:]:
            recorded = recorded_event(event)
            self._frames.append(Frame(recorded.seq, recorded, message("dial", recorded, recorded.seq)))
        if events:
            self._wake()

    async def _beat(self) -> None:
        """Look at status and findings again and again."""
        while True:
            try:
                diagnosis = await self._look_at_diagnosis()
                if self._diagnosis is None or diagnosis.findings != self._diagnosis.findings:
                    self._diagnosis = diagnosis
                    self._wake()
                self._take_status(self._look_at_status())
            except Exception:  # noqa: BLE001 - a task boundary; logged
                _log.exception("the live stream could not look at the status, by a fault of ours; it tries again")
            await asyncio.sleep(PULSE_EVERY_S)

    def _take_status(self, status: StatusView) -> None:
        now_s = self._clock()
        is_news = self._status is None or replace(status, at_unix=self._status.at_unix) != self._status
        if is_news or now_s - self._sent_status_s >= HEARTBEAT_S:
            self._status, self._sent_status_s = status, now_s
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
