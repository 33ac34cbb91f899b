"""Others cannot dial this node."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, Action
from nocarrier.model.finding import Severity
from nocarrier.model.node.state import Reachability
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import address, say

_SUMMARY = (
    "Others cannot dial this node at {where}: {count} {count:peer|peers} tried at our request and did not reach it."
)


def _rule(facts: Facts) -> Case | None:
    node = facts.node
    if node is None or node.info.reachability.state is not Reachability.PRIVATE:
        return None
    checked = node.info.reachability
    port = node.info.p2p_port
    where = say("{addr}", addr=address(checked.addr)) if checked.addr else say("port {port}", port=port)
    return Case(
        summary=say(_SUMMARY, where=where, count=checked.not_reached_by),
        confidence=round(1 - 0.5 ** max(1, checked.not_reached_by), 2),
        evidence=(
            stated("{count:peer|peers} that dialed us back and did not reach us", count=checked.not_reached_by),
            stated("{count:peer|peers} that did reach us", count=checked.reached_by),
        ),
        since_unix=checked.checked_unix,
        severity=Severity.INFO,
        values={"port": port, "where": where},
    )


CAUSE = Cause(
    code="not_reachable",
    title="Others cannot dial this node",
    severity=Severity.INFO,
    blame=Blame.US,
    evidence_rule="Most of the peers that we asked to dial our published address did not reach this process there.",
    next_actions=(
        Action(text="Forward TCP port {port} on the router to this machine.", applies_to=NODE),
        Action(
            text="Let the port in where nftables filters on this machine, as root.",
            command="nft add rule inet filter input tcp dport {port} accept",
            applies_to=NODE,
        ),
        Action(
            text="If the port outside is another one, set advertise under [node] to the public address and that port; peers "
            "tried {where}.",
            applies_to=NODE,
        ),
        Action(
            text="Behind a NAT that cannot be changed nothing is wrong: the node dials out and works.", applies_to=NODE
        ),
    ),
    rule=_rule,
    looks=Looks(why_none="only others can see whether this node can be dialed; they were asked."),
    depends_on=("offline",),
)
