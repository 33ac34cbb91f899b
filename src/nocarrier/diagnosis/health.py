"""Whether all is well, something is wrong, or nobody can say yet. Pure.

Unhealthy is whoever has a finding above info. Else all is well where that is known:

- with a node: it has at least one connected peer, or wants none (`target_peers = 0`);
- without a node, where nobody tells which sessions live: some peer works, which means that the newest dial to it
  reached its session within the last day, or was given up because another connection with that peer stays.

In all other cases nobody can say, and the reason is told in one sentence: absence of bad news is no good news.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from nocarrier.diagnosis.facts import SKIPS_FOR_S, Facts
from nocarrier.model.finding import Finding, HealthStatus, Severity
from nocarrier.model.node.state import NodeState
from nocarrier.model.taxonomy import Kind, Reason
from nocarrier.model.wording.numbers import count_of

_SHOWN_REASONS = 3
"""Of skips, the most frequent."""


class Health(NamedTuple):
    """What a diagnosis comes to."""

    status: HealthStatus
    detail: str | None = None
    """Why it is undetermined, in one sentence; None otherwise."""


def health_of(facts: Facts, findings: Sequence[Finding]) -> Health:
    """What `findings`, which were found from `facts`, come to."""
    if any(finding.severity is not Severity.INFO for finding in findings):
        return Health(HealthStatus.UNHEALTHY)
    doubt = _doubt_about_program(facts) if facts.node is None else _doubt_about_node(facts, facts.node)
    return Health(HealthStatus.HEALTHY) if doubt is None else Health(HealthStatus.UNDETERMINED, doubt)


def _doubt_about_node(facts: Facts, node: NodeState) -> str | None:
    """Why a node without a finding above info cannot be called healthy; None: it can."""
    if node.connected or node.info.target_peers == 0:
        return None
    age_s = max(0.0, facts.now_unix - node.info.started_at_unix)
    since = f"{_roughly(age_s)} after the start"
    if node.dialing.last_started_unix is None and not facts.in_flight:
        return f"No peer is connected, and no dial has begun, {since}{_skipped(facts)}."
    if facts.in_flight and not _a_dial_has_ended(facts):
        return f"No dial has ended yet, {since}."
    if facts.in_flight and age_s < node.dialing.deadline_s:
        return f"No peer is connected yet, {since}; {count_of(len(facts.in_flight), 'dial')} in flight."
    return f"No peer is connected, and nothing found so far explains it{_skipped(facts)}."


def _doubt_about_program(facts: Facts) -> str | None:
    """The same of a program without a nocarrier node."""
    if facts.working or any(peer.reason is Reason.DUPLICATE_CONNECTION for peer in facts.all_failing):
        return None
    if facts.all_failing:
        return "Every peer failed when it was dialed last, and nothing found so far explains it."
    if _a_dial_has_ended(facts):
        return "The dials on record are too old, or were cancelled too early, to tell of the present."
    if facts.in_flight:
        return f"No dial has ended yet; {count_of(len(facts.in_flight), 'dial')} in flight."
    return f"No ended dial is on record{_skipped(facts)}."


def _a_dial_has_ended(facts: Facts) -> bool:
    return (
        bool(facts.read)
        or facts.succeeded_unix is not None
        or any(entry.kind is not Kind.SKIP for entry in facts.recent)
    )


def _roughly(seconds: float) -> str:
    """In the unit of which there are at least two, so that the sentence of an old node seldom changes."""
    for unit, unit_s in (("h", 3_600), ("min", 60)):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"


def _skipped(facts: Facts) -> str:
    """Which peers policy kept from being dialed lately, by reason."""
    recent = (entry for entry in facts.recent if facts.now_unix - entry.at_unix <= SKIPS_FOR_S)
    kept = dict.fromkeys((entry.addr, entry.reason) for entry in recent if entry.kind is Kind.SKIP)
    if not kept:
        return ""
    reasons = Counter(reason for _, reason in kept).most_common(_SHOWN_REASONS)
    named = ", ".join(f"{reason} {count}" for reason, count in reasons)
    return f"; skipped {count_of(len({addr for addr, _ in kept}), 'peer')}: {named}"
