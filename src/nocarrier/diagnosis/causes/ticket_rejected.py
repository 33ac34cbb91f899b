"""Peers refuse the admission ticket of this program."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about, us
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, address, identity, say, word

_WHY = {
    "missing": "it is missing",
    "expired": "it has expired",
    "not_yet_valid": "it is not valid yet",
    "bad_signature": "another key has signed it",
    "wrong_subject": "it was issued for another node",
}

_INVALID = "it is not valid"

_SUMMARY = "{count} {count:peer refuses|peers refuse} the admission ticket of {us}: {why}."

_TITLE = "{They} {count:refuses|refuse} the ticket of {us}: {why}"

_STATEMENT = "{count:peer refuses|peers refuse} it because {why}"


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
        values["time"] = word(most.replace("_", " "))
    why = say(_WHY.get(most, _INVALID))
    return Case(
        summary=say(_SUMMARY, count=len(peers), why=why, **us(facts)),
        title=title_about(_TITLE, (peer.addr for peer in peers), why=why, **us(facts)),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(
            evidence_of(_STATEMENT, each, why=say(_WHY.get(kind, _INVALID))) for kind, each in by_kind.items()
        ),
        peers=peers,
        values=values,
    )


CAUSE = Cause(
    code="ticket_rejected",
    title="Peers refuse the admission ticket of this program",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="A peer answers ticket_invalid and says what is wrong with the ticket, and the clock of this machine does not "
    "explain it.",
    next_actions=(
        Action(
            text="Ask the operator of the network for a ticket for node id {node_id}. Set it as ticket under [node] or as "
            "NOCARRIER_NODE_TICKET, and restart.",
            applies_to=NODE,
        ),
        Action(
            text="If you are that operator, issue one. Put the file with the private key of the network in place of issuer.pem.",
            command="nocarrier ticket issue --key issuer.pem --node-id {node_id} --network {network}",
            applies_to=NODE,
        ),
        Action(text="Ask the operator of the network for a new ticket, and give it to the program.", applies_to=OTHERS),
        Action(
            text="See what each peer says about the ticket; {addr} is one that refuses it.",
            command="nocarrier failures --reason ticket_invalid --url {url}",
        ),
        Action(text="The ticket is refused as {time}: check the clock of this machine too.", command="date -u"),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=("clock_wrong",),
)
