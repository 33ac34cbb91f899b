"""The node wants peers and does not dial, or a dial outlived its deadline."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.event import DialEvent
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.node_state import NodeState
from nocarrier.model.taxonomy import Blame

ROUNDS = 3
"""Rounds of the maintainer that may pass without a dial: one can fall between two, and one can find all in backoff."""

SLACK_S = 5.0
"""Beyond the deadline of a dial: a busy event loop ends it late."""


def _overdue(facts: Facts, node: NodeState) -> list[DialEvent]:
    limit_s = node.dialing.deadline_s + SLACK_S + node.loop_lag_s
    return [dial for dial in facts.in_flight if facts.now_unix - dial.at_unix > limit_s]


def _idle_s(facts: Facts, node: NodeState) -> float | None:
    """How long the node has not dialed although it could; None: it dials, or has nobody to dial."""
    dialing = node.dialing
    if dialing.due_since_unix is None or facts.in_flight or node.info.offline:
        return None
    # A peer that left a moment ago is wanted, and about to be dialed; the last dial may be hours ago.
    idle_s = facts.now_unix - max(dialing.last_started_unix or 0.0, dialing.due_since_unix)
    return idle_s if idle_s > ROUNDS * dialing.maintain_interval_s + SLACK_S else None


def _rule(facts: Facts) -> Case | None:
    node = facts.node
    if node is None:
        return None
    overdue, idle_s = _overdue(facts, node), _idle_s(facts, node)
    if not overdue and idle_s is None:
        return None
    evidence: list[EvidenceItem] = []
    said: list[str] = []
    if overdue:
        oldest_s = facts.now_unix - min(dial.at_unix for dial in overdue)
        said.append(
            f"{count_of(len(overdue), 'dial')} should have ended long ago, the oldest began {oldest_s:.0f} s ago"
        )
        statement = f"in flight for longer than the {node.dialing.deadline_s:.0f} s that a dial can take"
        evidence.append(stated(statement, [dial.addr for dial in overdue]))
    if idle_s is not None:
        wanted, due = node.dialing.wanted, node.dialing.due
        said.append(f"{count_of(wanted, 'peer')} wanted and {due} could be dialed, but none was for {idle_s:.0f} s")
        evidence.append(stated(f"no dial was started for {idle_s:.0f} s", count=due))
    return Case(
        summary=f"The dialer is stuck: {' and '.join(said)}.",
        confidence=0.9,
        evidence=tuple(evidence),
        addrs=frozenset(dial.addr for dial in overdue),
        since_unix=min((dial.at_unix for dial in overdue), default=facts.now_unix - (idle_s or 0.0)),
        severity=Severity.CRITICAL,
    )


CAUSE = Cause(
    code="dialer_stuck",
    title="The node wants peers and is not dialing",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="Peers wanted and addresses due, but no dial started for three rounds of the maintainer; or a dial in "
    "flight for longer than a dial can take.",
    next_actions=(
        "This is a fault of nocarrier or of the program around it: keep the log, save curl -s "
        "http://127.0.0.1:7070/api/p2p/debug?redact=true for the bug report, and restart the node.",
    ),
    rule=_rule,
    depends_on=("local_overload",),
)
