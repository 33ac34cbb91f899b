"""Our admission ticket is missing, expired or not for us."""

from __future__ import annotations

from collections import Counter

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

_WORDS = {
    "missing": "it is missing",
    "expired": "it has expired",
    "not_yet_valid": "it is not valid yet",
    "bad_signature": "another key has signed it",
    "wrong_subject": "it was issued for another node",
}


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.TICKET_INVALID) if not signs.is_stated_by_us(peer)]
    if not peers:
        return None
    kinds = Counter(str(peer.evidence.get("ticket", "")) for peer in peers)
    kind, _ = kinds.most_common(1)[0]
    values: dict[str, object] = {"addr": peers[0].addr}
    if facts.node is not None:
        values["node_id"] = facts.node.info.node_id
    if kind in {"expired", "not_yet_valid"}:
        values["time"] = kind
    return Case(
        summary=f"{count_of(len(peers), 'peer')} refuse{'s' if len(peers) == 1 else ''} our admission ticket: "
        f"{_WORDS.get(kind, 'it is not accepted')}.",
        confidence=confidence(KERNEL, peers),
        evidence=tuple(
            evidence_of(
                f"refused because {_WORDS.get(each, 'it is invalid')}",
                [p for p in peers if str(p.evidence.get("ticket", "")) == each],
            )
            for each in kinds
        ),
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
        "Ask who runs the network for a ticket for node id {node_id} (nocarrier ticket issue), set it as ticket under "
        "[node] or NOCARRIER_NODE_TICKET, and restart.",
        "See what each peer says of it: nocarrier failures --reason ticket_invalid; {addr} is one that refuses it.",
        "It is refused for its time ({time}): compare the clock, date -u, with that of the peers.",
    ),
    rule=_rule,
    depends_on=("clock_wrong",),
)
