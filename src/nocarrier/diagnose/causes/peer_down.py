"""That peer is off or not listening."""

from __future__ import annotations

from collections.abc import Callable

from nocarrier.diagnose.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnose.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnose.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason


def _refuses(peer: FailingPeer) -> bool:
    return peer.reason is Reason.CONNECTION_REFUSED and not peer.is_local


_SIGNS: dict[str, tuple[str, Callable[[FailingPeer], bool]]] = {
    "refused": ("the machine answers that nothing listens on that port", _refuses),
    "absent": ("nobody answers for that machine on its last link", lambda peer: peer.has_no_host),
    "silent": ("no answer at all: switched off, or something drops what we send", lambda peer: peer.is_silent),
}
"""How a peer is down, what that says, and how it is told; the first that fits."""


def _rule(facts: Facts) -> Case | None:
    by_sign: dict[str, list[FailingPeer]] = {}
    for peer in facts.failing:
        sign = next((name for name, (_, holds) in _SIGNS.items() if holds(peer)), None)
        if sign is not None and peer.blame is not Blame.US:
            by_sign.setdefault(sign, []).append(peer)
    peers = [peer for each in by_sign.values() for peer in each]
    if not peers:
        return None
    return Case(
        summary=f"{count_of(len(peers), 'peer')} {'is' if len(peers) == 1 else 'are'} off or not listening: "
        f"{some(peer.addr for peer in peers)}.",
        confidence=confidence(NETWORK if "silent" not in by_sign else PATTERN, peers),
        evidence=tuple(evidence_of(_SIGNS[sign][0], each) for sign, each in by_sign.items()),
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
