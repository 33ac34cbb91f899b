"""Peers accept connections and close them without an answer."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about
from nocarrier.diagnosis.confidence import NETWORK, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, say

_HOW = {
    Reason.REMOTE_CLOSED: "{count:peer closes|peers close} the connection in order, before any answer",
    Reason.CONNECTION_RESET: "{count:peer resets|peers reset} the connection before any answer",
}


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(*signs.HUNG_UP) if peer.blame is not Blame.US]
    if not peers:
        return None
    return Case(
        summary=say(
            "{count} {count:peer accepts connections and closes|peers accept connections and close} them without an answer "
            "({addrs}).",
            count=len(peers),
            addrs=addresses(peers),
        ),
        title=title_about("{They} {count:closes|close} connections without an answer", (peer.addr for peer in peers)),
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
    title="Peers close connections without an answer",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="Single peers close or reset the open connection before they answer the handshake.",
    next_actions=(
        Action(
            text="Ask the operator of {addr} to look at the log of the program that listens there. A proxy without a "
            "backend, a limit per address, or a crash looks like this."
        ),
        Action(text="See how each of these dials ended.", command="nocarrier failures --addr {addr} --url {url}"),
    ),
    rule=_rule,
    looks=looks.HUNG_UP,
    depends_on=("local_overload", "middlebox", "retry_too_fast", "seeds_down", "path_mtu"),
)
