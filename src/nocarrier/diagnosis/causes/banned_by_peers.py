"""Peers ban us."""

from __future__ import annotations

import math

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

PEERS = 2
"""One ban may be one operator's whim."""


def _until_unix(peer: FailingPeer) -> float | None:
    until: object = peer.evidence.get("until_unix")
    return until if isinstance(until, int | float) and math.isfinite(until) else None


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.BANNED) if not signs.is_stated_by_us(peer)]
    if len(peers) < PEERS:
        return None
    untils = [until for peer in peers if (until := _until_unix(peer)) is not None and until > facts.now_unix]
    values: dict[str, object] = {"addr": peers[0].addr}
    if facts.node is not None:
        values["node_id"] = facts.node.info.node_id
    if untils:
        values["minutes"] = max(1, round((min(untils) - facts.now_unix) / 60))
    return Case(
        summary=f"{count_of(len(peers), 'peer')} ban us ({some(peer.addr for peer in peers)})"
        + (f", the first for another {values['minutes']} min." if untils else "."),
        confidence=confidence(KERNEL, peers),
        evidence=(evidence_of("they say that we are banned", peers),),
        peers=peers,
        values=values,
    )


CAUSE = Cause(
    code="banned_by_peers",
    title="Peers ban us",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="banned, stated by two or more distinct peers.",
    next_actions=(
        "Ask who runs {addr} why, naming our node id {node_id}; their log says what broke the protocol.",
        "Update this program and look at its log for protocol violations before the ban ends.",
        "The first ban ends in {minutes} min; the node comes back by itself.",
    ),
    rule=_rule,
)
