"""The node wants peers and does not dial, or a dial outlived its deadline."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, Action
from nocarrier.model.event import DialEvent
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.node.state import NodeState
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Text, decimal, joined, say

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


_OVERDUE = "{count} {count:dial|dials} should have ended long ago, and the oldest began {oldest} s ago"

_IDLE = "{wanted} {wanted:peer|peers} wanted and {due} could be dialed, but none was for {idle} s"


def _rule(facts: Facts) -> Case | None:
    node = facts.node
    if node is None:
        return None
    overdue, idle_s = _overdue(facts, node), _idle_s(facts, node)
    if not overdue and idle_s is None:
        return None
    evidence: list[EvidenceItem] = []
    said: list[Text] = []
    if overdue:
        oldest_s = facts.now_unix - min(dial.at_unix for dial in overdue)
        said.append(say(_OVERDUE, count=len(overdue), oldest=decimal(oldest_s)))
        deadline = decimal(node.dialing.deadline_s)
        addrs = [dial.addr for dial in overdue]
        evidence.append(
            stated("in flight for longer than the {deadline} s that a dial can take", addrs, deadline=deadline)
        )
    if idle_s is not None:
        wanted, due, idle = node.dialing.wanted, node.dialing.due, decimal(idle_s)
        said.append(say(_IDLE, wanted=wanted, due=due, idle=idle))
        evidence.append(stated("no dial was started for {idle} s", count=due, idle=idle))
    return Case(
        summary=say("The dialer is stuck: {why}.", why=joined(said, "; ")),
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
        Action(
            text="This is a fault of nocarrier or of the program around it: keep the log, and attach this report to a bug "
            "report.",
            command="nocarrier report --url {url}",
            applies_to=NODE,
        ),
        Action(text="Restart the node.", applies_to=NODE),
    ),
    rule=_rule,
    looks=looks.OURS,
    depends_on=("local_overload",),
)
