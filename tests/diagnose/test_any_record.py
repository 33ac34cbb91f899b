"""Whatever is recorded, hostile or odd: no rule fails, no peer is passed over, nobody is blamed for what is ours."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.table import check_sound, described
from diagnose.world import NOW, World, neighbours, peers, peers6
from nocarrier import DialTracker, Evidence, Kind, Reason
from nocarrier.classify import blame_for
from nocarrier.diagnose import CAUSES, derive, diagnose
from nocarrier.model.fault import Fault
from nocarrier.model.finding import Diagnosis
from nocarrier.model.taxonomy import Blame, Phase, Source

HOSTILE = [
    "{addr}",
    "{0.__class__}:7072",
    "%s%n:7072",
    "<script>alert(1)</script>:7072",
    "[bold red]x[/]:7072",
    "\x1b[31mred\x1b[0m:7072",
    "name\nwith lines:7072",
    "\ud800:7072",
    "пример.рф:7072",
    "",
    ":",
    "[::",
    "999.1.1.1:7072",
    "203.1.0.9:99999",
    "a" * 400,
]
"""Texts that a peer can send as an address."""

FAILING = [*peers(6), *neighbours(3), *peers6(2), "seed1.example:7072", "seed2.example:7072", *HOSTILE]
FAILURES = [reason for reason in Reason if reason.kind in {Kind.FAILURE, Kind.DISCONNECT}]
HARMLESS = {Reason.DUPLICATE_CONNECTION, Reason.EARLY_DISCONNECT}

odd_numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=True, allow_infinity=True))
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    odd_numbers,
    st.sampled_from(["", "x", "local", "us", "expired", "http", "sent", "{addr}", "\x1b[31m"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(
        st.sampled_from(["min", "max", "wire", "clock_unix", "type", "code", "hop"]),
        st.one_of(odd_numbers, st.text(max_size=3), st.lists(st.integers(), max_size=1)),
        max_size=3,
    ),
)
pairs_of_values = st.dictionaries(
    st.sampled_from(["min", "max", "wire", "clock_unix", "network", "genesis", "node_id"]),
    st.one_of(st.integers(0, 9), st.floats(), st.text(max_size=5), st.none(), st.lists(st.integers(), max_size=1)),
    max_size=4,
)
sound_values = {
    "decided_by": st.sampled_from(["local", "network"]),
    "icmp": st.fixed_dictionaries(
        {
            "type": st.sampled_from([1, 3]),
            "code": st.integers(0, 15),
            "hop": st.sampled_from(["192.168.1.1", "203.1.0.9", "198.51.100.1"]),
        }
    ),
    "no_neighbour": st.booleans(),
    "syn_retransmits": st.integers(0, 6),
    "bytes_received": st.integers(0, 100),
    "loop_lag_s": st.floats(0, 20),
    "elapsed_s": st.floats(0, 40),
    "large_segments_lost": st.sampled_from(["sent", "received"]),
    "speaks": st.sampled_from(["http", "tls"]),
    "first_bytes": st.sampled_from(["485454502f31", "0102"]),
    "ours": pairs_of_values,
    "theirs": pairs_of_values,
    "ticket": st.sampled_from(["missing", "expired", "not_yet_valid"]),
    "stated_by": st.sampled_from(["us", "remote"]),
    "until_unix": st.floats(NOW - 100, NOW + 9_999),
    "limit": st.integers(0, 9_999),
}
evidences = st.one_of(
    st.just({}),
    st.fixed_dictionaries({}, optional=sound_values),
    st.dictionaries(st.sampled_from([*sound_values, "x"]), odd_values, max_size=4),
)
durations = st.one_of(st.none(), st.floats(0, 60))
ages_s = st.floats(0, 3_600)
sources = st.sampled_from(list(Source))
vias = st.one_of(st.none(), st.sampled_from([*peers(2), "{via}", "\x1b[31m"]))


@st.composite
def worlds(draw, addrs=FAILING, most=5):
    """At most five peers that fail, so that each stands in the evidence by name, and what works beside them."""
    base = draw(st.sampled_from([World(), World().with_node(), World().with_node(offline=True, seeds=peers(2))]))
    if draw(st.booleans()):
        some = peers(2, first=50)
        base = base.works(some) if base.node is None else base.session(some)
    if draw(st.booleans()):
        base = base.on(gateways=("192.168.1.1",), has_default_ipv4=True)
    for addr in draw(st.lists(st.sampled_from(addrs), max_size=most, unique=True)):
        reason, source, via = draw(st.sampled_from(FAILURES)), draw(sources), draw(vias)
        ago_s, took_s, evidence = draw(ages_s), draw(durations), draw(evidences)
        if draw(st.booleans()):
            base = base.works(addr, source, ago_s=ago_s + 100)
        if draw(st.booleans()) and reason.kind is Kind.FAILURE:
            took = {} if took_s is None else {"took_s": took_s}
            base = base.fails(addr, reason, source, via=via, ago_s=ago_s, detail="{detail}", **took, **evidence)
        else:
            base = base.reports(addr, reason, source, via=via, ago_s=ago_s, evidence=evidence, duration_s=took_s)
    return base


def named(diagnosis: Diagnosis) -> set[str]:
    return {addr for found in diagnosis.findings for item in found.evidence for addr in item.addrs}


def check_counts(diagnosis: Diagnosis, failing: dict) -> None:
    for found in diagnosis.findings:
        affected = {addr for item in found.evidence for addr in item.addrs if addr in failing}
        assert found.affected_peers == len(affected), found
        assert found.affected_dials == sum(failing[addr].dials for addr in affected), found


@given(worlds())
@settings(max_examples=300, deadline=None)
def test_every_failing_peer_is_explained_and_counted_once(world):
    facts = world.facts()
    diagnosis = diagnose(facts, CAUSES)
    failing = {each.addr: each for each in facts.failing}
    telling = {addr for addr, each in failing.items() if each.reason not in HARMLESS}
    assert telling <= named(diagnosis), described(diagnosis)
    check_counts(diagnosis, failing)


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_nobody_is_blamed_for_what_is_ours(world):
    facts = world.facts()
    ours = {each.addr for each in facts.failing if each.blame is Blame.US}
    for found in diagnose(facts, CAUSES).findings:
        if found.blame is Blame.THEM:
            accused = {addr for item in found.evidence if item.event_ids for addr in item.addrs}
            assert not accused & ours, found


@given(worlds(addrs=[*peers(6), *neighbours(3), *peers6(2)], most=8))
@settings(max_examples=150, deadline=None)
def test_diagnoses_are_sound(world):
    check_sound(world.diagnosis())


@given(worlds(addrs=HOSTILE, most=5))
@settings(max_examples=150, deadline=None)
def test_an_address_is_never_taken_for_part_of_a_sentence(world):
    facts = world.facts()
    diagnosis = diagnose(facts, CAUSES)
    known = {each.addr for each in facts.failing} | {each.addr for each in facts.working}
    for found in diagnosis.findings:
        # Addresses stand in the evidence whole and unchanged, whatever is in them.
        assert {addr for item in found.evidence if item.event_ids for addr in item.addrs} <= known
        assert all("{detail}" not in text for text in (found.summary, *found.next_actions))


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(FAILURES), min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_the_order_of_what_happened_at_one_instant_does_not_matter(order: random.Random, reasons):
    def codes(pairs):
        tracker = DialTracker(clock=lambda: NOW)
        for addr, reason in pairs:
            tracker.record(addr, reason, "gossip", duration_s=1.0)
        return {found.code for found in diagnose(derive(tracker.latest()), CAUSES).findings}

    pairs = list(zip([*peers(4), *neighbours(4)], reasons, strict=False))
    shuffled = pairs.copy()
    order.shuffle(shuffled)
    assert codes(pairs) == codes(shuffled)


@given(st.sampled_from(FAILURES), evidences, st.integers(2, 500))
@settings(max_examples=150, deadline=None)
def test_a_noisy_peer_raises_nothing_that_one_failure_of_it_would_not(reason, evidence, times):
    def codes(count):
        tracker = DialTracker(clock=lambda: NOW)
        for addr in peers(3, first=20):
            tracker.record_success(addr, "gossip")
        fault = Fault(
            reason=reason, phase=Phase.CONNECT, blame=blame_for(reason, evidence), evidence=Evidence(**evidence)
        )
        for _ in range(count):
            tracker.fail(tracker.begin(peers(1)[0], "gossip"), fault, duration_s=2.0)
        return {found.code for found in diagnose(derive(tracker.latest()), CAUSES).findings}

    # Two early ends are a habit where one is a restart, and our own haste shows only in what comes again.
    assert codes(times) - codes(1) <= {"peer_broken"} if reason is Reason.EARLY_DISCONNECT else codes(times) == codes(1)
