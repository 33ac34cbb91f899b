"""What the node shows of its sessions and its peer book, as plain values."""

from __future__ import annotations

from collections.abc import Iterable

from nocarrier.model.node_state import BookPeer, BookState, ConnectedPeer
from nocarrier.model.ports import StandingBook
from nocarrier.sources.node.book.peer_book import PeerBook
from nocarrier.sources.node.book.peer_entry import state_of
from nocarrier.sources.node.sessions.session import Session

_HOT_FIRST = list(BookState)


def connected_peers(sessions: Iterable[Session]) -> list[ConnectedPeer]:
    """The live sessions, oldest first."""
    return [
        ConnectedPeer(
            addr=session.addr,
            node_id=session.node_id,
            direction=session.direction,
            source=session.source,
            via=session.via,
            connected_at_unix=session.connected_at_unix,
            protocol_version=session.version,
            user_agent=session.remote.user_agent,
            latency_s=session.latency_s,
            last_received_unix=session.last_received_unix,
            p2p_port=session.remote.listen_port,
            http_port=session.remote.http_port,
            clock_ahead_s=round(session.remote.clock_ahead_s, 3),
        )
        for session in sorted(sessions, key=lambda session: session.connected_at_s)
    ]


def book_peers(book: PeerBook, connected: set[str], standings: StandingBook, now_unix: float) -> list[BookPeer]:
    """The peer book with each peer's standing, hot first."""
    peers = []
    for entry in book:
        standing = standings.standing(entry.addr)
        peers.append(
            BookPeer(
                addr=entry.addr,
                state=state_of(entry, connected=connected, standings=standings, now_unix=now_unix),
                connected=entry.addr in connected,
                source=entry.source,
                via=entry.via,
                node_id=entry.node_id,
                first_seen_unix=entry.first_seen_unix,
                last_success_unix=entry.last_success_unix,
                last_failure_unix=standing.last_failure_unix,
                streak=standing.streak,
                last_reason=standing.last_reason,
                next_attempt_unix=standing.next_attempt_unix,
                because=standing.because,
            )
        )
    return sorted(peers, key=lambda peer: (_HOT_FIRST.index(peer.state), peer.addr))
