"""Another node lives at that address now."""

from __future__ import annotations

from nocarrier.diagnose import signs
from nocarrier.diagnose.cause import Case, Cause, evidence_of, some
from nocarrier.diagnose.confidence import KERNEL, confidence
from nocarrier.diagnose.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(Reason.PEER_ID_MISMATCH)
    if not peers:
        return None
    _, theirs = signs.values(peers[0])
    values: dict[str, object] = {"addr": peers[0].addr}
    if theirs.get("node_id"):
        values["node_id"] = theirs["node_id"]
    return Case(
        summary=f"Another node than before lives at {some(peer.addr for peer in peers)}.",
        confidence=confidence(KERNEL, peers),
        evidence=(evidence_of("the proven node id is not the expected one", peers),),
        peers=peers,
        values=values,
    )


CAUSE = Cause(
    code="peer_moved",
    title="Another node lives at that address now",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="peer_id_mismatch: the peer proved another node id than the one known at that address.",
    next_actions=(
        "If who runs {addr} made a new key or another machine has the address now, dial it by hand to take the new id: "
        "nocarrier connect {addr}",
        "If nobody knows of a change, find out who {node_id} is before you trust it.",
    ),
    rule=_rule,
)
