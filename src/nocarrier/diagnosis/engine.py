"""Asks every cause, in the order of what explains what, and ranks the answers. Pure.

A cause *explains* failing peers. For a cause that depends on it these peers are no evidence any more, so a symptom is
hidden as long as its cause is active, and a second fault beside it, with evidence of its own, is not.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from nocarrier.diagnosis.cause import Case, Cause, severity_for
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.health import health_of
from nocarrier.model.action import filled
from nocarrier.model.finding import Diagnosis, EvidenceItem, Finding, Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import say

SHOWN_EVIDENCE = 10
"""Statements of one finding, the most telling first; a hundred hops that refuse us need no hundred lines."""


_log = logging.getLogger("nocarrier.diagnosis")

_told_broken: set[str] = set()
"""Causes whose broken rule was logged already: an examination comes every two seconds."""


def in_order(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """`causes` such that each comes after all that it depends on.

    Raises:
        graphlib.CycleError: two causes depend on each other.
        KeyError: a cause depends on one that does not exist.
    """
    by_code = {cause.code: cause for cause in causes}
    order = TopologicalSorter({code: cause.depends_on for code, cause in by_code.items()}).static_order()
    return tuple(by_code[code] for code in order)


def diagnose(facts: Facts, causes: Sequence[Cause], earlier: Diagnosis | None = None) -> Diagnosis:
    """What is wrong, the worst first.

    Args:
        facts: of this instant.
        causes: from `in_order`.
        earlier: the diagnosis before this one, so that a finding knows since when it is active.
    """
    round_ = _Round(facts, causes)
    for cause in causes:
        round_.ask(cause)
    began = {finding.code: finding.since_unix for finding in earlier.findings} if earlier else {}
    findings = [
        _finding(cause, case, facts, began.get(cause.code), round_.hidden_by[cause.code])
        for cause in causes
        if (case := round_.cases.get(cause.code)) is not None
    ]
    ranked = sorted(findings, key=lambda finding: _rank(finding, round_.cases[finding.code]))
    health = health_of(facts, ranked)
    return Diagnosis(at_unix=facts.now_unix, status=health.status, status_detail=health.detail, findings=tuple(ranked))


class _Round:
    """Every cause, asked once about the same facts.

    Attributes:
        cases: what was found, by code.
        hidden_by: codes of the causes that each cause found hides.
    """

    def __init__(self, facts: Facts, causes: Sequence[Cause]) -> None:
        self._facts = facts
        self._causes = causes
        self.cases: dict[str, Case] = {}
        self.hidden_by: defaultdict[str, list[str]] = defaultdict(list)
        self._explained: dict[str, frozenset[str]] = {}
        self._left: dict[frozenset[str], Facts] = {frozenset(): facts}
        """The facts without what is explained; many causes depend on the same ones."""

    def ask(self, cause: Cause) -> None:
        """Ask `cause`, after all that it depends on."""
        ancestors = [code for code in _ancestors(cause, self._causes) if code in self.cases]
        taken = frozenset().union(*(self._explained[code] for code in ancestors))
        if taken not in self._left:
            self._left[taken] = self._facts.without(taken)
        case = _ask(cause, self._left[taken])
        if case is not None:
            self.cases[cause.code] = case
            self._explained[cause.code] = frozenset([peer.addr for peer in case.peers])
        elif taken and not cause.is_last_resort:
            self._note_hidden(cause, ancestors)

    def _note_hidden(self, cause: Cause, ancestors: Sequence[str]) -> None:
        """Note which of `ancestors` explain the evidence for `cause`."""
        without_them = _ask(cause, self._facts)
        if without_them is None:
            return
        evidence = {peer.addr for peer in without_them.peers}
        for code in ancestors:
            if self._explained[code] & evidence:
                self.hidden_by[code].append(cause.code)


def _ask(cause: Cause, facts: Facts) -> Case | None:
    """What the rule of `cause` finds; a rule with an internal error must not take all other findings with it."""
    try:
        return cause.rule(facts)
    except Exception:  # noqa: BLE001 - a rule sees what anybody recorded; logged
        if cause.code not in _told_broken:
            _told_broken.add(cause.code)
            _log.exception("the rule of %s failed with an internal error; the others go on", cause.code)
        return None


def _rank(finding: Finding, case: Case) -> tuple[int, bool, bool, int, float]:
    """The worst first; of equals what is ours to mend, then what cost us peers that worked, then what costs most.

    What is only good to know and keeps us from nobody comes last.
    """
    lost = sum(peer.worked_unix is not None for peer in case.peers)
    keeps_from_nobody = finding.severity is Severity.INFO and not finding.affected_peers
    is_ours = finding.blame is Blame.US
    return (
        finding.severity.rank,
        keeps_from_nobody,
        not is_ours,
        -lost,
        -finding.affected_peers * finding.confidence,
    )


def _ancestors(cause: Cause, causes: Sequence[Cause]) -> list[str]:
    """Codes of all that `cause` depends on, directly or not, in the order of `causes`."""
    by_code = {each.code: each for each in causes}
    seen: set[str] = set()
    waiting = list(cause.depends_on)
    while waiting:
        code = waiting.pop()
        if code not in seen:
            seen.add(code)
            waiting += by_code[code].depends_on
    return [each.code for each in causes if each.code in seen]


def _finding(cause: Cause, case: Case, facts: Facts, began_unix: float | None, hides: Sequence[str]) -> Finding:
    failing = {peer.addr: peer for peer in case.peers}
    if began_unix is None:
        oldest = min((peer.failed_unix for peer in case.peers), default=facts.now_unix)
        began_unix = case.since_unix if case.since_unix is not None else oldest
    return Finding(
        code=cause.code,
        title=say(cause.title) if case.title is None else case.title,
        severity=severity_for(facts, cause.severity) if case.severity is None else case.severity,
        blame=case.blame or cause.blame,
        summary=case.summary,
        confidence=case.confidence,
        evidence=tuple(_of_run(item, facts.run) for item in case.evidence[:SHOWN_EVIDENCE]),
        affected_peers=len(failing.keys() | case.addrs),
        affected_dials=sum(peer.dials for peer in failing.values()),
        next_actions=filled(cause.next_actions, case.values),
        looks=cause.looks,
        since_unix=began_unix,
        hides=tuple(hides),
    )


def _of_run(item: EvidenceItem, run: str) -> EvidenceItem:
    """`item` with the run that its events are of: a rule names them by their numbers alone."""
    return replace(item, run=run) if item.event_ids else item
