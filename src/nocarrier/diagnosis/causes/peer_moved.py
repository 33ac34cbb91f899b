"""Another node lives at that address now."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, some, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason, Source

TOLD_FOR_S = 600.0
"""A node takes the new id with its next dial, a moment later: that shall be seen by people, and not stand for ever."""


def _taken(facts: Facts) -> list[DialFailure]:
    """Mismatches of late at addresses where the new node works since, without an operator who dialed it by hand."""
    working = {peer.addr for peer in facts.working if peer.source is not Source.DIRECT}
    entries = {
        entry.addr: entry
        for entry in facts.recent
        if entry.reason is Reason.PEER_ID_MISMATCH
        and entry.addr in working
        and facts.now_unix - entry.at_unix <= TOLD_FOR_S
    }
    return list(entries.values())


def _rule(facts: Facts) -> Case | None:
    peers, taken = facts.failing_with(Reason.PEER_ID_MISMATCH), _taken(facts)
    if not peers and not taken:
        return None
    mismatches: list[signs.Failure] = [*taken, *peers]
    values: dict[str, object] = {}
    for mismatch in mismatches:
        _, theirs = signs.values(mismatch)
        if theirs.get("node_id"):
            values["node_id"] = theirs["node_id"]
    evidence = []
    if peers:
        values["addr"] = peers[0].addr
        evidence.append(evidence_of("the proven node id is not the expected one", peers))
    if taken:
        evidence.append(stated("the new node was taken, and works", [entry.addr for entry in taken]))
    addrs = [*(peer.addr for peer in peers), *(entry.addr for entry in taken)]
    return Case(
        summary=f"Another node than before lives at {some(addrs)}.",
        confidence=confidence(KERNEL, peers) if peers else 1 - KERNEL,
        evidence=tuple(evidence),
        peers=peers,
        addrs=frozenset(addrs),
        since_unix=min((entry.at_unix for entry in taken), default=None),
        values=values,
    )


CAUSE = Cause(
    code="peer_moved",
    title="Another node lives at that address now",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="peer_id_mismatch: the peer proved another node id than the one known at that address; told for ten "
    "minutes where the new node was taken since.",
    next_actions=(
        "If who runs {addr} made a new key or another machine has the address now, dial it by hand to take the new id: "
        "nocarrier connect {addr}",
        "If nobody knows of a change, find out who {node_id} is before you trust it.",
    ),
    rule=_rule,
)
