"""The body of `/api/p2p/debug`, cached until something in it may have changed."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from nocarrier.doctor import Doctor
from nocarrier.model.history import History, HistoryStatus
from nocarrier.model.node.state import NodePort
from nocarrier.model.ports import MonotonicClock
from nocarrier.tracking import DialTracker
from nocarrier.web.views import Reader, debug_view, redact
from nocarrier.web.views.status import history_status

KEPT_FOR_S = 1.0
"""A body is made again after this time even if nothing was recorded: some things change by time alone, such as peers
that stop being hot."""


MAX_KEPT = 8
"""How many bodies are cached. There is one for each URL that readers use, because actions contain the URL."""


class _Kept(NamedTuple):
    revisions: tuple[int, ...]
    history: HistoryStatus
    until_s: float
    body: bytes


class DebugBody:
    """The encoded view, cached until something in it may have changed.

    Dashboards and scripts poll while nothing happens, so that must be cheap. A reader that has just recorded an event
    must still see it at once.

    Args:
        tracker: has the dials to show.
        node: has the peers to show; None: the program has no nocarrier node.
        doctor: makes the findings to show.
        history: has the state of the history to show; None: history is off.
        clock: returns seconds that never go back.
    """

    def __init__(
        self,
        tracker: DialTracker,
        node: NodePort | None,
        doctor: Doctor,
        history: History | None = None,
        clock: MonotonicClock = time.monotonic,
    ) -> None:
        self._tracker = tracker
        self._node = node
        self._doctor = doctor
        self._history = history
        self._clock = clock
        self._kept: dict[Reader, _Kept] = {}

    async def read(self, reader: Reader) -> bytes:
        """The view as JSON for `reader`."""
        diagnosis = await self._doctor.diagnosis()
        # Read before the view is made: an event recorded in between then makes the next reader get a new body.
        node_revision = self._node.revision if self._node is not None else 0
        revisions = (self._tracker.revision, node_revision, self._doctor.revision)
        now_s = self._clock()
        kept = self._kept.get(reader)
        history = history_status(self._history)
        if kept is not None and (kept.revisions, kept.history) == (revisions, history) and now_s < kept.until_s:
            return kept.body
        view = debug_view(self._tracker, self._node, diagnosis, reader, self._history)
        body = msgspec.json.encode(redact(view) if reader.is_masked else view)
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[reader] = _Kept(revisions, history, now_s + KEPT_FOR_S, body)
        return body
