"""The facts that causes are found from, derived from the tracker, the node and the machine at one instant. Pure.

Facts are three-valued: None means not known, which is never taken for no.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nocarrier.diagnosis.peers import FailingPeer, WorkingPeer, netgroups, place_of
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX
from nocarrier.model.event import DialEvent, DialFailure
from nocarrier.model.host_state import HostState
from nocarrier.model.node.state import ConnectedPeer, NodeState
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import HANDSHAKE_VERDICTS, Kind, Reason, Retry, Source
from nocarrier.tracking import LastOutcome, Latest

TELLING_FOR_S = {
    Retry.SHORT: 600.0,
    Retry.MID: 2_700.0,
    Retry.LONG: 54_000.0,
    Retry.NEVER: 86_400.0,
    Retry.WHEN_CONFIG_CHANGES: 2_700.0,
    Retry.WHEN_LIFTED: 2_700.0,
    Retry.AT_STATED_TIME: 600.0,
    Retry.NOT_APPLICABLE: 600.0,
}
"""How long a failure tells of the present when the address is not dialed again. A quarter more than the longest backoff
of its retry class (2 min, 30 min, 12 h), and at least ten minutes: until then nobody has looked again."""

WORKED_FOR_S = 600.0
"""A peer that was reached this short a time ago and has not failed since counts as one that works."""

WORKED_FOR_S_WITHOUT_NODE = 86_400.0
"""The same where nobody tells which sessions live: a peer that is not dialed again most likely still has one."""

SKIPS_FOR_S = 600.0
"""Gossip and the maintainer come back to what policy forbids within a minute; ten without it mean that it is over."""

FAR_HOPS = 2
"""Different ones, as said at `Facts.far_hops_answer`."""

ALIVE_FOR_S = 60.0
"""A session without a byte for longer than three pings (45 s) is dead or about to be."""


class Overall:
    """What is known of all peers together; found when a cause asks for it, and then once."""

    def __init__(self, failing: Sequence[FailingPeer], working: Sequence[WorkingPeer]) -> None:
        self._failing = failing
        self._working = working

    @functools.cached_property
    def judges(self) -> int:
        """Peers with whom Hellos were exchanged."""
        return sum([peer.reason in HANDSHAKE_VERDICTS for peer in self._failing]) + len(self._working)

    @functools.cached_property
    def answered(self) -> list[FailingPeer | WorkingPeer]:
        """Peers that work, or that failed after something had answered."""
        return [*self._working, *[peer for peer in self._failing if peer.has_answered]]

    @functools.cached_property
    def answering_hosts(self) -> set[str]:
        """Hosts on which anything answered, at any port."""
        return {peer.host for peer in self.answered}

    @functools.cached_property
    def answering_netgroups(self) -> set[str]:
        """Networks in which anything answered."""
        return netgroups(self.answered)

    @functools.cached_property
    def has_answer_over_ipv6(self) -> bool:
        """Whether anything answered over IPv6."""
        return any(peer.is_ipv6 for peer in self.answered)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything a cause may look at."""

    now_unix: float
    run: str
    """Which run of the program numbered the events."""
    failing: tuple[FailingPeer, ...]
    overall: Overall
    """What is known of all peers, whichever of them other causes explain."""
    all_failing: tuple[FailingPeer, ...]
    """With those that were left out of `failing`, as other causes explain them."""
    working: tuple[WorkingPeer, ...]
    recent: tuple[DialFailure, ...]
    """The newest entries of the record, oldest first."""
    in_flight: tuple[DialEvent, ...]
    node: NodeState | None
    """None: the program has no nocarrier node."""
    host: HostState | None
    answered_unix: float | None
    """When anything beyond this machine last answered a dial: a success, a refusal, a byte."""
    succeeded_unix: float | None
    """When a dial last reached its session."""
    tasks: tuple[TaskState, ...]
    """The endless tasks of this program."""
    read: Mapping[str, FailingPeer | WorkingPeer]
    """Every outcome by its address, those that tell nothing any more among them; for the next `derive`."""

    # ---- choosing peers -------------------------------------------------------------------------------------------

    def failing_with(self, *reasons: Reason) -> list[FailingPeer]:
        """Failing peers with one of these reasons."""
        return [peer for reason in reasons for peer in self._by_reason.get(reason, ())]

    @functools.cached_property
    def _by_reason(self) -> dict[Reason, list[FailingPeer]]:
        """The failing peers by reason: most causes look at a few reasons only."""
        by_reason: dict[Reason, list[FailingPeer]] = {}
        for peer in self.failing:
            by_reason.setdefault(peer.reason, []).append(peer)
        return by_reason

    @property
    def silent(self) -> list[FailingPeer]:
        """Failing peers from which nothing came at all. Many causes ask for them: read it only."""
        return self._by_sign[0]

    @property
    def local(self) -> list[FailingPeer]:
        """Failing peers whose dial this machine itself refused. Read it only."""
        return self._by_sign[1]

    @property
    def forbidden(self) -> list[FailingPeer]:
        """Failing peers of which a hop or a filter said that a rule forbids the connection. Read it only."""
        return self._by_sign[2]

    @functools.cached_property
    def _by_sign(self) -> tuple[list[FailingPeer], list[FailingPeer], list[FailingPeer]]:
        silent: list[FailingPeer] = []
        local: list[FailingPeer] = []
        forbidden: list[FailingPeer] = []
        for peer in self.failing:
            if peer.is_silent:
                silent.append(peer)
            if peer.is_local:
                local.append(peer)
            if peer.is_prohibited or peer.is_refused_by_rule:
                forbidden.append(peer)
        return silent, local, forbidden

    def skips(self, *reasons: Reason) -> list[DialFailure]:
        """Dials that policy kept from starting lately, for one of these reasons."""
        return [
            entry
            for entry in self.recent
            if entry.kind is Kind.SKIP and entry.reason in reasons and self.now_unix - entry.at_unix <= SKIPS_FOR_S
        ]

    def without(self, explained: Collection[str]) -> Facts:
        """These facts without the failing peers at `explained` addresses."""
        if not explained:
            return self
        return replace(self, failing=tuple([peer for peer in self.failing if peer.addr not in explained]))

    # ---- what is known of the whole -------------------------------------------------------------------------------

    @property
    def has_living_session(self) -> bool:
        """Whether a session has received something lately; without a node, whether any peer worked when dialed last."""
        if self.node is None:
            return bool(self.working)
        return any(self.now_unix - peer.last_received_unix <= ALIVE_FOR_S for peer in self.node.connected)

    @property
    def is_cut_off(self) -> bool | None:
        """Whether the program has nobody to talk to, and wants somebody; None: not known."""
        if self.node is not None:
            return not self.node.connected and self.node.info.target_peers > 0 and not self._is_starting(self.node)
        if self.working or not self.all_failing:
            return False
        return True if self.succeeded_unix is not None else None  # it may record nothing but failures

    def _is_starting(self, node: NodeState) -> bool:
        """Whether the first dials are still under way, so that nobody can say yet what becomes of them."""
        return bool(self.in_flight) and self.now_unix - node.info.started_at_unix < node.dialing.deadline_s

    @property
    def far_hops_answer(self) -> bool:
        """Whether different routers beyond our gateways send errors: then packets get out, and answers come back.

        One alone may be the modem behind the gateway, which says so when its uplink is down.
        """
        if self.host is None or not self.host.gateways:
            return False
        hops = {peer.hop for peer in self.all_failing if peer.hop is not None and not peer.is_local}
        return len(hops - set(self.host.gateways)) >= FAR_HOPS

    def share_of_judges(self, peers: Collection[FailingPeer]) -> float:
        """Of all peers with whom Hellos were exchanged, so that they could judge us and we them, the share of `peers`.

        Peers that other causes explain count too: they have judged.
        """
        return len(peers) / self.overall.judges if self.overall.judges else 0.0


def derive(
    latest: Latest,
    node: NodeState | None = None,
    host: HostState | None = None,
    *,
    tasks: tuple[TaskState, ...] = (),
    earlier: Facts | None = None,
) -> Facts:
    """The facts of this instant.

    Args:
        latest: what the tracker remembers.
        node: None: the program has no nocarrier node.
        host: None: nobody looked.
        tasks: the endless tasks of this program.
        earlier: the facts before these: failures that have not changed since are not read again.
    """
    surroundings = _Surroundings.of(node)
    now_unix = latest.at_unix
    read = surroundings.read(latest.peers, earlier)
    # What lies ahead is from before the wall clock was set back, and then no order of times is known.
    past = [peer for peer in read.values() if type(peer) is FailingPeer and peer.failed_unix <= now_unix]
    failing = surroundings.failing(past, now_unix)
    working = surroundings.working(read.values(), now_unix)
    worked_unix = [
        at_unix for peer in latest.peers if (at_unix := peer.succeeded_unix) is not None and at_unix <= now_unix
    ]
    answers_unix = [*worked_unix, *[peer.failed_unix for peer in past if peer.has_answered]]
    return Facts(
        now_unix=now_unix,
        run=latest.run,
        failing=failing,
        overall=Overall(failing, working),
        all_failing=failing,
        working=working,
        recent=latest.recent,
        in_flight=latest.in_flight,
        node=node,
        host=host,
        answered_unix=max(answers_unix, default=None),
        succeeded_unix=max(worked_unix, default=None),
        tasks=tasks,
        read=read,
    )


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What the node knows besides the outcomes of dials."""

    prefix: int
    seeds: Collection[str] | None
    """None: the program has no nocarrier node."""
    sessions: Mapping[str, ConnectedPeer]
    proven: Mapping[str, float]

    @classmethod
    def of(cls, node: NodeState | None) -> _Surroundings:
        if node is None:
            return cls(DEFAULT_NETGROUP_PREFIX, None, {}, {})
        seeds = {seed.addr for seed in node.dialing.seeds}
        return cls(node.netgroup_prefix, seeds, {peer.addr: peer for peer in node.connected}, node.proven)

    def read(self, outcomes: Iterable[LastOutcome], earlier: Facts | None) -> dict[str, FailingPeer | WorkingPeer]:
        """What `outcomes` say, by address; one that has not changed since `earlier` is taken from there."""
        before: Mapping[str, FailingPeer | WorkingPeer] = {}
        if earlier is not None:
            past = _Surroundings.of(earlier.node)
            before = earlier.read if (past.prefix, past.seeds) == (self.prefix, self.seeds) else {}
        read = {}
        for outcome in outcomes:
            addr, worked_unix = outcome.addr, outcome.succeeded_unix
            if worked_unix is None:
                worked_unix = self.proven.get(addr)
            peer = before.get(addr)
            # An outcome is never changed: the tracker makes another one of what happens next.
            if peer is None or peer.outcome is not outcome or peer.worked_unix != worked_unix:
                peer = self._peer(outcome, worked_unix)
            read[addr] = peer
        return read

    def _peer(self, outcome: LastOutcome, worked_unix: float | None) -> FailingPeer | WorkingPeer:
        place, is_seed = place_of(outcome.addr, self.prefix), self._is_seed(outcome)
        if outcome.is_failing:
            return FailingPeer(outcome, place, worked_unix=worked_unix, is_seed=is_seed)
        return WorkingPeer(outcome.addr, *place, outcome.source, outcome.via, worked_unix, is_seed, outcome)

    def _is_seed(self, peer: LastOutcome | ConnectedPeer) -> bool:
        # A peer book remembers the seeds of earlier runs as such; the node knows which ones it has now.
        return peer.source is Source.SEED if self.seeds is None else peer.addr in self.seeds

    def failing(self, past: Iterable[FailingPeer], now_unix: float) -> tuple[FailingPeer, ...]:
        """Those of `past` that still tell of the present."""
        telling = [peer for peer in past if now_unix - peer.failed_unix <= TELLING_FOR_S[peer.reason.retry]]
        return tuple([peer for peer in telling if peer.addr not in self.sessions] if self.sessions else telling)

    def working(self, read: Iterable[FailingPeer | WorkingPeer], now_unix: float) -> tuple[WorkingPeer, ...]:
        """The peers with a session, and those of `read` that worked lately."""
        connected = [
            WorkingPeer(addr, *place_of(addr, self.prefix), peer.source, peer.via, None, self._is_seed(peer), None)
            for addr, peer in self.sessions.items()
        ]
        since_unix = now_unix - (WORKED_FOR_S_WITHOUT_NODE if self.seeds is None else WORKED_FOR_S)
        worked = [peer for peer in read if type(peer) is WorkingPeer and peer.worked_between(since_unix, now_unix)]
        return (*connected, *(peer for peer in worked if peer.addr not in self.sessions))
