"""Peers take connections and hang up without an answer."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of
from nocarrier.diagnosis.confidence import NETWORK, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, say

_HOW = {
    Reason.REMOTE_CLOSED: "it closes in order, without having answered",
    Reason.CONNECTION_RESET: "it resets the connection, without having answered",
}


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(*signs.HUNG_UP) if peer.blame is not Blame.US]
    if not peers:
        return None
    return Case(
        summary=say(
            "{count} {count:peer|peers} ({addrs}) {count:takes|take} our connections and {count:hangs|hang} up without a word.",
            count=len(peers),
            addrs=addresses(peers),
        ),
        confidence=confidence(NETWORK, peers),
        evidence=tuple(
            evidence_of(says, [peer for peer in peers if peer.reason is reason])
            for reason, says in _HOW.items()
            if any(peer.reason is reason for peer in peers)
        ),
        peers=peers,
        values={"addr": address(peers[0].addr)},
    )


CAUSE = Cause(
    code="peer_closes",
    title="Peers hang up without an answer",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="The connection was made and was closed or reset before the handshake was answered, at single peers.",
    next_actions=(
        Action(
            text="Ask the operator of {addr} to look at the log of the program that listens there: a proxy without a "
            "backend, a limit for each address, or a crash look like this."
        ),
        Action(text="See how each of these dials ended.", command="nocarrier failures --addr {addr} --url {url}"),
    ),
    rule=_rule,
    looks=looks.HUNG_UP,
    depends_on=("local_overload", "middlebox", "retry_too_fast", "seeds_down", "path_mtu"),
)
