"""A node that exists only as data: what the API shows and asks for, without sockets and peers.

The API knows a node only through `NodePort`, and is tested with that here; the tests of the node show that our real
node answers in the same way.
"""

from __future__ import annotations

import asyncio
import math

from nocarrier.model.node.counters import DialBackCount, Refusal
from nocarrier.model.node.state import (
    BookPeer,
    BookState,
    ConnectedPeer,
    DialingState,
    DialOutcome,
    DialResult,
    Direction,
    Introducer,
    Introduction,
    IntroductionCounts,
    NodeInfo,
    NodeState,
    PeerBookCounts,
    SeedState,
)
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import Phase, Reason, Source

NODE_ID = "ab" * 32
PEER_ID = "cd" * 32

SEED = "198.51.100.1:7072"
TOLD = "10.0.0.1:7072"
"""An address that the seed named, and where nobody answers."""


class FakeNode:
    """Changes its `revision` when a test says so."""

    def __init__(self) -> None:
        self.revision = 0
        self.ready = True
        self.dialed: list[str] = []
        self.answer_dials = asyncio.Event()
        self.answer_dials.set()
        self.bug: Exception | None = None
        self.offline = False
        self.internal_tasks: tuple[TaskState, ...] = ()

    def info(self) -> NodeInfo:
        return NodeInfo(
            node_id=NODE_ID,
            version="0.1.0",
            network="main",
            genesis="0" * 64,
            protocol_version=2,
            min_protocol_version=1,
            p2p_port=7072,
            http_port=7070,
            advertised_p2p="203.0.113.9:7072",
            ipv4_only=True,
            lan_mode=False,
            target_peers=8,
            max_peers=64,
            started_at_unix=1_700_000_000.0,
            offline=self.offline,
            offline_because=None,
            inbound_rejections={},
            refusals=dict.fromkeys(Refusal, 3),
            dial_backs=dict.fromkeys(DialBackCount, 2),
        )

    def connected_peers(self) -> list[ConnectedPeer]:
        return [
            ConnectedPeer(
                addr=SEED,
                node_id=PEER_ID,
                direction=Direction.OUTBOUND,
                source=Source.SEED,
                via=None,
                connected_at_unix=1_700_000_001.0,
                protocol_version=2,
                user_agent="nocarrier/0.1.0",
                latency_s=0.02,
                last_received_unix=1_700_000_002.0,
                p2p_port=7072,
                http_port=None,
                clock_ahead_s=0.25,
            )
        ]

    def book_counts(self) -> PeerBookCounts:
        return PeerBookCounts(hot=1, warm=0, cold=1, total=2)

    def book_peers(self) -> list[BookPeer]:
        hot = BookPeer(
            addr=SEED,
            state=BookState.HOT,
            connected=True,
            source=Source.SEED,
            via=None,
            node_id=PEER_ID,
            first_seen_unix=1_700_000_000.0,
            last_success_unix=1_700_000_001.0,
            last_failure_unix=None,
            streak=0,
            last_reason=None,
            next_attempt_unix=None,
            because=None,
        )
        never = BookPeer(
            addr=TOLD,
            state=BookState.COLD,
            connected=False,
            source=Source.GOSSIP,
            via=SEED,
            node_id=None,
            first_seen_unix=1_700_000_000.0,
            last_success_unix=None,
            last_failure_unix=1_700_000_001.0,
            streak=1,
            last_reason=Reason.PEER_ID_MISMATCH,
            next_attempt_unix=math.inf,
            because=Reason.PEER_ID_MISMATCH,
        )
        return [hot, never]

    def state(self) -> NodeState:
        return NodeState(
            info=self.info(),
            connected=tuple(self.connected_peers()),
            dialing=DialingState(
                wanted=7,
                known=1,
                due=0,
                due_since_unix=None,
                last_started_unix=1_700_000_001.0,
                deadline_s=58.0,
                maintain_interval_s=30.0,
                seeds=(SeedState(addr=SEED, reason=None, detail=None, is_duplicate=False),),
            ),
            proven={SEED: 1_700_000_001.0},
            lost={},
            port_claims=(),
            introducers=(
                Introducer(addr="203.0.113.50:7072", counts=IntroductionCounts(), throttled=False),
                Introducer(addr=SEED, counts=IntroductionCounts(introduced=1, dialed=1, dead=1), throttled=False),
            ),
            netgroup_prefix=16,
            loop_lag_s=0.0,
        )

    def tasks(self) -> tuple[TaskState, ...]:
        return self.internal_tasks

    def introduced_by_source(self) -> dict[Source, IntroductionCounts]:
        return {
            Source.SEED: IntroductionCounts(introduced=1, dialed=1, connected=1),
            Source.GOSSIP: IntroductionCounts(introduced=1, dialed=1, dead=1),
        }

    def introduction_chain(self, addr: str) -> list[Introduction]:
        chain = [
            Introduction(addr=peer.addr, source=peer.source, via=peer.via, first_seen_unix=peer.first_seen_unix)
            for peer in reversed(self.book_peers())
        ]
        return next((chain[index:] for index, step in enumerate(chain) if step.addr == addr), [])

    async def connect(self, addr: str) -> DialResult:
        self.dialed.append(addr)
        await self.answer_dials.wait()
        if self.bug is not None:
            raise self.bug
        if addr == SEED:
            return DialResult(
                peer_addr=addr,
                outcome=DialOutcome.CONNECTED,
                reason=None,
                phase=None,
                detail=None,
                duration_s=0.05,
                node_id=PEER_ID,
            )
        return DialResult(
            peer_addr=addr,
            outcome=DialOutcome.FAILED,
            reason=Reason.CONNECTION_REFUSED,
            phase=Phase.CONNECT,
            detail="refused",
            duration_s=0.05,
            node_id=None,
        )
