"""Our own event loop was late, so that deadlines fired by themselves."""

from __future__ import annotations

from nocarrier.classification.blame import LATE_LOOP_S
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame

NOTED_STALL_S = 1.0
"""A stall that did no harm is still worth a word from here on; a healthy loop is late by milliseconds."""


def lag_s(peer: FailingPeer) -> float:
    """How long our event loop stood still during that dial."""
    lag: object = peer.evidence.get("loop_lag_s")
    return float(lag) if isinstance(lag, int | float) else 0.0


def _rule(facts: Facts) -> Case | None:
    # The classifier has weighed the lag against the deadline: the blame says what came out. A shorter lag is noted too,
    # and may stand beside another fault of ours.
    peers = facts.failing_where(
        lambda peer: peer.blame is Blame.US and not peer.is_local and lag_s(peer) >= LATE_LOOP_S
    )
    worst_s = facts.node.loop_lag_s if facts.node is not None else 0.0
    evidence: list[EvidenceItem] = []
    if worst_s >= NOTED_STALL_S:
        evidence.append(stated(f"the event loop stood still for {worst_s:.1f} s within the last minute", count=1))
    if not peers:
        if not evidence:
            return None
        return Case(
            summary=f"Our event loop stood still for {worst_s:.1f} s; no dial failed because of it so far.",
            confidence=0.9,
            evidence=tuple(evidence),
            severity=Severity.INFO,
            values={"seconds": f"{worst_s:.1f}"},
        )
    worst_s = max(worst_s, *(lag_s(peer) for peer in peers))
    evidence.insert(0, evidence_of("a deadline fired while our own event loop was late", peers))
    return Case(
        summary=f"Our event loop stood still for up to {worst_s:.1f} s, so {count_of(len(peers), 'dial')} ran into "
        "deadlines that the peers might have met.",
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence),
        peers=peers,
        values={"seconds": f"{worst_s:.1f}"},
    )


CAUSE = Cause(
    code="local_overload",
    title="Our own event loop was late",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Failures whose deadline fired while our event loop stood still, by a share of the deadline that "
    "matters. Without such a failure it is only told.",
    next_actions=(
        "Find what holds the event loop for {seconds} s: run the program with PYTHONASYNCIODEBUG=1, which logs slow "
        "callbacks, or look with py-spy dump --pid PID.",
        "Give the process more CPU: see top, the CPUQuota= of the service, and what else runs on this machine.",
    ),
    rule=_rule,
)
