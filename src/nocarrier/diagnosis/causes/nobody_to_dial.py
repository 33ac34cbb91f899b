"""The node knows no address that it may dial."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.causes.own_rules import kept
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import say

GRACE_S = 30.0
"""The first node of a network waits for others to connect; after half a minute somebody should know."""


_NO_SEEDS = "This node has no seeds and no address in its peer book that it may dial, and no peer has connected to it."

_ALL_FORBIDDEN = "Policy forbids {seeds} of this node, its peer book has no address that it may dial, and no peer has connected to it."

_SEEDS = {True: "the only seed", False: "all {count} seeds"}
"""By whether there is one."""


def _rule(facts: Facts) -> Case | None:
    node = facts.node
    if node is None or not facts.is_cut_off or node.dialing.known or facts.all_failing or facts.in_flight:
        return None
    if facts.now_unix - node.info.started_at_unix < GRACE_S:
        return None
    seeds = [seed for seed in node.dialing.seeds if seed.reason is None]
    if seeds or kept(facts).addrs:
        return None  # there is somebody, and `own_rules` says what is in the way
    forbidden = len(node.dialing.seeds)
    return Case(
        summary=say(_ALL_FORBIDDEN if forbidden else _NO_SEEDS, seeds=say(_SEEDS[forbidden == 1], count=forbidden)),
        confidence=0.95,
        evidence=(stated("{count:address|addresses} can be dialed, now or later", count=0),),
        since_unix=node.info.started_at_unix,
        severity=Severity.WARNING,
        values={"port": node.info.p2p_port},
    )


CAUSE = Cause(
    code="nobody_to_dial",
    title="This node knows no peer to dial",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="For half a minute: no session, and no address among the seeds or in the peer book that may be dialed.",
    next_actions=(
        Action(
            text="Name at least one real peer in seeds under [node], as host and port, such as "
            'seeds = ["seed.example.net:7072"]. Then restart the node.',
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
