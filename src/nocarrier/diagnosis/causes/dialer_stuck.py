"""The node wants peers and does not dial, or a dial goes on far past its deadline."""

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
"""Rounds of the maintainer that may pass without a dial: a dial can become due just after a round, and a round can find
every address in backoff."""

SLACK_S = 5.0
"""Allowed beyond the deadline of a dial: a busy event loop ends it late."""


def _overdue(facts: Facts, node: NodeState) -> list[DialEvent]:
    limit_s = node.dialing.deadline_s + SLACK_S + node.loop_lag_s
    return [dial for dial in facts.in_flight if facts.now_unix - dial.at_unix > limit_s]


def _idle_s(facts: Facts, node: NodeState) -> float | None:
    """How long the node has not dialed although it could; None: it dials, or has no peer to dial."""
    dialing = node.dialing
    if dialing.due_since_unix is None or facts.in_flight or node.info.offline:
        return None
    # If a peer left a moment ago, a new one is about to be dialed, although the last dial may be hours ago.
    idle_s = facts.now_unix - max(dialing.last_started_unix or 0.0, dialing.due_since_unix)
    return idle_s if idle_s > ROUNDS * dialing.maintain_interval_s + SLACK_S else None


_OVERDUE = "{count} {count:dial is|dials are} past the deadline of {deadline} s, and the oldest began {oldest} s ago"

_IDLE = "it wants {wanted} more {wanted:peer|peers} and could dial {due}, but has dialed none for {idle} s"


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
        deadline = decimal(node.dialing.deadline_s)
        said.append(say(_OVERDUE, count=len(overdue), deadline=deadline, oldest=decimal(oldest_s)))
        addrs = [dial.addr for dial in overdue]
        template = "{count:dial has|dials have} been in flight for longer than the {deadline} s that a dial can take"
        evidence.append(stated(template, addrs, deadline=deadline))
    if idle_s is not None:
        wanted, due, idle = node.dialing.wanted, node.dialing.due, decimal(idle_s)
        said.append(say(_IDLE, wanted=wanted, due=due, idle=idle))
        template = "{count:address|addresses} could be dialed, but no dial has begun for {idle} s"
        evidence.append(stated(template, count=due, idle=idle))
    return Case(
        summary=say("The dialer of this node is stuck: {why}.", why=joined(said, "; ")),
        title=say(_TITLE_OVERDUE, count=len(overdue)) if overdue else say("This node wants peers and does not dial"),
        confidence=0.9,
        evidence=tuple(evidence),
        addrs=frozenset(dial.addr for dial in overdue),
        since_unix=min((dial.at_unix for dial in overdue), default=facts.now_unix - (idle_s or 0.0)),
        severity=Severity.CRITICAL,
    )


_TITLE_OVERDUE = "{count} {count:dial|dials} of this node should have ended long ago"


CAUSE = Cause(
    code="dialer_stuck",
    title="The dialer of this node is stuck",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="The node wants peers and has addresses to dial, but no dial has begun for three rounds of the "
    "maintainer; or a dial has been in flight for longer than a dial can take.",
    next_actions=(
        Action(
            text="This is a bug in nocarrier or in the program around it: keep the log, and report the bug with this report.",
            command="nocarrier report --url {url}",
            applies_to=NODE,
        ),
        Action(text="Restart the node.", applies_to=NODE),
    ),
    rule=_rule,
    looks=looks.OURS,
    depends_on=("local_overload",),
)
