"""The newest events as they are sent in the live stream, encoded once for all readers.

Readers have no queue of their own. Each has a place in the one log. A slow reader falls behind; when the log no longer
has its next event, the reader is told how many events it missed. So a slow reader costs the others nothing, and memory
stays bounded for any number of readers.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from nocarrier.model.finding import Diagnosis
from nocarrier.model.ports import MonotonicClock
from nocarrier.supervision import Supervisor
from nocarrier.tracking import DialTracker, Subscription
from nocarrier.web.views import Gap, Reader, StatusView, diagnosis_view, redact

LOG_EVENTS = 8_192
"""How many of the newest events are kept, so that a reader can resume: eight seconds of a busy node, about 8 MB."""

QUEUE_EVENTS = 65_536
"""How many events may be recorded between two polls of the tracker; no program dials more in that time."""

CHUNK_EVENTS = 512
"""How many events are sent at once. This also bounds the data in transit to a slow reader."""

LOOK_EVERY_S = 0.05
"""How often the tracker is polled for events: immediate to a person, and rare enough to cost next to nothing."""

PULSE_EVERY_S = 1.0
"""How often status and findings are checked. They are sent if they changed."""

HEARTBEAT_S = 10.0
"""After this time the status is sent even if nothing changed, so that a reader can tell a quiet stream from a dead
one."""

LINGER_S = 300.0
"""How long the log is kept after its last reader has left, so that a short outage leaves no gap."""

RETRY_MS = 1_000
"""How long a browser's EventSource should wait before it reconnects."""


@dataclass(slots=True, eq=False)
class Part:
    """One message of the stream, encoded once for all readers that get the same text."""

    event: str
    """Name of the message, such as "dial"."""
    data: object
    seq: int = 0
    """`seq` of the event, which the log keeps; 0: the message describes only this moment, such as a status."""
    _texts: dict[Reader | bool, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Encode now what is the same for all readers, so that data that cannot be encoded never ends their streams."""
        if not isinstance(self.data, Diagnosis):
            self._texts[False] = message(self.event, self.data, self.seq)

    def text(self, reader: Reader) -> bytes:
        """Return the message as it is sent to `reader`."""
        # Findings differ for each reader; everything else differs only by whether it is masked.
        key = reader if isinstance(self.data, Diagnosis) else reader.is_masked
        text = self._texts.get(key)
        if text is None:
            view = diagnosis_view(self.data, reader) if isinstance(self.data, Diagnosis) else self.data
            text = message(self.event, redact(view) if reader.is_masked else view, self.seq)
            self._texts[key] = text
        return text


def message(event: str, data: object, seq: int = 0) -> bytes:
    """Return one server-sent event (WHATWG HTML, section 9.2). Encoded JSON has no line ends: the data is one line."""
    place = b"id: %d\n" % seq if seq else b""
    return b"%sevent: %s\ndata: %s\n\n" % (place, event.encode(), msgspec.json.encode(data))


def _gap(after_seq: int, next_seq: int, missed: int | None) -> Part:
    return Part("gap", Gap(after_seq=after_seq, next_seq=next_seq, missed=missed))


class EventLog:
    """The log that every reader of the live stream reads. It runs while it has readers, in their event loop.

    Args:
        tracker: has the events.
        status: returns the current status.
        diagnosis: returns the current findings.
        supervisor: runs the tasks that keep the log.
        clock: returns seconds that never go back.
    """

    def __init__(
        self,
        tracker: DialTracker,
        *,
        status: Callable[[], StatusView],
        diagnosis: Callable[[], Awaitable[Diagnosis]],
        supervisor: Supervisor,
        clock: MonotonicClock = time.monotonic,
    ) -> None:
        self._tracker = tracker
        self._look_at_status = status
        self._look_at_diagnosis = diagnosis
        self._supervisor = supervisor
        self._clock = clock
        self._dials: deque[Part] = deque(maxlen=LOG_EVENTS)
        self._begins_after = 0
        """The newest event before the log began."""
        self._stands: dict[str, Part] = {}
        """The newest findings and status, by their names in the stream."""
        self._status: StatusView | None = None
        self._diagnosis: Diagnosis | None = None
        self._sent_status_s = 0.0
        self._subscription: Subscription | None = None
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._fault: Exception | None = None
        """An error met while taking events. It is raised in the log's own task, because the reader on whose behalf they
        were taken did not cause it."""
        self._left_s = 0.0
        self.readers = 0
        self.closed = False

    def follow(
        self, after_seq: int | None, reader: Reader, *, start_id: str | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Return the stream for one reader. It begins with this call, and ends when the log is closed.

        Args:
            after_seq: the last event that the reader has seen; None: it wants only events from now on.
            reader: who reads the stream.
            start_id: the run that numbered that event; None: not known.
        """
        if self._running is None or self._running.done():
            if not self.closed:
                self._begin()
        else:
            self._take()  # the log is a moment behind, and `after_seq` may come from a newer answer of another route
        if after_seq is None:
            return self._follow(self._newest, reader)
        is_of_another_run = start_id not in {None, self._tracker.start_id}
        return self._follow(after_seq, reader, is_of_another_run=is_of_another_run)

    async def _follow(
        self, place: int, reader: Reader, *, is_of_another_run: bool = False
    ) -> AsyncGenerator[bytes, None]:
        yield b"retry: %d\n\n" % RETRY_MS
        seen: dict[str, Part] = {}
        while not self.closed:
            changed = self._changed
            news = [part for name, part in self._stands.items() if seen.get(name) is not part]
            seen = self._stands.copy()
            missing = self._after(place, is_of_another_run=is_of_another_run)
            is_of_another_run = False
            for item in itertools.islice(missing, CHUNK_EVENTS):
                place = item.data.next_seq - 1 if isinstance(item.data, Gap) else item.seq
                news.append(item)
            if news:
                yield b"".join(item.text(reader) for item in news)
            else:
                await changed.wait()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Count one more reader for the duration of the block."""
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1
            self._left_s = self._clock()

    def open(self) -> None:
        """Allow streams again after a `close`, for a program that serves the same application again."""
        self.closed = False

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        if self._running is not None:
            self._running.cancel()
        self._wake()

    # ---- what a reader has not seen yet ---------------------------------------------------------------------------

    @property
    def _newest(self) -> int:
        return self._dials[-1].seq if self._dials else self._begins_after

    def _after(self, place: int, *, is_of_another_run: bool) -> Iterator[Part]:
        """Yield everything after `place`. A missing number makes a gap, wherever the event was lost."""
        oldest = self._dials[0].seq if self._dials else self._begins_after + 1
        if is_of_another_run or place > self._newest:
            yield _gap(place, oldest, None)
            place = oldest - 1
        elif place + 1 < oldest:
            yield _gap(place, oldest, oldest - place - 1)
            place = oldest - 1
        for dial in self._newer_than(place):
            if dial.seq > place + 1:
                yield _gap(place, dial.seq, dial.seq - place - 1)
            yield dial
            place = dial.seq

    def _newer_than(self, place: int) -> Sequence[Part]:
        """Return the dials after `place`. Searches from the newest, because most readers are never far behind."""
        newer = list(itertools.takewhile(lambda dial: dial.seq > place, reversed(self._dials)))
        newer.reverse()
        return newer

    # ---- keeping the log ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._left_s = self._clock()
        self._dials.clear()
        self._stands, self._status, self._diagnosis = {}, None, None  # may be hours old
        # Subscribe here and not in the task, so that the reader misses no event after its request; and before `seq` is
        # read, so that no event falls between the two.
        self._subscription = self._tracker.subscribe(QUEUE_EVENTS, polled=True)
        self._begins_after = self._tracker.seq
        self._running = asyncio.create_task(self._run(self._subscription), name="nocarrier live stream log")

    async def _run(self, subscription: Subscription) -> None:
        pulse = self._supervisor.start("pulse of the live stream", self._beat)
        try:
            with subscription:
                await self._supervisor.run("live stream", self._keep)
        finally:
            pulse.cancel()

    async def _keep(self) -> None:
        while self.readers or self._clock() - self._left_s < LINGER_S:
            self._take()
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            await asyncio.sleep(LOOK_EVERY_S)

    def _take(self) -> None:
        assert self._subscription is not None
        events = self._subscription.drain()
        for event in events[-LOG_EVENTS:]:
            try:
                if event.seq > self._newest:
                    self._dials.append(Part("dial", event, event.seq))
            except Exception as error:  # noqa: BLE001 - `_keep` raises it; readers are told of the gap
                self._fault = error
        if events:
            self._wake()

    async def _beat(self) -> None:
        """Check status and findings once per pulse, forever."""
        while True:
            diagnosis = await self._look_at_diagnosis()
            if self._diagnosis is None or replace(diagnosis, at_unix=self._diagnosis.at_unix) != self._diagnosis:
                self._diagnosis = diagnosis
                self._show("findings", diagnosis)
            self._take_status(self._look_at_status())
            await asyncio.sleep(PULSE_EVERY_S)

    def _take_status(self, status: StatusView) -> None:
        now_s = self._clock()
        is_news = self._status is None or replace(status, at_unix=self._status.at_unix) != self._status
        if is_news or now_s - self._sent_status_s >= HEARTBEAT_S:
            self._status, self._sent_status_s = status, now_s
            self._show("status", status)

    def _show(self, name: str, data: object) -> None:
        self._stands[name] = Part(name, data)
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
