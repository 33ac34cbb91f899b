"""Whatever is recorded, hostile or odd: no rule fails, no peer is ignored, nobody is blamed for our own faults."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nocarrier import DialTracker, Evidence, Kind, Reason
from nocarrier.classification import blame_for
from nocarrier.diagnosis import CAUSES, derive, diagnose
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Phase, Source
from tests.diagnosis.table import check_sound, described, done
from tests.diagnosis.world import NOW, World, neighbours, peers, peers6

HOSTILE = [
    "{nobody}",
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

addrs = st.one_of(
    st.sampled_from(peers(4)),
    st.sampled_from([*neighbours(3), *peers6(2), "seed1.example:7072", "seed2.example:7072"]),
    st.sampled_from(HOSTILE),
)
FAILURES = [reason for reason in Reason if reason.kind in {Kind.FAILURE, Kind.DISCONNECT}]
HARMLESS = {Reason.DUPLICATE_CONNECTION, Reason.EARLY_DISCONNECT}

odd_numbers = st.one_of(
    st.integers(-9, 9), st.sampled_from([2**70, -1e308, float("inf"), float("nan"), NOW, NOW + 600]), st.booleans()
)
odd_values = st.one_of(
    st.none(),
    odd_numbers,
    st.sampled_from(["", "x", "local", "us", "{nobody}", "\x1b[31m"]),
    st.lists(st.integers(), max_size=1),
    st.just({}),
)


def numbers_named(*names: str) -> st.SearchStrategy:
    """Mappings of these names to numbers, mostly."""
    values = st.one_of(st.integers(0, 9), st.floats(NOW - 999, NOW + 999), odd_values)
    return st.dictionaries(st.sampled_from(names), values, min_size=1)


SOUND = {
    "decided_by": st.sampled_from(["local", "network"]),
    "icmp": st.fixed_dictionaries(
        {
            "type": st.one_of(st.sampled_from([1, 3]), odd_values),
            "code": st.one_of(st.integers(0, 15), odd_values),
            "hop": st.one_of(st.sampled_from(["192.168.1.1", "203.1.0.9", "198.51.100.1"]), odd_values),
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
    "ours": numbers_named("min", "max", "wire", "clock_unix", "network", "genesis", "node_id"),
    "theirs": numbers_named("min", "max", "wire", "clock_unix", "network", "genesis", "node_id"),
    "ticket": st.sampled_from(["missing", "expired", "not_yet_valid"]),
    "stated_by": st.sampled_from(["us", "remote"]),
    "until_unix": st.floats(NOW - 100, NOW + 9_999),
    "limit": st.integers(0, 9_999),
}
"""Evidence by name, as our dialer records it."""

SIDES = ("ours", "theirs")
NO_WAY = ("decided_by", "icmp", "no_neighbour", "elapsed_s", "loop_lag_s")
MUTE = ("bytes_received", "loop_lag_s", "elapsed_s", "large_segments_lost")
READ_WITH = {
    Reason.BANNED: ("until_unix", "stated_by"),
    Reason.VERSION_MISMATCH: SIDES,
    Reason.GENESIS_MISMATCH: SIDES,
    Reason.CLOCK_SKEW: SIDES,
    Reason.PEER_ID_MISMATCH: SIDES,
    Reason.TICKET_INVALID: ("ticket", "stated_by"),
    Reason.NOT_OUR_PROTOCOL: ("speaks", "first_bytes"),
    Reason.TIMEOUT: NO_WAY,
    Reason.HOST_UNREACHABLE: NO_WAY,
    Reason.NETWORK_UNREACHABLE: NO_WAY,
    Reason.CONNECTION_REFUSED: NO_WAY,
    Reason.HANDSHAKE_TIMEOUT: MUTE,
    Reason.REMOTE_CLOSED: MUTE,
    Reason.CONNECTION_RESET: MUTE,
}
"""The evidence that rules read beside a reason; for other reasons, none in particular."""


def evidence_for(reason: Reason) -> st.SearchStrategy:
    """Evidence that comes with `reason`, sound or odd; and now and then something else."""
    read = READ_WITH.get(reason, ("decided_by", "limit"))
    usual = st.fixed_dictionaries({}, optional={name: SOUND[name] for name in read})
    odd = st.fixed_dictionaries({}, optional={name: st.one_of(SOUND[name], odd_values) for name in read})
    anything = st.dictionaries(st.sampled_from([*SOUND, "x"]), odd_values, max_size=3)
    return st.one_of(usual, odd, anything)


durations = st.one_of(st.none(), st.floats(0, 60))
ages_s = st.floats(0, 3_600)
sources = st.sampled_from(list(Source))
vias = st.one_of(st.none(), st.sampled_from([*peers(2), "{nobody}", "\x1b[31m"]))


@st.composite
def worlds(draw, reasons):
    """At most five peers that fail, so that each is named in the evidence, and what works beside them."""
    base = draw(st.sampled_from([World(), World().with_node(), World().with_node(offline=True, seeds=peers(2))]))
    if draw(st.booleans()):
        some = peers(2, first=50)
        base = base.works(some) if base.node is None else base.session(some)
    if draw(st.booleans()):
        base = base.on(gateways=("192.168.1.1",), has_default_ipv4=True)
    for addr in draw(st.lists(addrs, max_size=5, unique=True)):
        reason, source, via = draw(st.sampled_from(reasons)), draw(sources), draw(vias)
        ago_s, took_s, evidence = draw(ages_s), draw(durations), draw(evidence_for(reason))
        if draw(st.booleans()):
            base = base.works(addr, source, ago_s=ago_s + 100)
        if draw(st.booleans()) and reason.kind is Kind.FAILURE:
            took = {} if took_s is None else {"took_s": took_s}
            base = base.fails(addr, reason, source, via=via, ago_s=ago_s, detail="{detail}", **took, **evidence)
        else:
            base = base.reports(addr, reason, source, via=via, ago_s=ago_s, evidence=evidence, duration_s=took_s)
    return base


def check(world: World) -> None:
    """Check everything that is true whatever was recorded."""
    facts = world.facts()
    diagnosis = diagnose(facts, CAUSES)
    check_sound(diagnosis)
    failing = {each.addr: each for each in facts.failing}
    explained: set[str] = set()
    for found in diagnosis.findings:
        named = {addr for item in found.evidence for addr in item.addrs if addr in failing}
        explained |= named
        assert found.affected_peers == len(named), found
        assert found.affected_dials == sum(failing[addr].dials for addr in named), found
        if found.blame is Blame.THEM:
            assert not [addr for addr in named if failing[addr].blame is Blame.US], found
        # The evidence contains addresses unchanged, whatever is in them, but no other text of a peer.
        assert {addr for item in found.evidence if item.event_ids for addr in item.addrs} <= failing.keys()
        assert "{detail}" not in f"{found.summary}{done(found)}"
    telling = {addr for addr, each in failing.items() if each.reason not in HARMLESS}
    assert telling <= explained, described(diagnosis)


@pytest.mark.parametrize("reason", FAILURES)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_comes_with_one_reason(reason, data):
    check(data.draw(worlds([reason])))


@given(worlds(FAILURES))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_together(world):
    check(world)


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


@given(st.data(), st.sampled_from(FAILURES), st.sampled_from([*peers(1), *peers6(1), "seed1.example:7072"]))
@settings(max_examples=200, deadline=None)
def test_a_noisy_peer_raises_nothing_that_one_of_its_failures_would_not(data, reason, addr):
    evidence = data.draw(evidence_for(reason))
    beside = data.draw(st.sampled_from([[], peers6(4)[1:], peers(3, first=2)]))

    def codes(count):
        tracker = DialTracker(clock=lambda: NOW)
        tracker.record_success(peers(1, first=20)[0], "gossip")
        blame = blame_for(reason, evidence)
        fault = Fault(reason=reason, phase=Phase.CONNECT, blame=blame, evidence=Evidence(**evidence))
        for each in [*beside, *[addr] * count]:
            tracker.fail(tracker.begin(each, "gossip"), fault, duration_s=2.0)
        return {found.code for found in diagnose(derive(tracker.latest()), CAUSES).findings}

    # Two early ends are a habit, but one is a restart; everything else is shown by one failure.
    often, once = codes(data.draw(st.sampled_from([2, 30]))), codes(1)
    assert often - once <= {"peer_broken"} if reason is Reason.EARLY_DISCONNECT else often == once
