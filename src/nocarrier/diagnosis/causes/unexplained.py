"""Failures that no other cause explains, reported so that none is missed."""

from __future__ import annotations

from collections import Counter

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import joined, say, word

_HARMLESS = frozenset({Reason.DUPLICATE_CONNECTION, Reason.EARLY_DISCONNECT})
"""A lost tie-break or an early end is not reported, because nothing follows from it."""


SETTLED_AFTER_S = 15.0
"""By then the connection that both sides keep has its session: a handshake may take 12 s (`handshake_attempt_s`)."""


def _is_telling(facts: Facts, peer: FailingPeer) -> bool:
    if peer.reason is Reason.DUPLICATE_CONNECTION and facts.node is not None and not facts.has_living_session:
        return facts.now_unix - peer.failed_unix >= SETTLED_AFTER_S  # the other connection never became a session
    return peer.reason not in _HARMLESS


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing if _is_telling(facts, peer)]
    if not peers:
        return None
    reasons = Counter(peer.reason for peer in peers)
    most, _ = reasons.most_common(1)[0]
    return Case(
        summary=say(
            "{count} {count:peer fails|peers fail}, and no cause explains it: {reasons}.",
            count=len(peers),
            reasons=joined(
                [say("{reason} {number}", reason=reason, number=number) for reason, number in reasons.most_common(4)],
                ", ",
            ),
        ),
        title=title_about(
            "{They} {count:fails|fail} ({reason})" if len(reasons) == 1 else "{They} fail for unrelated reasons",
            (peer.addr for peer in peers),
            reason=most,
        ),
        confidence=confidence(PATTERN, peers),
        evidence=tuple(
            evidence_of(
                "{count:peer|peers} with {reason}: {meaning}",
                [peer for peer in peers if peer.reason is reason],
                reason=reason,
                meaning=word(reason.meaning.rstrip(".")),
            )
            for reason in reasons
        ),
        peers=peers,
        values={"reason": most, "step": word(most.next_step)},
    )


CAUSE = Cause(
    code="unexplained",
    title="Peers fail for reasons that no cause explains",
    severity=Severity.INFO,
    blame=Blame.UNKNOWN,
    evidence_rule="Peers fail, and no other cause explains it.",
    next_actions=(
        Action(text="{step}"),
        Action(text="Read more about {reason}.", command="nocarrier explain {reason}"),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
    is_last_resort=True,
    depends_on=(
        "banned_by_peers",
        "clock_wrong",
        "dns_broken",
        "dns_filtered",
        "foreign_network",
        "network_full",
        "own_rules",
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
