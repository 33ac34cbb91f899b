"""That peer is off or not listening."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

_SAYS = {
    "refused": "the machine answers that nothing listens on that port",
    "absent": "nobody answers for that machine on its last link",
    "silent": "no answer at all: switched off, or something drops what we send",
}


def _sign(peer: FailingPeer) -> str | None:
    """How the peer shows that it is down, if it does."""
    if peer.blame is Blame.US or peer.is_local:
        return None
    if peer.reason is Reason.CONNECTION_REFUSED:
        return "refused"
    if peer.has_no_host:
        return "absent"
    return "silent" if peer.is_silent else None


def _rule(facts: Facts) -> Case | None:
    by_sign: dict[str, list[FailingPeer]] = {}
    for peer in facts.failing:
        sign = _sign(peer)
        if sign is not None:
            by_sign.setdefault(sign, []).append(peer)
    peers = [peer for each in by_sign.values() for peer in each]
    if not peers:
        return None
    return Case(
        summary=f"{count_of(len(peers), 'peer')} {'is' if len(peers) == 1 else 'are'} off or not listening: "
        f"{some(peer.addr for peer in peers)}.",
        confidence=confidence(NETWORK if "silent" not in by_sign else PATTERN, peers),
        evidence=tuple(evidence_of(_SAYS[sign], each) for sign, each in by_sign.items()),
        peers=peers,
        values={sign: each[0].addr for sign, each in by_sign.items()},
    )


CAUSE = Cause(
    code="peer_down",
    title="That peer is off or not listening",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="A reset from the closed port, nobody answering for the host, or silence, while others are reached.",
    next_actions=(
        "Check that the peer's program runs and that the port is right: {refused} is a machine that answers.",
        "Check that the machine is switched on: {absent} is not there.",
        "Tell a machine that is off from a firewall: nocarrier doctor --probe looks at {silent} from here.",
    ),
    rule=_rule,
    depends_on=(
        "offline",
        "outbound_blocked",
        "local_exhaustion",
        "local_overload",
        "seeds_down",
        "stale_source",
        "partition",
        "peer_firewalled",
        "wrong_port_published",
        "ipv6_broken",
    ),
)
