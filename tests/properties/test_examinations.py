"""Whatever happens between two examinations, the later one finds what an examination without memory finds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from nocarrier import DialTracker, Evidence, Fault, Reason, Source
from nocarrier.classification import blame_for
from nocarrier.diagnosis import CAUSES, derive, diagnose
from nocarrier.diagnosis.peers import FailingPeer, place_of
from nocarrier.model.host_state import HostState
from nocarrier.model.taxonomy import Kind
from tests.diagnosis.world import GATEWAY, NO_ROUTE, NOW, RESET, SILENCE, World, icmp

MAX_PEERS = 6
"""Fewer than there are addresses, so that some are evicted and come back."""

ADDRS = [
    *("203.0.113.9:7072", "203.0.113.9:7073"),
    *(f"198.18.{number}.9:7072" for number in range(1, 4)),
    *(f"[2001:{number:x}::9]:7072" for number in (0x100, 0x101)),
    "seed.example:7072",
    "no address, {x}",
]
EVIDENCE = [
    {},
    RESET,
    SILENCE,
    NO_ROUTE,
    icmp(3, 0, "198.51.100.1"),
    icmp(3, 1, "198.51.100.2"),
    icmp(3, 13, GATEWAY),
    {"bytes_received": 0},
    {"loop_lag_s": 4.0, "elapsed_s": 10.0},
    {"stated_by": "us", "ticket": "expired"},
    {"ours": {"min": 1, "max": 2, "clock_unix": NOW}, "theirs": {"min": 3, "max": 4, "clock_unix": NOW + 900}},
    {"large_segments_lost": "sent"},
    {"speaks": "http", "first_bytes": "48545450"},
]
addrs, evidences = st.sampled_from(ADDRS), st.sampled_from(EVIDENCE).map(lambda evidence: Evidence(**evidence))
few_addrs = st.lists(addrs, max_size=3, unique=True)
reasons, sources = st.sampled_from(sorted(Reason)), st.sampled_from(sorted(Source))
dial_reasons = st.sampled_from([reason for reason in sorted(Reason) if reason.kind is Kind.FAILURE])
vias = st.sampled_from([None, "192.0.2.1:7072", "192.0.2.2:7072"])
seconds = st.sampled_from([0.0, 0.5, 20.0, 700.0, 3_000.0, 60_000.0])


class Program:
    """A tracker with a clock of its own."""

    def __init__(self):
        self.now = NOW
        self.tracker = DialTracker(max_peers=MAX_PEERS, clock=lambda: self.now)


class Examinations(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.program = Program()
        self.steps = []
        self.surroundings = World()
        self.facts = None
        self.diagnosis = None

    def do(self, step):
        self.steps.append(step)
        step(self.program)

    # ---- what can happen --------------------------------------------------------------------------------------------

    @rule(addr=addrs, reason=reasons, source=sources, via=vias, evidence=evidences, took_s=st.sampled_from([None, 0.2]))
    def record(self, addr, reason, source, via, evidence, took_s):
        self.do(
            lambda program: program.tracker.record(
                addr, reason, source, via=via, evidence=evidence, duration_s=took_s, penalise=took_s is None
            )
        )

    @rule(addr=addrs, source=sources, via=vias)
    def record_success(self, addr, source, via):
        self.do(lambda program: program.tracker.record_success(addr, source, via=via))

    @rule(addr=addrs, reason=dial_reasons, source=sources, via=vias, evidence=evidences, times=st.integers(1, 3))
    def dial(self, addr, reason, source, via, evidence, times):
        fault = Fault(reason=reason, phase=reason.phase, blame=blame_for(reason, evidence), evidence=evidence)

        def step(program):
            for _ in range(times):
                program.tracker.fail(program.tracker.begin(addr, source, via=via), fault, duration_s=0.1)

        self.do(step)

    @rule(addr=addrs, source=sources)
    def begin(self, addr, source):
        self.do(lambda program: program.tracker.begin(addr, source))

    @rule(passed_s=seconds, is_set_back=st.booleans())
    def time_passes(self, passed_s, is_set_back):
        def step(program):
            program.now += -passed_s if is_set_back else passed_s

        self.do(step)

    @rule()
    def forget(self):
        self.do(lambda program: program.tracker.clear())

    @rule()
    def forgive(self):
        self.do(lambda program: program.tracker.forgive_own_faults())

    @rule(seeds=few_addrs, lost=few_addrs, is_offline=st.booleans(), netgroup_prefix=st.sampled_from([16, 24]))
    def a_node_starts(self, seeds, lost, is_offline, netgroup_prefix):
        node = World().with_node(seeds=seeds, lost=lost, offline=is_offline, netgroup_prefix=netgroup_prefix).node
        self.surroundings = replace(self.surroundings, node=node)

    @precondition(lambda self: self.surroundings.node is not None)
    @rule(connected=few_addrs)
    def sessions_come_and_go(self, connected):
        sessions = World().with_node().session(connected).node.connected
        self.surroundings = replace(self.surroundings, node=replace(self.surroundings.node, connected=sessions))

    @precondition(lambda self: self.surroundings.node is not None)
    @rule(learned=st.lists(addrs, min_size=3, unique=True), ago_s=seconds)
    def the_peer_book_learns(self, learned, ago_s):
        proven = {**self.surroundings.node.proven, **dict.fromkeys(learned, NOW - ago_s)}
        self.surroundings = replace(self.surroundings, node=replace(self.surroundings.node, proven=proven))

    @rule()
    def the_node_is_gone(self):
        self.surroundings = replace(self.surroundings, node=None)

    @rule(gateways=st.sampled_from([(), (GATEWAY,)]), has_default_ipv4=st.sampled_from([None, True, False]))
    def the_machine_changes(self, gateways, has_default_ipv4):
        self.surroundings = replace(
            self.surroundings, host=HostState(gateways=gateways, has_default_ipv4=has_default_ipv4)
        )

    # ---- what must hold, whenever somebody looks --------------------------------------------------------------------

    @rule()
    def examine(self):
        # Taking in waiting records may evict addresses, so a tracker without memory has to do so at the same moments.
        self.steps.append(lambda program: program.tracker.totals())
        latest = unnamed(self.program.tracker.latest())
        self.facts = self.derived(latest, earlier=self.facts)
        found = diagnose(self.facts, CAUSES, self.diagnosis)

        fresh = Program()
        place_of.cache_clear()
        for step in self.steps:
            step(fresh)
        facts = self.derived(unnamed(fresh.tracker.latest()), earlier=None)

        assert told(self.facts) == told(facts)
        assert found == diagnose(facts, CAUSES, self.diagnosis)
        self.diagnosis = found

    def derived(self, latest, earlier):
        return derive(latest, self.surroundings.node, self.surroundings.host, earlier=earlier)

    def teardown(self):
        self.examine()


def unnamed(latest):
    """`latest` without the name of its run, which differs between any two trackers."""
    recent, in_flight = (
        tuple(replace(event, run="") for event in events) for events in (latest.recent, latest.in_flight)
    )
    return replace(latest, run="", recent=recent, in_flight=in_flight)


def told(facts):
    """What `facts` say, in a form in which equal facts compare equal."""
    return {
        "peers": [[shown(peer) for peer in peers] for peers in (facts.failing, facts.all_failing, facts.read.values())],
        "working": facts.working,
        "times": (facts.now_unix, facts.answered_unix, facts.succeeded_unix),
        "recent": facts.recent,
        "in_flight": facts.in_flight,
    }


def shown(peer):
    if isinstance(peer, FailingPeer):
        return {name: getattr(peer, name) for name in FailingPeer.__slots__}
    return peer


Examinations.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestExaminations = Examinations.TestCase
