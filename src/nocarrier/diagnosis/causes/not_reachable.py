"""Other peers cannot dial this node."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, Action
from nocarrier.model.finding import Severity
from nocarrier.model.node.state import Reachability
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import address, say

_SUMMARY = "Other peers cannot dial this node at {where}: {count} {count:peer|peers} tried at its request and did not reach it."


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
            stated("{count:peer|peers} dialed back and did not reach this node", count=checked.not_reached_by),
            stated("{count:peer|peers} dialed back and reached this node", count=checked.reached_by),
        ),
        since_unix=checked.checked_unix,
        severity=Severity.INFO,
        values={"port": port, "where": where},
    )


CAUSE = Cause(
    code="not_reachable",
    title="Other peers cannot dial this node",
    severity=Severity.INFO,
    blame=Blame.US,
    evidence_rule="The node asked peers to dial the address that it publishes, and most of them did not reach it there.",
    next_actions=(
        Action(text="Forward TCP port {port} on the router to this machine.", applies_to=NODE),
        Action(
            text="If nftables filters on this machine, let the port in, as root.",
            command="nft add rule inet filter input tcp dport {port} accept",
            applies_to=NODE,
        ),
        Action(
            text="Peers tried {where}. If the public port is a different one, set advertise under [node] to the public address "
            "and that port.",
            applies_to=NODE,
        ),
        Action(
            text="If the node is behind a NAT that you cannot change, nothing is wrong: it dials out and works.",
            applies_to=NODE,
        ),
    ),
    rule=_rule,
    looks=Looks(why_none="only other peers can see whether this node can be dialed, and the node has asked them."),
    depends_on=("offline",),
)
