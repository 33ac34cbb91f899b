"""Keeps as many sessions as wanted: chooses which peers to dial, and when to look again."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nocarrier.host.kernel import has_route_to
from nocarrier.host.routes import has_way_out
from nocarrier.model.address import Address
from nocarrier.model.node.state import DialingState, DialResult, SeedState
from nocarrier.model.pause import doubling_pause_s
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.eligibility import Skip
from nocarrier.sources.node.given_address import GivenAddress, NotAnAddress, read_address
from nocarrier.sources.node.neighbourhood import Neighbourhood
from nocarrier.sources.node.outbound import SLOW_DIAL_S, Outbound

MIN_PAUSE_S = 0.1
"""The shortest time between two rounds, however often something changes."""

CONSIDERED_PER_ROUND = 64
"""How many candidates one round considers, so that a book full of peers in backoff costs little and does not flood the
record."""

OFFLINE_LOOK_S = 1.0
"""While this machine is offline: how often the kernel is asked for a route, which sends no packet."""

OFFLINE_PAUSE_S = (1.0, 10.0)
"""While this machine is offline: the first and the longest pause between dials. It grows while they fail, but still
finds a returning network within seconds."""

OFFLINE_DIALS = 4
"""How many dials may be in flight into a network that may be gone, and how many start after each pause."""

SEEDS_WHEN_BELOW = 0.5
"""Seeds are asked if fewer than this share of the wanted peers are connected, or if the book has no other peer: all
nodes share the seeds, and a node that has peers should not need them."""


_DIALABLE_LATER = frozenset({Reason.BACKOFF_ACTIVE, Reason.ALREADY_DIALING, Reason.SLOTS_FULL})
"""Reasons of skips that say nothing against the address itself."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that could be dialed."""

    addr: str
    source: Source
    via: str | None
    doubted: str | None = None
    """The netgroup of its introducer, if that introducer is throttled and the address has never worked."""

    @property
    def given(self) -> GivenAddress:
        """The address. Parsed only when needed: most candidates of a round are never looked at."""
        return read_address(self.addr)


class Maintainer:
    """Dials until enough peers are connected, seeds first if there are few."""

    def __init__(self, hood: Neighbourhood, outbound: Outbound) -> None:
        self._hood = hood
        self._outbound = outbound
        self._sessions = hood.sessions
        self._connectivity = hood.connectivity
        self._recorder = hood.recorder
        self._rng = hood.rng
        self._interval_s = hood.timing.maintain_interval_s
        self._target_peers = hood.options.target_peers
        self._seeds = tuple(map(read_address, hood.options.seeds))
        self._seed_addrs = dict.fromkeys(map(str, self._seeds))
        self._take_seeds()
        self._outage: _OutagePace | None = None
        self._due_since_unix: float | None = None
        self._doubted_in_flight: set[str] = set()
        """Netgroups of throttled introducers; an address from each of them is being dialed."""

    def _take_seeds(self) -> None:
        """Add the valid seeds to the book; what is wrong with the others is recorded when they are dialed."""
        for seed in self._seeds:
            if isinstance(seed, Address) and self._hood.policy.check_address(seed) is None:
                self._hood.book.add(seed, Source.SEED, None, time.time())

    async def run(self) -> None:
        """Maintain until cancelled."""
        while True:
            self._hood.changed.clear()
            pause_s = self._round()
            await asyncio.sleep(min(MIN_PAUSE_S, pause_s))
            try:
                async with asyncio.timeout(max(0.0, pause_s - MIN_PAUSE_S)):
                    await self._hood.changed.wait()
            except TimeoutError:
                pass

    def _round(self) -> float:
        """Start the dials that are wanted now; returns how many seconds to wait before the next round."""
        if self._connectivity.offline():
            return self._offline_round()
        if self._outage is not None:
            self._outage = None
            self._recorder.forgive_own_faults()
        wanted = self._target_peers - len(self._sessions) - self._outbound.promising
        if wanted > 0:
            self._dial_up_to(wanted)
        return self._pause_s()

    def _offline_round(self) -> float:
        """Dial if there is a way out and the pause is over; more calls do not mean more dials."""
        now_s = time.monotonic()
        if self._outage is None:
            self._outage = _OutagePace(now_s)
        ways = _WaysOut()
        if self._outage.is_due(now_s, ways, (candidate.addr for candidate in self._candidates())):
            # There is a way out again, or there always was one and the silence is farther away: dial, and do not make
            # any peer wait for a fault of ours.
            self._recorder.forgive_own_faults()
            self._dial_up_to(OFFLINE_DIALS - self._outbound.in_flight, only=ways.lead_to)
        return OFFLINE_LOOK_S

    def _dial_up_to(self, wanted: int, only: Callable[[str], bool] = lambda _: True) -> None:
        for candidate in itertools.islice(self._candidates(), CONSIDERED_PER_ROUND):
            if wanted <= 0:
                return
            if candidate.doubted in self._doubted_in_flight or not only(candidate.addr):
                continue
            started = self._outbound.start(candidate.given, candidate.source, candidate.via)
            if not isinstance(started, Skip):
                wanted -= 1
                if candidate.doubted is not None:
                    self._note_doubted(candidate.doubted, started)
            elif started.reason is Reason.SLOTS_FULL:
                return

    def _note_doubted(self, netgroup: str, dial: asyncio.Task[DialResult]) -> None:
        # One at a time: nearly all of them fail, and each that nobody answers takes up one of max_dials_in_flight until
        # its deadline.
        self._doubted_in_flight.add(netgroup)
        dial.add_done_callback(lambda _: self._doubted_in_flight.discard(netgroup))

    def state(self) -> DialingState:
        """What is wanted, and what is available for it."""
        due = known = 0
        for candidate in self._candidates():
            skip = self._outbound.eligibility.why_not(candidate.given)
            if skip is None:
                due += 1
            if skip is None or skip.reason in _DIALABLE_LATER:
                known += 1
            if known == CONSIDERED_PER_ROUND:
                break
        wanted = max(0, self._target_peers - len(self._sessions))
        self._due_since_unix = (self._due_since_unix or time.time()) if wanted and due else None
        return DialingState(
            wanted=wanted,
            known=known,
            due=due,
            due_since_unix=self._due_since_unix,
            last_started_unix=self._outbound.last_started_unix,
            deadline_s=self._outbound.deadline_s,
            maintain_interval_s=self._interval_s,
            seeds=tuple(self._seed_states()),
        )

    def _seed_states(self) -> Iterator[SeedState]:
        seen: set[str] = set()
        for seed in self._seeds:
            addr = str(seed)
            skip = self._outbound.eligibility.why_forbidden(seed)
            yield SeedState(
                addr=addr,
                reason=skip.reason if skip else None,
                detail=skip.detail if skip else None,
                is_duplicate=addr in seen,
            )
            seen.add(addr)

    def _candidates(self) -> Iterator[Candidate]:
        """The peers to consider, most promising first; those of throttled introducers and those in backoff last."""
        now_unix = time.time()
        connected = self._sessions.addresses()
        entries = self._hood.book.candidates(
            connected=connected, standings=self._recorder, now_unix=now_unix, rng=self._rng
        )
        throttled = self._hood.book.introductions.throttled()
        due: list[Candidate] = []
        doubtful: list[Candidate] = []
        waiting: list[Candidate] = []
        for entry in entries:
            if entry.addr in self._seed_addrs:
                continue
            is_waiting = self._recorder.standing(entry.addr).next_attempt_unix is not None
            # An address keeps the source it was learned from until it has led to a session.
            is_new = entry.last_success_unix is None
            source = entry.source if is_new else Source.PEER_BOOK
            doubted = throttled.get(entry.via) if is_new and entry.via is not None else None
            place = waiting if is_waiting else due if doubted is None else doubtful
            place.append(Candidate(entry.addr, source, entry.via, doubted))
        seeds = [Candidate(addr, Source.SEED, None) for addr in self._seed_addrs]
        self._rng.shuffle(seeds)
        # In turn: if only a few may be dialed at once, as in an outage, mere chance could pass one over for long.
        seeds.sort(key=lambda seed: self._hood.book.dialed_unix(seed.addr) or 0.0)
        few = len(self._sessions) < SEEDS_WHEN_BELOW * self._target_peers
        yield from _interleave(seeds, due) if few else due
        if not few:
            yield from seeds
        yield from doubtful
        yield from waiting

    def _pause_s(self) -> float:
        """Seconds until the next round: the interval, or less if peers are missing and a dial is slow or due."""
        pause_s = self._interval_s * self._rng.uniform(0.9, 1.1)
        if len(self._sessions) < self._target_peers:
            if self._outbound.in_flight:
                pause_s = min(pause_s, SLOW_DIAL_S)
            now_unix = time.time()
            addrs = [*self._seed_addrs, *(entry.addr for entry in self._hood.book)]
            for addr in addrs[:CONSIDERED_PER_ROUND]:
                until = self._recorder.standing(addr).next_attempt_unix
                if until is not None:
                    pause_s = min(pause_s, max(MIN_PAUSE_S, until - now_unix))
        return pause_s


def _interleave(one: list[Candidate], other: list[Candidate]) -> Iterator[Candidate]:
    for index in range(max(len(one), len(other))):
        yield from one[index : index + 1]
        yield from other[index : index + 1]


class _WaysOut:
    """The ways out of this machine at one instant."""

    def __init__(self) -> None:
        self.lead_beyond = has_way_out()
        """Whether any route leads beyond this machine; both a name look-up and the dial after it need one."""

    def lead_to(self, addr: str) -> bool:
        """Whether a dial to `addr` could leave this machine."""
        given = read_address(addr)
        if isinstance(given, NotAnAddress):
            return False
        ip = given.ip
        return self.lead_beyond if ip is None else has_route_to(str(ip))


class _OutagePace:
    """When to dial during one outage. Times are seconds of one monotonic clock."""

    def __init__(self, began_s: float) -> None:
        self._pauses = 0
        self._due_s = began_s + OFFLINE_PAUSE_S[0]
        self._led_beyond = self._led_to_any = True

    def is_due(self, now_s: float, ways: _WaysOut, addresses: Iterator[str]) -> bool:
        """Whether to dial now; if so, the next pause begins. A new way out is tried at once."""
        lead_to_any = any(map(ways.lead_to, addresses))
        is_new = lead_to_any > self._led_to_any or ways.lead_beyond > self._led_beyond
        self._led_to_any, self._led_beyond = lead_to_any, ways.lead_beyond
        if not lead_to_any or (now_s < self._due_s and not is_new):
            return False
        self._pauses = 1 if is_new else self._pauses + 1
        self._due_s = now_s + doubling_pause_s(*OFFLINE_PAUSE_S, self._pauses)
        return True
