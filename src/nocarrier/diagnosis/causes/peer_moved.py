"""Another node answers at a known address."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason, Source
from nocarrier.model.wording.text import Sayable, address, identity, listed, say

TOLD_FOR_S = 600.0
"""A node takes the new id with its next dial, a moment later: people should see that, though not for ever."""


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
    evidence = []
    if peers:
        evidence.append(evidence_of("the proven node id is not the expected one", peers))
    if taken:
        evidence.append(stated("the new node was taken, and works", [entry.addr for entry in taken]))
    addrs = [*(peer.addr for peer in peers), *(entry.addr for entry in taken)]
    return Case(
        summary=say("Another node than before answers at {addrs}.", addrs=listed([address(addr) for addr in addrs])),
        confidence=confidence(KERNEL, peers) if peers else 1 - KERNEL,
        evidence=tuple(evidence),
        peers=peers,
        addrs=frozenset(addrs),
        since_unix=min((entry.at_unix for entry in taken), default=None),
        values=_values(peers, taken),
    )


def _values(peers: list[FailingPeer], taken: list[DialFailure]) -> dict[str, Sayable]:
    mismatches: list[signs.Failure] = [*taken, *peers]
    node_ids = [node_id for mismatch in mismatches if (node_id := signs.values(mismatch)[1].get("node_id"))]
    values: dict[str, Sayable] = {"node_id": identity(str(node_ids[-1]))} if node_ids else {}
    if peers:
        values["addr"] = address(peers[0].addr)
    elif taken:
        values["taken"] = address(taken[0].addr)
    return values


CAUSE = Cause(
    code="peer_moved",
    title="Another node answers at a known address",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="peer_id_mismatch: the peer proved another node id than the one known at that address; told for ten "
    "minutes where the new node was taken since.",
    next_actions=(
        Action(
            text="If the operator of {addr} made a new key, or another machine has the address now, dial it by hand to accept "
            "the new id.",
            command="nocarrier connect {addr} --url {url}",
            applies_to=NODE,
        ),
        Action(
            text="If the operator of {addr} made a new key, or another machine has the address now, let the program accept "
            "the new id.",
            applies_to=OTHERS,
        ),
        Action(text="If nobody knows of a change, find out who {node_id} is before you trust it."),
        Action(text="See what was seen of it.", command="nocarrier failures --addr {addr} --url {url}"),
        Action(text="See what was seen of it.", command="nocarrier failures --addr {taken} --url {url}"),
    ),
    rule=_rule,
    looks=looks.SAID,
)
