"""The body of `/api/p2p/debug`, kept as long as it would be made of the same things."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from nocarrier.doctor import Doctor
from nocarrier.model.history import History, HistoryStatus
from nocarrier.model.node_state import NodePort
from nocarrier.model.ports import MonotonicClock
from nocarrier.tracking import DialTracker
from nocarrier.web.views import Reader, debug_view, redact
from nocarrier.web.views.status import history_status

KEPT_FOR_S = 1.0
"""A body is made again after this time even if nothing was recorded, as entries with a time to live expire silently and
hot peers cool down."""


MAX_KEPT = 8
"""Bodies that are kept: readers may ask by any number of URLs, which are part of it."""


class _Kept(NamedTuple):
    revisions: tuple[int, ...]
    history: HistoryStatus
    until_s: float
    body: bytes


class DebugBody:
    """The encoded view, kept as long as it would be made of the same things.

    Dashboards and scripts ask again and again while nothing happens; and whoever has recorded something must find it.

    Args:
        tracker: whose dials to show.
        node: whose peers to show; None: the program has no nocarrier node.
        doctor: whose findings to show.
        history: whose state to show; None: nothing is kept.
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
        # Read before the view is made: what is recorded meanwhile makes the next reader look again.
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
