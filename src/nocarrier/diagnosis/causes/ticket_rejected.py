"""Our admission ticket is missing, expired or not for us."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, address, identity, say, word

_SUMMARY = {
    "missing": "{count} {count:peer refuses|peers refuse} our admission ticket: it is missing.",
    "expired": "{count} {count:peer refuses|peers refuse} our admission ticket: it has expired.",
    "not_yet_valid": "{count} {count:peer refuses|peers refuse} our admission ticket: it is not valid yet.",
    "bad_signature": "{count} {count:peer refuses|peers refuse} our admission ticket: another key has signed it.",
    "wrong_subject": "{count} {count:peer refuses|peers refuse} our admission ticket: it was issued for another node.",
}

_NOT_ACCEPTED = "{count} {count:peer refuses|peers refuse} our admission ticket: it is not accepted."

_STATEMENT = {
    "missing": "refused because it is missing",
    "expired": "refused because it has expired",
    "not_yet_valid": "refused because it is not valid yet",
    "bad_signature": "refused because another key has signed it",
    "wrong_subject": "refused because it was issued for another node",
}

_INVALID = "refused because it is invalid"


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.TICKET_INVALID) if not signs.is_stated_by_us(peer)]
    if not peers:
        return None
    by_kind: dict[str, list[FailingPeer]] = {}
    for peer in peers:
        by_kind.setdefault(str(peer.evidence.get("ticket", "")), []).append(peer)
    most = max(by_kind, key=lambda kind: len(by_kind[kind]))
    values: dict[str, Sayable] = {"addr": address(peers[0].addr)}
    if facts.node is not None:
        values["node_id"] = identity(facts.node.info.node_id)
        values["network"] = word(facts.node.info.network)
    if most in {"expired", "not_yet_valid"}:
        values["time"] = word(most)
    return Case(
        summary=say(_SUMMARY.get(most, _NOT_ACCEPTED), count=len(peers)),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence_of(_STATEMENT.get(kind, _INVALID), each) for kind, each in by_kind.items()),
        peers=peers,
        values=values,
    )


CAUSE = Cause(
    code="ticket_rejected",
    title="Our admission ticket is missing, expired or not for us",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="ticket_invalid stated by a peer, with what is wrong with the ticket; unless our clock explains it.",
    next_actions=(
        Action(
            text="Ask the operator of the network for a ticket for node id {node_id}, set it as ticket under [node] or as "
            "NOCARRIER_NODE_TICKET, and restart.",
            applies_to=NODE,
        ),
        Action(
            text="If you are that operator, issue one; issuer.pem stands for the file with the private key of the network.",
            command="nocarrier ticket issue --key issuer.pem --node-id {node_id} --network {network}",
            applies_to=NODE,
        ),
        Action(text="Ask the operator of the network for a new ticket, and give it to the program.", applies_to=OTHERS),
        Action(
            text="See what each peer says of it; {addr} is one that refuses it.",
            command="nocarrier failures --reason ticket_invalid --url {url}",
        ),
        Action(
            text="It is refused for its time ({time}): compare this clock with that of the peers.", command="date -u"
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=("clock_wrong",),
)
