"""The node knows no address that it could dial."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame

GRACE_S = 30.0
"""A first node of a network waits for others to come; after half a minute somebody should be told."""


def _rule(facts: Facts) -> Case | None:
    node = facts.node
    if node is None or not facts.is_cut_off or node.dialing.known or facts.all_failing or facts.in_flight:
        return None
    if facts.now_unix - node.info.started_at_unix < GRACE_S:
        return None
    seeds = [seed for seed in node.dialing.seeds if seed.reason is None]
    if seeds:
        return None
    forbidden = len(node.dialing.seeds)
    why = f"none of its {count_of(forbidden, 'seed')} may be dialed" if forbidden else "it has no seeds"
    return Case(
        summary=f"The node has nobody to dial: {why}, the peer book is empty, and nobody came to it.",
        confidence=0.95,
        evidence=(stated("addresses that could be dialed, now or later", count=0),),
        since_unix=node.info.started_at_unix,
        severity=Severity.WARNING,
        values={"port": node.info.p2p_port},
    )


CAUSE = Cause(
    code="nobody_to_dial",
    title="The node knows nobody to dial",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="No session, no address in the peer book, and no seed that may be dialed, for half a minute.",
    next_actions=(
        'Name at least one peer: seeds = ["HOST:7072"] under [node], or now by hand: nocarrier connect HOST:7072',
        "If this is the first node of a network, let others dial it on port {port}.",
    ),
    rule=_rule,
)
