"""What the node shows about itself, its sessions and its peer book, as plain values."""

from __future__ import annotations

import time
from collections.abc import Iterable

from nocarrier.model.node.counters import DialBackCount, Refusal
from nocarrier.model.node.state import BookPeer, BookState, ConnectedPeer, NodeInfo, NodeState, PeerBookCounts
from nocarrier.sources.node.book.peer_entry import state_of
from nocarrier.sources.node.gossip import Gossip
from nocarrier.sources.node.listener import Listener
from nocarrier.sources.node.maintainer import Maintainer
from nocarrier.sources.node.neighbourhood import Neighbourhood
from nocarrier.sources.node.reachability.dial_back import DialBacks
from nocarrier.sources.node.reachability.self_check import ReachabilityCheck
from nocarrier.sources.node.session_keeper import SessionKeeper
from nocarrier.sources.node.sessions.session import Session

_HOT_FIRST = list(BookState)


def connected_peers(sessions: Iterable[Session]) -> list[ConnectedPeer]:
    """The open sessions, oldest first."""
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


def book_counts(hood: Neighbourhood) -> PeerBookCounts:
    """The peer book in numbers."""
    counts = hood.book.counts(connected=hood.sessions.addresses(), standings=hood.recorder, now_unix=time.time())
    return PeerBookCounts(**counts)


def book_peers(hood: Neighbourhood) -> list[BookPeer]:
    """The entries of the peer book with each peer's standing, hot first."""
    connected, now_unix = hood.sessions.addresses(), time.time()
    peers = []
    for entry in hood.book:
        standing = hood.recorder.standing(entry.addr)
        peers.append(
            BookPeer(
                addr=entry.addr,
                state=state_of(entry, connected=connected, standings=hood.recorder, now_unix=now_unix),
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


def node_info(
    hood: Neighbourhood,
    *,
    gossip: Gossip,
    keeper: SessionKeeper,
    listener: Listener,
    dial_backs: DialBacks,
    reachability: ReachabilityCheck,
) -> NodeInfo:
    """Who the node is and its settings, with the counters of its parts."""
    outage, options, local = hood.connectivity.outage, hood.options, hood.local
    return NodeInfo(
        node_id=local.node_id,
        version=local.version,
        network=options.network,
        genesis=options.genesis,
        protocol_version=options.protocol_version,
        min_protocol_version=options.min_protocol_version,
        p2p_port=local.p2p_port,
        http_port=local.http_port,
        advertised_p2p=local.advertised,
        ipv4_only=options.ipv4_only,
        lan_mode=options.lan_mode,
        target_peers=options.target_peers,
        max_peers=options.max_peers,
        started_at_unix=local.started_at_unix,
        offline=outage is not None,
        offline_because=outage.because if outage else None,
        inbound_rejections=dict(listener.rejections),
        refusals=_refusals(hood, gossip=gossip, keeper=keeper, dial_backs=dial_backs),
        dial_backs=_dial_back_counts(dial_backs=dial_backs, reachability=reachability, listener=listener),
        reachability=reachability.state(),
    )


def node_state(
    hood: Neighbourhood, info: NodeInfo, *, maintainer: Maintainer, keeper: SessionKeeper, listener: Listener
) -> NodeState:
    """What a diagnosis needs to know."""
    now_unix = time.time()
    return NodeState(
        info=info,
        connected=tuple(connected_peers(hood.sessions)),
        dialing=maintainer.state(),
        netgroup_prefix=hood.options.netgroup_prefix,
        proven=hood.book.proven(),
        lost=keeper.lost(now_unix),
        port_claims=hood.ports.claims(now_unix),
        introducers=hood.book.introductions.introducers(),
        loop_lag_s=hood.loop_monitor.worst_s(),
        inbound_handshakes=listener.pending,
    )


def _refusals(
    hood: Neighbourhood, *, gossip: Gossip, keeper: SessionKeeper, dial_backs: DialBacks
) -> dict[Refusal, int]:
    """What the parts of the node refused or dropped."""
    return {
        Refusal.PEER_BOOK_FULL: hood.book.refused_total,
        Refusal.PEER_BOOK_EVICTED: hood.book.evicted_total,
        Refusal.BAN_EVICTED: hood.bans.evicted_total,
        Refusal.GOSSIP_TOO_FAST: gossip.ignored_total,
        Refusal.UNKNOWN_MESSAGE: keeper.unknown_messages_total,
        Refusal.DIAL_BACK: dial_backs.refused_total,
    }


def _dial_back_counts(
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
