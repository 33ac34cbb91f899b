"""Knows when our own event loop was stalled, so that a peer is not blamed for what we noticed too late.

A heartbeat on the loop notes when it is late. That reveals blocking callbacks, a machine without a free processor, and
a process that was stopped (SIGSTOP, a debugger). It does not reveal that the machine was suspended: neither
CLOCK_MONOTONIC, by which the loop keeps time, nor the timers of the kernel's TCP count that time (clock_gettime(2)).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import NamedTuple

NOTED_LAG_S = 0.05
"""A delay of the event loop longer than this is noted as evidence; a healthy loop is late by a few milliseconds."""

HEARTBEAT_S = 0.1
"""The part of a stall before the next beat was due goes unseen, so this is the error in a stall's length: a tenth of
the shortest stall that takes the blame off a peer. To wake an idle process for it costs 0.11 % of a processor; a busy
one pays 4 us per beat (measured, CPython 3.11)."""

REMEMBERED_S = 60.0
"""Longer than a handshake may take. Stalls are at least one beat apart, so a minute holds at most some 400 of them."""


class Stall(NamedTuple):
    """The loop was stalled between these two times, in monotonic seconds."""

    began_s: float
    ended_s: float


class LoopMonitor:
    """The heartbeat of one event loop. Use it only in the thread of that loop."""

    def __init__(self) -> None:
        self._stalls: deque[Stall] = deque()
        self._is_watching = False
        self._due_s = 0.0

    async def run(self) -> None:
        """Watch the running loop until cancelled; the stalls seen so far remain known."""
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wait_for_beat(failed)
        self._is_watching = True
        try:
            await failed
        finally:
            self._is_watching = False
            self._timer.cancel()

    def _wait_for_beat(self, failed: asyncio.Future[None]) -> None:
        # Not a sleep in a loop: to wake a task as well costs an idle process a third more.
        self._due_s = time.monotonic() + HEARTBEAT_S
        self._timer = asyncio.get_running_loop().call_later(HEARTBEAT_S, self._on_time, failed)

    def _on_time(self, failed: asyncio.Future[None]) -> None:
        try:
            self._beat()
        except Exception as error:  # noqa: BLE001 - `run` raises it
            failed.set_exception(error)
        else:
            self._wait_for_beat(failed)

    def _beat(self) -> None:
        overdue = self._overdue()
        if overdue is not None:
            self._stalls.append(overdue)
        while self._stalls and self._stalls[0].ended_s < self._due_s - REMEMBERED_S:
            self._stalls.popleft()

    def _overdue(self) -> Stall | None:
        """The stall that no beat has noted yet: a caller that asks right after a stall may run before the beat does."""
        now_s = time.monotonic()
        return Stall(self._due_s, now_s) if self._is_watching and now_s - self._due_s > NOTED_LAG_S else None

    def _all(self) -> list[Stall]:
        overdue = self._overdue()
        return [*self._stalls, overdue] if overdue else list(self._stalls)

    def stalled_s(self, since_s: float) -> float:
        """How many seconds the loop was stalled since `since_s` (monotonic); only the last minute is remembered."""
        return sum(max(0.0, stall.ended_s - max(stall.began_s, since_s)) for stall in self._all())

    def worst_s(self, last_s: float = REMEMBERED_S) -> float:
        """The longest stall that ended within the last `last_s` seconds; 0 if there was none."""
        since_s = time.monotonic() - last_s
        return max((stall.ended_s - stall.began_s for stall in self._all() if stall.ended_s >= since_s), default=0.0)
