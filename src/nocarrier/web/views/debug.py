"""`/api/p2p/debug`: all that matters at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Diagnosis
from nocarrier.model.history import History, HistoryStatus
from nocarrier.model.node_state import ConnectedPeer, NodeInfo, NodePort, PeerBookCounts, Reachability
from nocarrier.tracking import DialTracker, Totals
from nocarrier.web.views.coverage import Coverage
from nocarrier.web.views.findings import FindingView, Reader, findings_view
from nocarrier.web.views.status import history_status

FAILURES_SHOWN = 100
"""As many as the tracker keeps, unless it was made with another capacity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugView:
    """What goes on, and the newest failures."""

    connected_peers: list[ConnectedPeer]
    """The live sessions, oldest first; empty where the program has no nocarrier node."""
    peer_book_counts: PeerBookCounts
    dial_failures: list[DialFailure]
    """The newest failures, skips, cancellations and early disconnects, oldest first."""
    dial_totals: Totals
    totals_cover: Coverage
    """Since when `dial_totals` counts."""
    reachability: Reachability
    """Whether others can dial this node, as far as they have tried."""
    node: NodeInfo | None
    """None: a program that embeds the tracker without our node."""
    history: HistoryStatus
    """What is kept over restarts, and how that goes."""
    findings: tuple[FindingView, ...]
    """What is wrong and why, the worst first; as in `/api/p2p/diagnosis`."""


def debug_view(
    tracker: DialTracker,
    node: NodePort | None,
    diagnosis: Diagnosis,
    reader: Reader,
    history: History | None = None,
) -> DebugView:
    """The view of this instant."""
    # Entries first: a dial recorded in between then counts before it is listed, never the other way round.
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
