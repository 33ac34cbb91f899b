"""Peers accept connections and do not answer the handshake."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of
from nocarrier.diagnosis.confidence import NETWORK, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks, Probe
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, say

_SUMMARY = "{count} {count:peer|peers} ({addrs}) {count:takes|take} our connections and not our handshakes."


def _sign(peer: FailingPeer) -> str:
    received = peer.evidence.get("bytes_received")
    if received is None:
        return "the handshake did not end in time"
    if received:
        return "the handshake began and did not end in time"
    if peer.blame is Blame.THEM:
        return "the connection is there and not a byte comes; our own event loop was on time"
    return "the connection is there and not a byte comes"


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.HANDSHAKE_TIMEOUT) if peer.blame is not Blame.US]
    if not peers:
        return None
    by_sign: dict[str, list[FailingPeer]] = {}
    for peer in peers:
        by_sign.setdefault(_sign(peer), []).append(peer)
    return Case(
        summary=say(_SUMMARY, count=len(peers), addrs=addresses(peers)),
        confidence=confidence(NETWORK, peers),
        evidence=tuple(evidence_of(sign, each) for sign, each in by_sign.items()),
        peers=peers,
        values={"addr": address(peers[0].addr)},
    )


CAUSE = Cause(
    code="peer_overloaded",
    title="Peers accept connections and do not answer the handshake",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="handshake_timeout with no byte, or too few, received, while our own event loop was on time.",
    next_actions=(
        Action(
            text="Ask the operator of {addr} whether its process hangs or has no CPU left; a nocarrier node shows that at "
            "/api/p2p/diagnosis."
        ),
        Action(
            text="If the peer is far away and busy, give it longer.",
            settings="[timing]\nhandshake_attempt_s = 24\nhandshake_window_s = 72",
            applies_to=NODE,
        ),
        Action(text="If the peer is far away and busy, give its handshake longer.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=Looks(frozenset({Probe.REDIAL})),
    depends_on=("local_overload", "path_mtu", "middlebox", "seeds_down"),
)
