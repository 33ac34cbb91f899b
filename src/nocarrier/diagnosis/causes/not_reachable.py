"""Others cannot dial this node."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.node_state import Reachability
from nocarrier.model.taxonomy import Blame


def _rule(facts: Facts) -> Case | None:
    node = facts.node
    if node is None or node.info.reachability.state is not Reachability.PRIVATE:
        return None
    checked = node.info.reachability
    where = checked.addr or f"port {node.info.p2p_port}"
    return Case(
        summary=f"Others cannot dial this node at {where}: {count_of(checked.not_reached_by, 'peer')} tried at our "
        "request and did not reach it.",
        confidence=round(1 - 0.5 ** max(1, checked.not_reached_by), 2),
        evidence=(
            stated("peers that dialed us back and did not reach us", count=checked.not_reached_by),
            stated("peers that did reach us", count=checked.reached_by),
        ),
        since_unix=checked.checked_unix,
        severity=Severity.INFO,
        values={"port": node.info.p2p_port, "where": where},
    )


CAUSE = Cause(
    code="not_reachable",
    title="Others cannot dial this node",
    severity=Severity.INFO,
    blame=Blame.US,
    evidence_rule="Most of the peers that we asked to dial our published address did not reach this process there.",
    next_actions=(
        "Forward TCP port {port} on the router to this machine, and let it in: nft add rule inet filter input tcp dport "
        "{port} accept.",
        'If the port is another one outside, say so: advertise = "PUBLIC-ADDRESS:PORT" under [node]; peers tried {where}.',
        "Behind a NAT that cannot be changed nothing is wrong: the node dials out and works.",
    ),
    rule=_rule,
    depends_on=("offline",),
)
