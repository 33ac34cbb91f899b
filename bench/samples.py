"""Samples of what real dials and a real node leave behind, for benchmarks that need them without a network."""

from __future__ import annotations

from nocarrier import Blame, DialTracker, Evidence, Fault, Phase, Reason, Source
from nocarrier.classification import blame_for
from nocarrier.model.event import EndedAttempt
from nocarrier.model.node.state import ConnectedPeer, Direction, NodeInfo, PeerBookCounts

NOW_UNIX = 1_750_000_000.0
GENESIS = "5f" * 32


def record_failed_dials(tracker: DialTracker, count: int) -> None:
    """Begin and fail `count` dials, each to its own address, with what `nocarrier.dial` knows about a refusal."""
    for number in range(count):
        source = (Source.SEED, Source.PEER_BOOK, Source.GOSSIP)[number % 3]
        addr = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:7072"
        took_s = round(0.000_2 + number / 1e6, 6)
        evidence = Evidence(
            errno="ECONNREFUSED", syn_retransmits=0, decided_by="network", elapsed_s=round(took_s - 0.000_1, 6)
        )
        fault = Fault(
            reason=Reason.CONNECTION_REFUSED,
            phase=Phase.CONNECT,
            blame=Blame.THEM,
            detail="Connection refused",
            evidence=evidence,
        )
        attempt = EndedAttempt(addr, 0.000_045, took_s, fault)
        dial_id = tracker.begin(addr, source, via="198.51.100.7:7072" if source is Source.GOSSIP else None)
        tracker.fail(
            dial_id,
            fault,
            duration_s=took_s + 0.000_1,
            attempts=(attempt,),
            phases_s={Phase.CONNECT: took_s + 0.000_01},
        )


_KINDS_OF_FAILURES = tuple(
    Fault(reason=reason, phase=reason.phase, blame=blame_for(reason, evidence), evidence=evidence)
    for reason, evidence in (
        (Reason.TIMEOUT, Evidence(syn_retransmits=3, elapsed_s=10.0)),
        (Reason.CONNECTION_REFUSED, Evidence(errno="ECONNREFUSED", decided_by="network", syn_retransmits=0)),
        (
            Reason.HOST_UNREACHABLE,
            Evidence(decided_by="network", icmp={"type": 3, "code": 1, "hop": "198.51.100.1"}, elapsed_s=0.1),
        ),
        (Reason.HANDSHAKE_TIMEOUT, Evidence(bytes_received=0)),
        (Reason.REMOTE_CLOSED, Evidence(bytes_received=0)),
        (Reason.TOO_MANY_PEERS, Evidence(stated_by="remote")),
        (Reason.VERSION_MISMATCH, Evidence(ours={"min": 1, "max": 2}, theirs={"min": 3, "max": 4})),
    )
)


def record_all_kinds_of_failures(tracker: DialTracker, count: int) -> None:
    """Begin and fail `count` dials to unrelated peers that other peers named; one in eight reaches its session."""
    for number in range(count):
        addr = f"{number % 199 + 1}.{number // 199 % 256}.{number & 255}.{number >> 8 & 255}:7072"
        dial_id = tracker.begin(addr, Source.GOSSIP, via=f"203.0.113.{number % 64}:7072")
        if number % 8 == 7:
            tracker.succeed(dial_id, duration_s=0.1)
        else:
            tracker.fail(dial_id, _KINDS_OF_FAILURES[number % 8], duration_s=0.2)


class NodeOf64Peers:
    """What the debug view reads from a node; as much as a node with the default `max_peers` can have."""

    def connected_peers(self) -> list[ConnectedPeer]:
        return [
            ConnectedPeer(
                addr=f"203.0.113.{number}:7072",
                node_id=f"{number:02x}" * 32,
                direction=Direction.OUTBOUND if number % 2 else Direction.INBOUND,
                source=Source.GOSSIP if number % 2 else None,
                via="198.51.100.7:7072" if number % 2 else None,
                connected_at_unix=NOW_UNIX + number,
                protocol_version=2,
                user_agent="nocarrier/0.1.0",
                latency_s=0.02 + number / 1e4,
                last_received_unix=NOW_UNIX + 100 + number / 7,
                p2p_port=7072,
                http_port=None,
                clock_ahead_s=0.01,
            )
            for number in range(64)
        ]

    def book_counts(self) -> PeerBookCounts:
        return PeerBookCounts(hot=64, warm=200, cold=1_000, total=1_264)

    def info(self) -> NodeInfo:
        return NodeInfo(
            node_id="ab" * 32,
            version="0.1.0",
            network="main",
            genesis=GENESIS,
            protocol_version=2,
            min_protocol_version=1,
            p2p_port=7072,
            http_port=7070,
            advertised_p2p="203.0.113.99:7072",
            ipv4_only=True,
            lan_mode=False,
            target_peers=8,
            max_peers=64,
            started_at_unix=NOW_UNIX,
            offline=False,
            offline_because=None,
        )
