"""`/api/p2p/debug`: the state at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Diagnosis
from nocarrier.model.history import History, HistoryStatus
from nocarrier.model.node.state import ConnectedPeer, NodeInfo, NodePort, PeerBookCounts, Reachability
from nocarrier.tracking import DialTracker, Totals
from nocarrier.web.views.coverage import Coverage
from nocarrier.web.views.findings import FindingView, Reader, findings_view
from nocarrier.web.views.status import history_status

FAILURES_SHOWN = 100
"""As many as a tracker keeps by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugView:
    """The state at a glance, and the newest failures."""

    connected_peers: list[ConnectedPeer]
    """The present sessions, oldest first; empty if the program has no nocarrier node."""
    peer_book_counts: PeerBookCounts
    dial_failures: list[DialFailure]
    """The newest failures, skips, cancellations and early disconnects, oldest first."""
    dial_totals: Totals
    totals_cover: Coverage
    """Since when `dial_totals` counts."""
    reachability: Reachability
    """Whether others can dial this node, judged by those that tried."""
    node: NodeInfo | None
    """The node's identity and settings. None: the program has no nocarrier node."""
    history: HistoryStatus
    """The state of the history on disk."""
    findings: tuple[FindingView, ...]
    """What is wrong and why, the worst first; the same as in `/api/p2p/diagnosis`."""


def debug_view(
    tracker: DialTracker,
    node: NodePort | None,
    diagnosis: Diagnosis,
    reader: Reader,
    history: History | None = None,
) -> DebugView:
    """Return the present view."""
    # Entries first: a dial recorded in between is then counted before it is listed, never the other way round.
    failures = tracker.recent(FAILURES_SHOWN)
    info = node.info() if node is not None else None
    return DebugView(
        connected_peers=node.connected_peers() if node is not None else [],
        peer_book_counts=node.book_counts() if node is not None else PeerBookCounts(),
        dial_failures=failures,
        dial_totals=tracker.totals(),
        totals_cover=Coverage(covers="since start", since_unix=tracker.since_unix),
        reachability=info.reachability.state if info is not None else Reachability.UNKNOWN,
        node=info,
        history=history_status(history),
        findings=findings_view(diagnosis.findings, reader),
    )
