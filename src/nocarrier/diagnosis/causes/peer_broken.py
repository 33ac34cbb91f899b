"""Peers break the protocol, or soon drop their sessions."""

from __future__ import annotations

from collections import Counter

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
    Reason.MALFORMED_HANDSHAKE: "its answer is not what the protocol allows",
    Reason.HANDSHAKE_ERROR: "it ends the handshake with an error of its own",
    Reason.EARLY_DISCONNECT: "its sessions end within a minute",
}

EARLY_ENDS = 2
"""One early end is a restart; what comes again is a habit."""


def _rule(facts: Facts) -> Case | None:
    # Each early end follows a dial that worked, so the latest outcome alone knows of one only.
    ends = Counter(entry.addr for entry in facts.recent if entry.reason is Reason.EARLY_DISCONNECT)
    peers = [
        peer
        for peer in facts.failing_with(*signs.BROKEN)
        if peer.reason is not Reason.EARLY_DISCONNECT or ends[peer.addr] >= EARLY_ENDS
    ]
    if not peers:
        return None
    return Case(
        summary=say(
            "{count} {count:peer|peers} ({addrs}) {count:breaks|break} the protocol or soon {count:drops|drop} us.",
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
    code="peer_broken",
    title="Peers break the protocol or soon drop us",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="malformed_handshake or handshake_error, or early_disconnect twice among the newest entries of the record.",
    next_actions=(
        Action(
            text="Tell the operator of {addr} what was seen.", command="nocarrier failures --addr {addr} --url {url}"
        ),
        Action(text="Compare the versions of both programs: an old or changed one speaks differently."),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=("local_overload", "middlebox", "offline"),
)
