"""Failures that no cause explains: they are told as they are, so that none is passed over."""

from __future__ import annotations

from collections import Counter

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

_HARMLESS = frozenset({Reason.DUPLICATE_CONNECTION, Reason.EARLY_DISCONNECT})
"""One lost tie-break or one early end is told by nobody, as nothing follows from it."""


SETTLED_AFTER_S = 15.0
"""By then the connection that was to stay has its session: a handshake is given 12 s (`handshake_attempt_s`)."""


def _is_telling(facts: Facts, peer: FailingPeer) -> bool:
    if peer.reason is Reason.DUPLICATE_CONNECTION and facts.node is not None and not facts.has_living_session:
        return facts.now_unix - peer.failed_unix >= SETTLED_AFTER_S  # the other connection never came to anything
    return peer.reason not in _HARMLESS


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_where(lambda peer: _is_telling(facts, peer))
    if not peers:
        return None
    reasons = Counter(peer.reason for peer in peers)
    most, _ = reasons.most_common(1)[0]
    return Case(
        summary=f"{count_of(len(peers), 'peer')} fail{'s' if len(peers) == 1 else ''} for reasons that point to no common "
        f"cause: {', '.join(f'{reason} {number}' for reason, number in reasons.most_common(4))}.",
        confidence=confidence(PATTERN, peers),
        evidence=tuple(evidence_of(reason.meaning, [p for p in peers if p.reason is reason]) for reason in reasons),
        peers=peers,
        values={"reason": most, "step": most.next_step},
    )


CAUSE = Cause(
    code="unexplained",
    title="Failures that point to no common cause",
    severity=Severity.INFO,
    blame=Blame.UNKNOWN,
    evidence_rule="Failing peers that no other cause explains.",
    next_actions=("{step}", "Read more: nocarrier explain {reason}"),
    rule=_rule,
    is_last_resort=True,
    depends_on=(
        "banned_by_peers",
        "clock_wrong",
        "dns_broken",
        "network_full",
        "path_mtu",
        "peer_broken",
        "peer_closes",
        "peer_down",
        "peer_incompatible",
        "peer_moved",
        "peer_overloaded",
        "ticket_rejected",
        "wrong_network",
    ),
)
