"""Peers accept connections and do not finish the handshake."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about
from nocarrier.diagnosis.confidence import NETWORK, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks, Probe
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, say

_SUMMARY = "{count} {count:peer accepts connections but does|peers accept connections but do} not finish the handshake ({addrs})."


def _sign(peer: FailingPeer) -> str:
    received = peer.evidence.get("bytes_received")
    if received is None:
        return "{count:peer|peers} did not finish the handshake in time"
    if received:
        return "{count:peer|peers} began the handshake but did not finish it in time"
    if peer.blame is Blame.THEM:
        return "{count:peer|peers} accepted the connection but sent nothing; the event loop here was on time"
    return "{count:peer|peers} accepted the connection but sent nothing"


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.HANDSHAKE_TIMEOUT) if peer.blame is not Blame.US]
    if not peers:
        return None
    by_sign: dict[str, list[FailingPeer]] = {}
    for peer in peers:
        by_sign.setdefault(_sign(peer), []).append(peer)
    return Case(
        summary=say(_SUMMARY, count=len(peers), addrs=addresses(peers)),
        title=title_about("{They} {count:does|do} not finish the handshake", (peer.addr for peer in peers)),
        confidence=confidence(NETWORK, peers),
        evidence=tuple(evidence_of(sign, each) for sign, each in by_sign.items()),
        peers=peers,
        values={"addr": address(peers[0].addr)},
    )


CAUSE = Cause(
    code="peer_overloaded",
    title="Peers accept connections but do not finish the handshake",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="handshake_timeout: no bytes or too few came, while the event loop of this program was on time.",
    next_actions=(
        Action(
            text="Ask the operator of {addr} whether the process there hangs or lacks CPU; a nocarrier node shows that at "
            "/api/p2p/diagnosis."
        ),
        Action(
            text="If the peer is far away or busy, give it more time.",
            settings="[timing]\nhandshake_attempt_s = 24\nhandshake_window_s = 72",
            applies_to=NODE,
        ),
        Action(text="If the peer is far away or busy, give its handshake more time.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=Looks(frozenset({Probe.REDIAL})),
    depends_on=("local_overload", "path_mtu", "middlebox", "seeds_down"),
)
