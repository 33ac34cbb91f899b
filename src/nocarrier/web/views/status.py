"""The status message of the live stream: the most important numbers, and how a reader notices that peers changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nocarrier.model.history import History, HistoryState, HistoryStatus
from nocarrier.model.node.state import NodePort, PeerBookCounts, Reachability
from nocarrier.tracking import DialTracker, Totals, sum_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The state of the program at one moment."""

    at_unix: float
    started_unix: float
    """Since when dials are counted."""
    start_id: str
    """The same as `run`: the id of this run. Each run numbers its events from 1."""
    seq: int
    """`seq` of the newest event."""
    dial_totals: Totals
    dropped: Mapping[str, int]
    """Events lost on the way to readers, by cause."""
    history: HistoryStatus
    connected: int
    target_peers: int | None
    """None: the program has no nocarrier node."""
    peer_book_counts: PeerBookCounts
    reachability: Reachability
    offline: bool
    ready: bool
    node_revision: int
    """Changes whenever the peers may have changed."""


_NO_HISTORY = HistoryStatus(state=HistoryState.OFF)


def history_status(history: History | None) -> HistoryStatus:
    """Return the state of the history, which may be off."""
    return history.status() if history is not None else _NO_HISTORY


def status_view(tracker: DialTracker, node: NodePort | None, history: History | None) -> StatusView:
    """Return the present view."""
    tally = tracker.tally()
    info = node.info() if node is not None else None
    return StatusView(
        at_unix=tally.at_unix,
        started_unix=tracker.since_unix,
        start_id=tracker.start_id,
        seq=tally.seq,
        dial_totals=sum_of(tally.totals_by_source.values()),
        dropped=tally.dropped,
        history=history_status(history),
        connected=len(node.connected_peers()) if node is not None else 0,
        target_peers=info.target_peers if info is not None else None,
        peer_book_counts=node.book_counts() if node is not None else PeerBookCounts(),
        reachability=info.reachability.state if info is not None else Reachability.UNKNOWN,
        offline=info is not None and info.offline,
        ready=node is None or node.ready,
        node_revision=node.revision if node is not None else 0,
    )
