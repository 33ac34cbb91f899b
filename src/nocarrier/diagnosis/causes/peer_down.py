"""Peers are off or not listening."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, say

_SAYS = {
    "refused": "the machine answers that nothing listens on that port",
    "absent": "nobody answers for that machine on its last link",
    "silent": "no answer at all: switched off, or something drops what we send",
}


def _by_sign(facts: Facts) -> dict[str, list[FailingPeer]]:
    """The peers that show that they are down, by how they show it."""
    absent = [peer for peer in facts.failing if peer.has_no_host and peer.reason is not Reason.CONNECTION_REFUSED]
    candidates = {
        "refused": facts.failing_with(Reason.CONNECTION_REFUSED),
        "absent": absent,
        "silent": [peer for peer in facts.silent if not peer.has_no_host],
    }
    by_sign = {
        sign: [peer for peer in peers if peer.blame is not Blame.US and not peer.is_local]
        for sign, peers in candidates.items()
    }
    return {sign: peers for sign, peers in by_sign.items() if peers}


def _rule(facts: Facts) -> Case | None:
    by_sign = _by_sign(facts)
    peers = [peer for each in by_sign.values() for peer in each]
    if not peers:
        return None
    return Case(
        summary=say(
            "{count} {count:peer is|peers are} off or not listening: {addrs}.",
            count=len(peers),
            addrs=addresses(peers),
        ),
        confidence=confidence(NETWORK if "silent" not in by_sign else PATTERN, peers),
        evidence=tuple(evidence_of(_SAYS[sign], each) for sign, each in by_sign.items()),
        peers=peers,
        values={sign: address(each[0].addr) for sign, each in by_sign.items()},
    )


CAUSE = Cause(
    code="peer_down",
    title="Peers are off or not listening",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="A reset from the closed port, nobody answering for the host, or silence, while others are reached.",
    next_actions=(
        Action(
            text="Check that the peer's program runs and that the port is right: the machine of {refused} answers, and "
            "nothing listens on that port."
        ),
        Action(text="Check that the machine of {absent} is switched on: nobody answers for it on its own link."),
        Action(
            text="Tell a machine that is off from a firewall: let probes look at {silent} from here.",
            command="nocarrier doctor --probe --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
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
