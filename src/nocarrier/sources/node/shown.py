"""What the node shows of its sessions and its peer book, as plain values."""

from __future__ import annotations

from collections.abc import Iterable

from nocarrier.model.node_counters import DialBackCount, Refusal
from nocarrier.model.node_state import BookPeer, BookState, ConnectedPeer
from nocarrier.model.ports import StandingBook
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.book.peer_book import PeerBook
from nocarrier.sources.node.book.peer_entry import state_of
from nocarrier.sources.node.gossip import Gossip
from nocarrier.sources.node.listener import Listener
from nocarrier.sources.node.reachability.dial_back import DialBacks
from nocarrier.sources.node.reachability.self_check import ReachabilityCheck
from nocarrier.sources.node.session_keeper import SessionKeeper
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


def refusals(
    *, book: PeerBook, bans: BanList, gossip: Gossip, keeper: SessionKeeper, dial_backs: DialBacks
) -> dict[Refusal, int]:
    """What the parts of the node refused or dropped."""
    return {
        Refusal.PEER_BOOK_FULL: book.refused_total,
        Refusal.PEER_BOOK_EVICTED: book.evicted_total,
        Refusal.BAN_EVICTED: bans.evicted_total,
        Refusal.GOSSIP_TOO_FAST: gossip.ignored_total,
        Refusal.UNKNOWN_MESSAGE: keeper.unknown_messages_total,
        Refusal.DIAL_BACK: dial_backs.refused_total,
    }


def dial_back_counts(
    *, dial_backs: DialBacks, reachability: ReachabilityCheck, listener: Listener
) -> dict[DialBackCount, int]:
    """What became of dial-backs, in both directions."""
    return {
        DialBackCount.ASKED_BY_PEER: dial_backs.asked_total,
        DialBackCount.ANSWERED_PEER: dial_backs.answered_total,
        DialBackCount.ASKED_PEER: reachability.asked_total,
        DialBackCount.ANSWERED_BY_PEER: reachability.answered_total,
        DialBackCount.REFUSED_BY_PEER: reachability.refused_total,
        DialBackCount.RECEIVED: listener.dialed_back_total,
    }
