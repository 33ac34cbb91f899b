"""TCP answers, the handshake does not."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import NETWORK, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason


def _sign(peer: FailingPeer) -> str:
    received = peer.evidence.get("bytes_received")
    if received is None:
        return "the handshake did not end in time"
    if received:
        return "the handshake began and did not end in time"
    return "the connection stands and not a byte comes" + (
        "; our own event loop was on time" if peer.blame is Blame.THEM else ""
    )


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.HANDSHAKE_TIMEOUT) if peer.blame is not Blame.US]
    if not peers:
        return None
    by_sign: dict[str, list[FailingPeer]] = {}
    for peer in peers:
        by_sign.setdefault(_sign(peer), []).append(peer)
    return Case(
        summary=f"{count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}) take{'s' if len(peers) == 1 else ''} "
        "our connections and not our handshakes.",
        confidence=confidence(NETWORK, peers),
        evidence=tuple(evidence_of(sign, each) for sign, each in by_sign.items()),
        peers=peers,
        values={"addr": peers[0].addr},
    )


CAUSE = Cause(
    code="peer_overloaded",
    title="TCP answers, the handshake does not",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="handshake_timeout with no byte, or too few, received, while our own event loop was on time.",
    next_actions=(
        "Ask who runs {addr} whether its process hangs or has no CPU left: a node of ours shows it at /api/p2p/diagnosis.",
        "If the peer is far away and busy, give it longer: handshake_attempt_s and handshake_window_s under [timing].",
    ),
    rule=_rule,
    depends_on=("local_overload", "path_mtu", "middlebox", "seeds_down"),
)
