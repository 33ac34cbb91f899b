"""Which probes are worth a packet for which finding, and which addresses they go to."""

from __future__ import annotations

import re

import pytest

from nocarrier.diagnosis import CAUSES
from nocarrier.model.finding import EvidenceItem, Finding, Severity
from nocarrier.model.probe import NOT_KNOWN, Probe, ProbeFacts
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import say
from nocarrier.probing.conclusions import conclude, plan_probes

LOOKS = {cause.code: cause.looks for cause in CAUSES}


def finding(code: str, *evidence: tuple[str, ...]) -> Finding:
    return Finding(
        code=code,
        title=say(""),
        severity=Severity.INFO,
        blame=Blame.PATH,
        summary=say(""),
        confidence=0.5,
        evidence=tuple(EvidenceItem(statement=say(""), count=len(addrs), addrs=addrs) for addrs in evidence),
        affected_peers=0,
        affected_dials=0,
        next_actions=(),
        since_unix=0.0,
        looks=LOOKS.get(code, NOT_KNOWN),
    )


def test_every_cause_says_what_to_look_at_or_why_nothing():
    assert all(bool(looks.probes) is not bool(looks.why_none) for looks in LOOKS.values())


@pytest.mark.parametrize("code", [cause.code for cause in CAUSES])
def test_a_cause_is_probed_or_says_why_not(code):
    plan = plan_probes(finding(code, ("198.18.0.1:7072",)))

    if plan.probes:
        assert plan.addrs == ("198.18.0.1:7072",)
    else:
        [statement] = conclude(LOOKS[code], ProbeFacts())
        assert re.fullmatch(r"Nothing to probe: \S.*\.", str(statement.text))


@pytest.mark.parametrize("code", ["retry_too_fast", "private_addresses_gossiped", "banned_by_peers", "duplicates_only"])
def test_there_is_no_probe_that_would_harm_or_not_help(code):
    assert plan_probes(finding(code, ("198.18.0.1:7072",))).probes == frozenset()


def test_an_unknown_finding_is_left_alone():
    assert plan_probes(finding("no_such_cause", ("198.18.0.1:7072",))).probes == frozenset()
    assert str(conclude(NOT_KNOWN, ProbeFacts())[0].text) == "Nothing to probe: no probe is known for it."


def test_a_resolver_finding_asks_the_resolver():
    assert plan_probes(finding("dns_broken", ("seed.test:7072",))).probes == {Probe.RESOLVER, Probe.ROUTES}


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        # Unrelated networks (/16) come first, in the order of the evidence, then the rest.
        (
            [("198.18.0.1:1", "198.18.0.2:1", "198.18.0.3:1"), ("198.19.0.1:1",)],
            ("198.18.0.1:1", "198.19.0.1:1", "198.18.0.2:1"),
        ),
        (
            [("198.18.0.1:1", "198.18.0.2:1", "198.18.0.3:1", "198.18.0.4:1")],
            ("198.18.0.1:1", "198.18.0.2:1", "198.18.0.3:1"),
        ),
        # Several pieces of evidence name the same address, and it is probed once.
        ([("198.18.0.1:1",), ("198.18.0.1:1", "198.19.0.1:1")], ("198.18.0.1:1", "198.19.0.1:1")),
        # Text that is not an address cannot be probed.
        ([("nonsense", "seed.test:7072")], ("seed.test:7072",)),
        ([], ()),
    ],
)
def test_three_peers_of_unrelated_networks_if_there_are_any(evidence, expected):
    assert plan_probes(finding("peer_down", *evidence)).addrs == expected


def test_the_size_of_a_netgroup_depends_on_the_setting():
    evidence = ("198.18.1.1:1", "198.18.1.2:1", "198.18.2.1:1", "198.18.3.1:1")
    spread = ("198.18.1.1:1", "198.18.2.1:1", "198.18.3.1:1")
    assert plan_probes(finding("peer_down", evidence), netgroup_prefix=24).addrs == spread
    assert plan_probes(finding("peer_down", evidence), netgroup_prefix=16).addrs == evidence[:3]
