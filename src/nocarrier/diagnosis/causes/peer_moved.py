"""Another node answers at a known address."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated, title_about
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason, Source
from nocarrier.model.wording.text import Sayable, address, identity, listed, say

TOLD_FOR_S = 600.0
"""How long the change is reported after the node has accepted the new id, which it does with its next dial."""


def _taken(facts: Facts) -> list[DialFailure]:
    """Recent mismatches at addresses where the new node has worked since without being dialed by hand."""
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
        evidence.append(evidence_of("{count:peer|peers} proved another node id than the expected one", peers))
    if taken:
        evidence.append(
            stated("new {count:node was|nodes were} accepted and {count:works|work}", [entry.addr for entry in taken])
        )
    addrs = [*(peer.addr for peer in peers), *(entry.addr for entry in taken)]
    return Case(
        summary=say("Another node than before answers at {addrs}.", addrs=listed([address(addr) for addr in addrs])),
        title=title_about("Another node than before answers at {they}", addrs, "address|addresses"),
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
    evidence_rule="peer_id_mismatch: the peer proved another node id than the one known for that address. Once the new node is "
    "accepted, this is reported for ten more minutes.",
    next_actions=(
        Action(
            text="If the operator of {addr} made a new key, or the address now belongs to another machine, dial it by hand to "
            "accept the new id.",
            command="nocarrier connect {addr} --url {url}",
            applies_to=NODE,
        ),
        Action(
            text="If the operator of {addr} made a new key, or the address now belongs to another machine, let the program "
            "accept the new id.",
            applies_to=OTHERS,
        ),
        Action(text="If nobody knows of such a change, find out whose node {node_id} is before you trust it."),
        Action(
            text="See what nocarrier recorded for this address.", command="nocarrier failures --addr {addr} --url {url}"
        ),
        Action(
            text="See what nocarrier recorded for this address.",
            command="nocarrier failures --addr {taken} --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
)
