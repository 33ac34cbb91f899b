"""How findings are ordered, hidden, counted and remembered."""

from __future__ import annotations

from dataclasses import replace
from graphlib import CycleError

import pytest

from nocarrier.diagnosis import CAUSES, diagnose
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.engine import SHOWN_EVIDENCE, in_order
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import NOT_KNOWN
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import say, word
from tests.diagnosis.table import codes, finding_of
from tests.diagnosis.world import HOUR, MINUTE, NOW, World, icmp, neighbours, peer, peers

NODE = World().with_node()


def cause(code, *reasons, depends_on=(), severity=Severity.WARNING, blame=Blame.THEM, **case):
    """A cause that explains all peers that fail with one of `reasons`."""

    def rule(facts):
        found = facts.failing_with(*map(Reason, reasons))
        if not found:
            return None
        made = Case(
            summary=say("{code}.", code=word(code)), confidence=0.5, evidence=(evidence_of(code, found),), peers=found
        )
        return replace(made, **case)

    return Cause(
        code=code,
        title=code,
        severity=severity,
        blame=blame,
        evidence_rule=code,
        next_actions=(Action(text="Do."),),
        looks=NOT_KNOWN,
        rule=rule,
        depends_on=depends_on,
    )


FAILING = NODE.session(peer(1)).fails(peer(2), "timeout").fails(peer(3), "connection_refused")


def found(world, *causes, earlier=None):
    return diagnose(world.facts(), in_order(causes), earlier).findings


# ---- hiding ----------------------------------------------------------------------------------------------------------


def test_a_failure_explained_by_one_cause_is_not_evidence_for_a_cause_that_depends_on_it():
    first = cause("first", "timeout")
    second = cause("second", "timeout", "connection_refused", depends_on=("first",))
    by_code = {each.code: each for each in found(FAILING, second, first)}
    assert by_code["second"].evidence[0].addrs == (peer(3),)
    assert by_code["first"].hides == ()


def test_a_cause_without_evidence_of_its_own_is_hidden_and_named_by_the_other():
    first, second = cause("first", "timeout"), cause("second", "timeout", depends_on=("first",))
    [only] = found(FAILING, first, second)
    assert (only.code, only.hides) == ("first", ("second",))


def test_hiding_works_across_a_cause_that_is_not_active():
    first = cause("first", "timeout")
    between = cause("between", "banned", depends_on=("first",))
    last = cause("last", "timeout", depends_on=("between",))
    [only] = found(FAILING, last, between, first)
    assert only.hides == ("last",)


def test_a_cause_is_hidden_only_by_one_that_explains_its_peers():
    first, other = cause("first", "timeout"), cause("other", "connection_refused")
    second = cause("second", "timeout", depends_on=("first", "other"))
    assert {each.code: each.hides for each in found(FAILING, first, other, second)} == {
        "first": ("second",), "other": (),
    }  # fmt: skip


def test_causes_that_do_not_depend_on_each_other_may_both_explain_a_peer():
    assert len(found(FAILING, cause("one", "timeout"), cause("other", "timeout"))) == 2


def test_causes_cannot_depend_on_each_other():
    with pytest.raises(CycleError):
        in_order([cause("one", depends_on=("other",)), cause("other", depends_on=("one",))])


def test_a_cause_cannot_depend_on_one_that_does_not_exist():
    with pytest.raises(KeyError):
        in_order([cause("one", depends_on=("none",))])


# ---- counting and ranking --------------------------------------------------------------------------------------------


def test_a_peer_that_a_rule_names_twice_counts_once():
    def rule(facts):
        failing = facts.failing_with(Reason.TIMEOUT)
        return Case(summary=say("x."), confidence=0.5, evidence=(), peers=[*failing, *failing])

    [only] = found(NODE.fails(peer(2), "timeout", times=3), replace(cause("twice"), rule=rule))
    assert (only.affected_peers, only.affected_dials) == (1, 3)


def test_findings_are_ordered_by_severity_then_blame_then_lost_peers_then_peers():
    world = FAILING.works(peer(4), ago_s=HOUR).fails(peer(4), "banned").fails(peers(3, first=20), "clock_skew")
    order = found(
        world,
        cause("most", "clock_skew"),
        cause("had_worked", "banned"),
        cause("ours", "timeout", blame=Blame.US),
        cause("information", "clock_skew", severity=Severity.INFO),
        cause("critical", "timeout", severity=Severity.CRITICAL),
    )
    assert [each.code for each in order] == ["critical", "ours", "had_worked", "most", "information"]


def test_evidence_names_the_newest_five_and_counts_all():
    world = NODE.session(peer(100))
    for number in range(1, 9):
        world = world.fails(peer(number), "connection_refused", ago_s=100.0 - number)
    [item] = finding_of(world.diagnosis(), "peer_down").evidence
    assert item.count == 8
    assert item.addrs == tuple(peer(number) for number in (8, 7, 6, 5, 4))
    assert len(set(item.event_ids)) == 5
    assert list(item.event_ids) == sorted(item.event_ids, reverse=True)


def test_a_hundred_hops_that_refuse_us_need_no_hundred_lines():
    world = NODE.session(peer(1))
    for number in range(40):
        world = world.fails(neighbours(1, first=number + 1), "host_unreachable", **icmp(3, 13, f"198.51.100.{number}"))
    world = world.fails(neighbours(2, first=90), "host_unreachable", **icmp(3, 13, "198.51.100.99"))
    found = finding_of(world.diagnosis(), "peer_firewalled")
    assert (found.affected_peers, len(found.evidence)) == (42, SHOWN_EVIDENCE)
    assert found.evidence[0].count == 2, "the most telling first"


def test_event_ids_lead_to_the_entries_of_the_record():
    facts = NODE.session(peer(1)).fails(peer(2), "connection_refused").facts()
    [item] = finding_of(diagnose(facts, CAUSES), "peer_down").evidence
    named = {(item.run, seq) for seq in item.event_ids}
    assert [entry.addr for entry in facts.recent if (entry.run, entry.seq) in named] == [peer(2)]


# ---- remembering -----------------------------------------------------------------------------------------------------


def test_a_finding_begins_with_its_oldest_failure():
    world = NODE.session(peer(1)).fails(peer(2), "timeout", ago_s=300).fails(peer(3), "timeout", ago_s=100)
    assert finding_of(world.diagnosis(), "peer_down").since_unix == NOW - 300


def test_the_beginning_is_kept_across_examinations():
    before = NODE.session(peer(1)).fails(peer(2), "timeout", ago_s=300)
    later = before.fails(peer(2), "timeout", ago_s=10)
    earlier = before.diagnosis()
    assert finding_of(later.diagnosis(), "peer_down").since_unix == NOW - 10
    assert finding_of(later.diagnosis(earlier), "peer_down").since_unix == NOW - 300


def test_a_finding_that_comes_back_has_a_new_beginning():
    stood = NODE.session(peer(1)).fails(peer(2), "timeout", ago_s=300).diagnosis()
    gone = NODE.session(peer(1)).diagnosis(stood)
    again = NODE.session(peer(1)).fails(peer(2), "timeout", ago_s=10).diagnosis(gone)
    assert finding_of(again, "peer_down").since_unix == NOW - 10


def test_a_finding_clears_when_its_evidence_is_gone():
    failed = NODE.session(peer(1)).fails(peers(3, first=2), "timeout", ago_s=5 * MINUTE)
    assert codes(failed) == ["peer_down"]
    assert codes(failed.works(peers(3, first=2), ago_s=MINUTE)) == []


@pytest.mark.parametrize(
    ("retry", "reason", "telling_s"),
    [("short", "network_unreachable", 600), ("mid", "timeout", 2_700), ("long", "malformed_handshake", 54_000)],
)
def test_a_failure_counts_until_the_longest_backoff_is_over(retry, reason, telling_s):
    assert Reason(reason).retry == retry
    base = NODE.session(peer(1))
    assert codes(base.fails(peer(2), reason, ago_s=telling_s - 1))
    assert codes(base.fails(peer(2), reason, ago_s=telling_s + 1)) == []


def test_a_broken_rule_does_not_affect_other_findings_and_is_logged_once(caplog):
    def breaks(_facts):
        raise ZeroDivisionError("in a rule")

    broken = replace(cause("broken_for_this_test"), rule=breaks)
    for _ in range(2):
        [finding] = found(FAILING, broken, cause("other", "timeout"))
        assert finding.code == "other"
    assert caplog.text.count("the rule of broken_for_this_test failed") == 1
