"""A program at one instant, in a line or two: the outcomes of its dials, and what its node and machine know.

```python
World().fails(peers(3), "timeout").works(peer(4)).diagnosis()
```

The dials are recorded in a real `DialTracker`, in the order of time, with a clock controlled by the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from nocarrier import DialTracker, Evidence, Fault, Reason
from nocarrier.classification import blame_for
from nocarrier.diagnosis import CAUSES, Facts, derive, diagnose
from nocarrier.model.finding import Diagnosis
from nocarrier.model.host_state import HostState
from nocarrier.model.node.state import (
    ConnectedPeer,
    DialingState,
    Direction,
    Introducer,
    IntroductionCounts,
    NodeInfo,
    NodeState,
    PortClaim,
    PortMistake,
    Reachability,
    ReachabilityState,
    SeedState,
)
from nocarrier.model.task_state import TaskFailure, TaskState
from nocarrier.model.taxonomy import Blame, Phase, Source
from nocarrier.tracking import Latest

NOW = 1_800_000_000.0
MINUTE = 60.0
HOUR = 3_600.0
GATEWAY = "192.168.1.1"


def peer(number: int) -> str:
    """One of 200 peers, each in a network (/16) of its own."""
    return f"203.{number}.0.9:7072"


def peers(count: int, first: int = 1) -> list[str]:
    """Unrelated peers."""
    return [peer(number) for number in range(first, first + count)]


def neighbours(count: int, first: int = 1) -> list[str]:
    """Peers of one network (/16)."""
    return [f"198.18.{number}.9:7072" for number in range(first, first + count)]


def peers6(count: int) -> list[str]:
    """Unrelated peers with IPv6 addresses."""
    return [f"[2001:{number:x}::9]:7072" for number in range(0x100, 0x100 + count)]


def names(count: int) -> list[str]:
    """Peers known by name."""
    return [f"seed{number}.example:7072" for number in range(1, 1 + count)]


def icmp(icmp_type: int, code: int, hop: str) -> dict[str, Any]:
    """Evidence of an ICMP error that a hop sent."""
    return {"icmp": {"type": icmp_type, "code": code, "hop": hop}, "decided_by": "network"}


RESET = {"errno": "ECONNREFUSED", "decided_by": "network", "syn_retransmits": 0}
"""Evidence of a closed port."""

SILENCE = {"syn_retransmits": 3, "elapsed_s": 10.0}
"""Evidence of a connection attempt that nobody answered."""

NO_ROUTE = {"errno": "ENETUNREACH", "decided_by": "local"}
"""Evidence that connect() itself reported that there is no route."""

_USUAL: dict[str, tuple[float, dict[str, Any]]] = {
    Reason.TIMEOUT: (10.0, SILENCE),
    Reason.HANDSHAKE_TIMEOUT: (36.0, {"bytes_received": 0}),
    Reason.CONNECTION_REFUSED: (0.05, RESET),
}
"""The duration and evidence of a dial that ends so, unless the test says otherwise."""

Step = tuple[float, Callable[[DialTracker], None]]
"""When it happens, in seconds before now, and what happens."""


@dataclass(frozen=True)
class World:
    """Every method returns a new world, so that the rows of a table can share a beginning."""

    steps: tuple[Step, ...] = ()
    node: NodeState | None = None
    host: HostState | None = None
    tasks: tuple[TaskState, ...] = ()
    tracker_options: dict[str, Any] = field(default_factory=dict)
    is_untimed: bool = False
    """Whether no durations were recorded."""

    # ---- what became of dials --------------------------------------------------------------------------------------

    def fails(
        self,
        addrs: str | Iterable[str],
        reason: str,
        source: str = Source.GOSSIP,
        *,
        via: str | None = None,
        ago_s: float = 20.0,
        took_s: float | None = None,
        times: int = 1,
        every_s: float = 60.0,
        phase: str | None = None,
        blame: Blame | None = None,
        detail: str | None = None,
        **evidence: Any,
    ) -> World:
        """Dials by our own dialer; the last one ended `ago_s` ago, the others `every_s` apart before it."""
        the_reason = Reason(reason)
        usual_s, usual = _USUAL.get(the_reason, (0.1, {}))
        what = Evidence(**(evidence or usual))
        fault = Fault(
            reason=the_reason,
            phase=Phase(phase) if phase else the_reason.phase,
            blame=blame or blame_for(the_reason, what),
            detail=detail,
            evidence=what,
        )
        took = usual_s if took_s is None else took_s
        steps = [
            step
            for addr in _listed(addrs)
            for number in range(times)
            for step in _dial(addr, source, via, ago_s + number * every_s, took, fault)
        ]
        return self._with(steps)

    def works(
        self,
        addrs: str | Iterable[str],
        source: str = Source.GOSSIP,
        *,
        via: str | None = None,
        ago_s: float = 120.0,
        took_s: float = 0.2,
    ) -> World:
        """Dials that reached their session."""
        return self._with([step for addr in _listed(addrs) for step in _dial(addr, source, via, ago_s, took_s, None)])

    def reports(
        self,
        addrs: str | Iterable[str],
        reason: str | None,
        source: str = Source.GOSSIP,
        *,
        ago_s: float = 20.0,
        times: int = 1,
        every_s: float = 60.0,
        **more: Any,
    ) -> World:
        """Outcomes that a program records itself: a failed dial, a skip or an early end; `None`: a dial succeeded."""

        def step(addr: str) -> Callable[[DialTracker], None]:
            if reason is None:
                return lambda tracker: tracker.record_success(addr, source, **more)
            return lambda tracker: tracker.record(addr, reason, source, **more)

        return self._with(
            [(ago_s + number * every_s, step(addr)) for addr in _listed(addrs) for number in range(times)]
        )

    def skips(
        self,
        addrs: str | Iterable[str],
        reason: str,
        source: str = Source.GOSSIP,
        *,
        via: str | None = None,
        ago_s: float = 20.0,
    ) -> World:
        """Dials that policy prevented."""
        return self.reports(addrs, reason, source, via=via, ago_s=ago_s)

    def dialing(self, addrs: str | Iterable[str], source: str = Source.GOSSIP, *, since_s: float = 1.0) -> World:
        """Dials in flight."""
        return self._with(
            [(since_s, lambda tracker, addr=addr: _begin(tracker, addr, source)) for addr in _listed(addrs)]
        )

    # ---- what the node knows -----------------------------------------------------------------------------------------

    def with_node(
        self,
        *,
        started_ago_s: float = HOUR,
        target_peers: int = 8,
        offline: bool = False,
        seeds: Iterable[str | SeedState] = (),
        loop_lag_s: float = 0.0,
        reachability: ReachabilityState | None = None,
        proven: dict[str, float] | None = None,
        lost: Iterable[str] = (),
        lost_ago_s: float = 30.0,
        port_claims: Iterable[PortClaim] = (),
        introducers: Iterable[Introducer] = (),
        netgroup_prefix: int = 16,
        known: int = 3,
        due: int = 0,
        due_since_s: float | None = None,
        last_started_ago_s: float | None = 10.0,
    ) -> World:
        """A nocarrier node, an hour old, without sessions. Times are in seconds before now."""
        info = NodeInfo(
            node_id="ab" * 32,
            version="0.1.0",
            network="main",
            genesis="5f" * 32,
            protocol_version=2,
            min_protocol_version=1,
            p2p_port=7072,
            http_port=7070,
            advertised_p2p=None,
            ipv4_only=False,
            lan_mode=False,
            target_peers=target_peers,
            max_peers=64,
            started_at_unix=NOW - started_ago_s,
            offline=offline,
            offline_because="nothing was heard since" if offline else None,
            reachability=reachability or ReachabilityState(),
        )
        dialing = DialingState(
            wanted=target_peers,
            known=known,
            due=due,
            due_since_unix=NOW - (started_ago_s if due_since_s is None else due_since_s) if due else None,
            last_started_unix=None if last_started_ago_s is None else NOW - last_started_ago_s,
            deadline_s=58.0,
            maintain_interval_s=30.0,
            seeds=tuple(each if isinstance(each, SeedState) else seed(each) for each in seeds),
        )
        state = NodeState(
            info=info,
            connected=(),
            dialing=dialing,
            proven={addr: NOW - ago_s for addr, ago_s in (proven or {}).items()},
            lost=dict.fromkeys(lost, NOW - lost_ago_s),
            port_claims=tuple(port_claims),
            introducers=tuple(introducers),
            netgroup_prefix=netgroup_prefix,
            loop_lag_s=loop_lag_s,
        )
        return replace(self, node=state)

    def session(
        self,
        addrs: str | Iterable[str],
        source: Source = Source.GOSSIP,
        *,
        via: str | None = None,
        ago_s: float = 30 * MINUTE,
        heard_ago_s: float = 5.0,
    ) -> World:
        """Open sessions of the node, which we dialed."""
        if self.node is None:
            raise AssertionError("only a node has sessions: with_node() first")
        made = self.works(addrs, source, via=via, ago_s=ago_s)
        new = [_connected(addr, source, via, ago_s, heard_ago_s) for addr in _listed(addrs)]
        connected = (*self.node.connected, *new)
        wanted = max(0, self.node.info.target_peers - len(connected))
        due_since_unix = self.node.dialing.due_since_unix if wanted else None
        dialing = replace(self.node.dialing, wanted=wanted, due_since_unix=due_since_unix)
        state = replace(self.node, connected=connected, dialing=dialing)
        return replace(made, node=state)

    # ---- what the machine knows --------------------------------------------------------------------------------------

    def on(self, **host: Any) -> World:
        """Set the state of the machine."""
        return replace(self, host=HostState(**host))

    def task(
        self,
        name: str,
        *,
        is_down: bool = False,
        died: int = 1,
        first_ago_s: float = 40.0,
        last_ago_s: float = 10.0,
        error: str = "OverflowError: int too large (maintainer.py line 130)",
    ) -> World:
        """Add an endless task of this program that died this often."""
        failure = TaskFailure(error=error, total=died, since_unix=NOW - first_ago_s, last_unix=NOW - last_ago_s)
        return replace(
            self, tasks=(*self.tasks, TaskState(name=name, is_down=is_down, failure=failure if died else None))
        )

    # ---- what comes of it --------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        """The facts now."""
        now = [NOW]
        tracker = DialTracker(clock=lambda: now[0], **self.tracker_options)
        # Of two things at one instant the one stated first comes first; a dial begins before it ends.
        for ago_s, step in sorted(self.steps, key=lambda each: -each[0]):
            now[0] = NOW - ago_s
            step(tracker)
        now[0] = NOW
        latest = tracker.latest()
        return derive(_untimed(latest) if self.is_untimed else latest, self.node, self.host, tasks=self.tasks)

    def untimed(self) -> World:
        """The same world without any durations."""
        return replace(self, is_untimed=True)

    def diagnosis(self, earlier: Diagnosis | None = None) -> Diagnosis:
        """The findings now."""
        return diagnose(self.facts(), CAUSES, earlier)

    def _with(self, steps: Iterable[Step]) -> World:
        return replace(self, steps=(*self.steps, *steps))


def seed(addr: str, reason: str | None = None, *, is_duplicate: bool = False) -> SeedState:
    """A configured seed, and why policy forbids it."""
    return SeedState(addr=addr, reason=Reason(reason) if reason else None, detail=None, is_duplicate=is_duplicate)


def claim(addr: str, mistake: PortMistake, true_addr: str | None = None, *, corrected: bool = False) -> PortClaim:
    """A published address whose port is wrong."""
    return PortClaim(
        addr=addr,
        mistake=mistake,
        true_addr=true_addr,
        node_id=None,
        source=Source.GOSSIP,
        via=None,
        corrected=corrected,
        at_unix=NOW - MINUTE,
    )


def introducer(addr: str, *, throttled: bool = False, **counts: int) -> Introducer:
    """A peer that named addresses to us."""
    return Introducer(addr=addr, counts=IntroductionCounts(**counts), throttled=throttled)


def unreachable(
    not_reached_by: int, reached_by: int = 0, state: Reachability = Reachability.PRIVATE
) -> ReachabilityState:
    """What peers that dialed us back said."""
    return ReachabilityState(
        state=state,
        reached_by=reached_by,
        not_reached_by=not_reached_by,
        addr="198.51.100.7:7072",
        checked_unix=NOW - 9,
    )


def _untimed(latest: Latest) -> Latest:
    peers = tuple(peer._replace(duration_s=None, evidence=_without_elapsed(peer.evidence)) for peer in latest.peers)
    recent = tuple(
        replace(entry, duration_s=None, evidence=_without_elapsed(entry.evidence) or Evidence())
        for entry in latest.recent
    )
    return replace(latest, peers=peers, recent=recent)


def _without_elapsed(evidence: Evidence | None) -> Evidence | None:
    return evidence and Evidence(**{name: value for name, value in evidence.items() if name != "elapsed_s"})


def _listed(addrs: str | Iterable[str]) -> list[str]:
    return [addrs] if isinstance(addrs, str) else list(addrs)


def _begin(tracker: DialTracker, addr: str, source: str) -> None:
    tracker.begin(addr, source)


def _dial(addr: str, source: str, via: str | None, ago_s: float, took_s: float, fault: Fault | None) -> list[Step]:
    dial_id = 0

    def begin(tracker: DialTracker) -> None:
        nonlocal dial_id
        dial_id = tracker.begin(addr, source, via=via)

    def end(tracker: DialTracker) -> None:
        if fault is None:
            tracker.succeed(dial_id, duration_s=took_s)
        else:
            tracker.fail(dial_id, fault, duration_s=took_s)

    return [(ago_s + took_s, begin), (ago_s, end)]


def node_id_of(addr: str) -> str:
    """The identity of the peer at `addr`."""
    return addr.encode().hex().ljust(64, "0")[:64]


def _connected(addr: str, source: Source, via: str | None, ago_s: float, heard_ago_s: float) -> ConnectedPeer:
    return ConnectedPeer(
        addr=addr,
        node_id=node_id_of(addr),
        direction=Direction.OUTBOUND,
        source=source,
        via=via,
        connected_at_unix=NOW - ago_s,
        protocol_version=2,
        user_agent="nocarrier/0.1.0",
        latency_s=0.02,
        last_received_unix=NOW - heard_ago_s,
        p2p_port=7072,
        http_port=None,
        clock_ahead_s=0.0,
    )
