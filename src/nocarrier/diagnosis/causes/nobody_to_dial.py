"""The node knows no address that it could dial."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import say

GRACE_S = 30.0
"""A first node of a network waits for others to come; after half a minute somebody should be told."""


_NO_SEEDS = "The node has nobody to dial: it has no seeds, its peer book is empty, and nobody came to it."

_ALL_FORBIDDEN = (
    "The node has nobody to dial: policy forbids {count:its only seed|all of its seeds}, its peer book is empty, and nobody "
    "came to it."
)


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
    return Case(
        summary=say(_ALL_FORBIDDEN if forbidden else _NO_SEEDS, count=forbidden),
        confidence=0.95,
        evidence=(stated("{count:address|addresses} that could be dialed, now or later", count=0),),
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
        Action(
            text='Name at least one peer in seeds under [node], as host and port: seeds = ["seed.example.net:7072"], with the '
            "name of a real one. Then restart the node.",
            applies_to=NODE,
        ),
        Action(
            text="If this is the first node of a network, let others dial it on port {port}.",
            applies_to=NODE,
        ),
    ),
    rule=_rule,
    looks=looks.OURS,
)
