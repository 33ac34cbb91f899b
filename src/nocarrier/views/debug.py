"""`/api/p2p/debug`: all that matters at a glance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from nocarrier.model.event import DialFailure
from nocarrier.model.node_state import ConnectedPeer, NodeInfo, NodePort, PeerBookCounts
from nocarrier.model.ports import MonotonicClock
from nocarrier.track import DialTracker, Totals
from nocarrier.views.redaction import redact

FAILURES_SHOWN = 100
"""The mission's number."""

KEPT_FOR_S = 1.0
"""A body is made anew after this time even if nothing was recorded, as entries with a time to live expire silently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugView:
    """What goes on, and the newest failures."""

    connected_peers: list[ConnectedPeer]
    """The live sessions, oldest first; empty where the program has no node of ours."""
    peer_book_counts: PeerBookCounts
    dial_failures: list[DialFailure]
    """The newest failures, skips, cancellations and early disconnects, oldest first."""
    dial_totals: Totals
    node: NodeInfo | None
    """None: a program that embeds the tracker without our node."""
    findings: None
    """What is wrong and why; None: not known, as nothing has been diagnosed. An empty list would claim health."""


def debug_view(tracker: DialTracker, node: NodePort | None) -> DebugView:
    """The view of this instant."""
    # Entries first: a dial recorded in between then counts before it is listed, never the other way round.
    failures = tracker.recent(FAILURES_SHOWN)
    return DebugView(
        connected_peers=node.connected_peers() if node else [],
        peer_book_counts=node.book_counts() if node else PeerBookCounts(),
        dial_failures=failures,
        dial_totals=tracker.totals(),
        node=node.info() if node else None,
        findings=None,
    )


class _Kept(NamedTuple):
    revisions: tuple[int, int]
    until_s: float
    body: bytes


class DebugBody:
    """The encoded view, kept as long as it would be made of the same things.

    Dashboards and scripts ask again and again while nothing happens; and whoever has recorded something must find it.

    Args:
        tracker: whose dials to show.
        node: whose peers to show; None: the program has no node of ours.
        clock: returns seconds that never go back.
    """

    def __init__(self, tracker: DialTracker, node: NodePort | None, clock: MonotonicClock = time.monotonic) -> None:
        self._tracker = tracker
        self._node = node
        self._clock = clock
        self._kept: dict[bool, _Kept] = {}

    def read(self, *, redacted: bool = False) -> bytes:
        """The view as JSON; with `redacted` without addresses, names and identities."""
        # Read before the view is made: what is recorded meanwhile makes the next reader look again.
        revisions = (self._tracker.revision, self._node.revision if self._node else 0)
        now_s = self._clock()
        kept = self._kept.get(redacted)
        if kept is not None and kept.revisions == revisions and now_s < kept.until_s:
            return kept.body
        view = debug_view(self._tracker, self._node)
        body = msgspec.json.encode(redact(view) if redacted else view)
        self._kept[redacted] = _Kept(revisions, now_s + KEPT_FOR_S, body)
        return body
