"""Peers break the protocol, or soon end their sessions."""

from __future__ import annotations

from collections import Counter

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
    Reason.MALFORMED_HANDSHAKE: "{count:peer sends|peers send} an answer that the protocol does not allow",
    Reason.HANDSHAKE_ERROR: "{count:peer ends|peers end} the handshake with an error",
    Reason.EARLY_DISCONNECT: "{count:peer ends|peers end} sessions within a minute",
}

_DOES = {
    Reason.MALFORMED_HANDSHAKE: "{count:breaks|break} the protocol",
    Reason.HANDSHAKE_ERROR: "{count:ends|end} the handshake with an error",
    Reason.EARLY_DISCONNECT: "soon {count:ends|end} {count:its|their} sessions",
}

_SEVERAL = "{count:breaks|break} the protocol or soon {count:ends|end} {count:its|their} sessions"

EARLY_ENDS = 2
"""How many early ends count: a single one may be a restart."""


def _rule(facts: Facts) -> Case | None:
    # Each early end follows a dial that worked, so the latest outcome never counts more than one.
    ends = Counter(entry.addr for entry in facts.recent if entry.reason is Reason.EARLY_DISCONNECT)
    peers = [
        peer
        for peer in facts.failing_with(*signs.BROKEN)
        if peer.reason is not Reason.EARLY_DISCONNECT or ends[peer.addr] >= EARLY_ENDS
    ]
    if not peers:
        return None
    reasons = {peer.reason for peer in peers}
    does = _DOES[reasons.pop()] if len(reasons) == 1 else _SEVERAL
    return Case(
        summary=say(
            "{count} {count:peer|peers} ({addrs}) " + does + ".",
            count=len(peers),
            addrs=addresses(peers),
        ),
        title=title_about("{They} " + does, (peer.addr for peer in peers)),
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
    title="Peers break the protocol or soon end their sessions",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="malformed_handshake or handshake_error, or early_disconnect twice among the newest entries of the record.",
    next_actions=(
        Action(
            text="Tell the operator of {addr} what nocarrier recorded.",
            command="nocarrier failures --addr {addr} --url {url}",
        ),
        Action(text="Compare the versions of both programs: one of them may be old or modified."),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=("local_overload", "middlebox", "offline"),
)
