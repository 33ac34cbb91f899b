"""`/api/p2p/peers`: the peer book, with when each peer is dialed next, and why not now."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from nocarrier.model.node.state import BookState, NodePort, book_state
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.tracking import DialTracker, PeerRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerView:
    """One address, with what is known of it."""

    addr: str
    state: BookState
    connected: bool | None
    """None: not known, because the program has no nocarrier node."""
    source: Source
    via: str | None
    node_id: str | None
    first_seen_unix: float | None
    """None: not known, because the program has no nocarrier node."""
    last_success_unix: float | None
    last_failure_unix: float | None
    streak: int
    last_reason: Reason | None
    next_attempt_unix: float | None
    """When it may be dialed next. None: now; or, if `because` is set, not until the configuration changes."""
    because: Reason | None
    """Why it is not dialed now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersView:
    """The peer book."""

    peers: list[PeerView]
    """The most promising first: hot, warm, cold."""


def peers_view(tracker: DialTracker, node: NodePort | None) -> PeersView:
    """Return the node's peer book; without a nocarrier node, the addresses that the tracker knows, in the same form."""
    if node is not None:
        return PeersView(peers=[msgspec.convert(peer, PeerView, from_attributes=True) for peer in node.book_peers()])
    snapshot = tracker.snapshot()
    peers = [_tracked_peer(record, snapshot.at_unix) for record in snapshot.peers]
    return PeersView(peers=sorted(peers, key=lambda peer: _PLACE[peer.state]))


_PLACE = {state: place for place, state in enumerate(BookState)}


def _tracked_peer(record: PeerRecord, now_unix: float) -> PeerView:
    return PeerView(
        addr=record.addr,
        state=book_state(
            connected=False,
            last_success_unix=record.last_success_unix,
            streak=record.streak,
            now_unix=now_unix,
        ),
        connected=None,
        source=record.source,
        via=record.via,
        node_id=None,
        first_seen_unix=None,
        last_success_unix=record.last_success_unix,
        last_failure_unix=record.last_failure_unix,
        streak=record.streak,
        last_reason=record.last_reason,
        next_attempt_unix=record.next_attempt_unix,
        because=record.because,
    )
