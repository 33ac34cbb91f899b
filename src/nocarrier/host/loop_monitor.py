"""Knows when our own event loop stood still, so that a peer is not blamed for what we were too late to see.

A heartbeat on the loop notes when it comes late. Blocking callbacks show that way, a machine without a free processor,
and a process that was stopped (SIGSTOP, a debugger). A machine that was suspended does not: neither CLOCK_MONOTONIC,
by which the loop keeps time, nor the timers of the kernel's TCP count that time (clock_gettime(2)).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import NamedTuple

NOTED_LAG_S = 0.05
"""An event loop later than this is noted as evidence; a healthy one is late by a few milliseconds."""

HEARTBEAT_S = 0.1
"""What of a stall lies before the next beat was due goes unseen, so this is the error of a stall's length: a tenth of
the shortest one that takes blame off a peer. Waking an idle process for it costs 0.14 % of a processor; a busy one pays
4 us a beat (measured, CPython 3.11)."""

REMEMBERED_S = 60.0
"""Longer than a handshake may take. Stalls are at least a beat apart, so a minute holds some 400 of them."""


class Stall(NamedTuple):
    """The loop stood still between these two times, monotonic seconds."""

    began_s: float
    ended_s: float


class LoopMonitor:
    """The heartbeat of one event loop. All of it is for that loop's own thread."""

    def __init__(self) -> None:
        self._stalls: deque[Stall] = deque()
        self._is_watching = False
        self._due_s = 0.0

    async def run(self) -> None:
        """Watch the running loop until cancelled; what was seen stays known."""
        self._is_watching = True
        try:
            while True:
                self._due_s = time.monotonic() + HEARTBEAT_S
                await asyncio.sleep(HEARTBEAT_S)
                self._beat()
        finally:
            self._is_watching = False

    def _beat(self) -> None:
        overdue = self._overdue()
        if overdue is not None:
            self._stalls.append(overdue)
        while self._stalls and self._stalls[0].ended_s < self._due_s - REMEMBERED_S:
            self._stalls.popleft()

    def _overdue(self) -> Stall | None:
        """The stall that no beat has noted yet: whoever asks right after one may run before the beat does."""
        now_s = time.monotonic()
        return Stall(self._due_s, now_s) if self._is_watching and now_s - self._due_s > NOTED_LAG_S else None

    def _all(self) -> list[Stall]:
        overdue = self._overdue()
        return [*self._stalls, overdue] if overdue else list(self._stalls)

    def stalled_s(self, since_s: float) -> float:
        """For how many seconds the loop stood still since `since_s` (monotonic); the last minute is remembered."""
        return sum(max(0.0, stall.ended_s - max(stall.began_s, since_s)) for stall in self._all())

    def worst_s(self, last_s: float = REMEMBERED_S) -> float:
        """The longest stall that ended within the last `last_s` seconds; 0: none."""
        since_s = time.monotonic() - last_s
        return max((stall.ended_s - stall.began_s for stall in self._all() if stall.ended_s >= since_s), default=0.0)
