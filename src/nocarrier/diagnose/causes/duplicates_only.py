"""Nothing is wrong: the node meets peers it already has."""

from __future__ import annotations

from nocarrier.diagnose.cause import Case, Cause, count_of, stated
from nocarrier.diagnose.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Kind, Reason

_DUPLICATES = frozenset({Reason.ALREADY_CONNECTED, Reason.ALREADY_DIALING, Reason.DUPLICATE_CONNECTION})


def _rule(facts: Facts) -> Case | None:
    entries = [entry for entry in facts.recent if entry.kind is not Kind.CANCELLED]
    if not entries or any(entry.reason not in _DUPLICATES for entry in entries):
        return None
    if any(peer.reason not in _DUPLICATES for peer in facts.all_failing):
        return None
    addrs = list(dict.fromkeys(entry.addr for entry in reversed(entries)))
    return Case(
        summary=f"Nothing is wrong: all that was not dialed, {count_of(len(addrs), 'peer')}, is connected already.",
        confidence=0.95,
        evidence=(stated("already connected, or a second connection that gave way", addrs),),
        peers=facts.failing_with(*_DUPLICATES),
        since_unix=entries[0].at_unix,
        severity=Severity.INFO,
    )


CAUSE = Cause(
    code="duplicates_only",
    title="Nothing is wrong: the node meets peers it already has",
    severity=Severity.INFO,
    blame=Blame.NONE,
    evidence_rule="All newest entries of the record are already_connected, already_dialing or duplicate_connection.",
    next_actions=("There is nothing to do.",),
    rule=_rule,
)
