"""The event loop of this program stood still, so dials missed deadlines that the peers might have met."""

from __future__ import annotations

from nocarrier.classification.blame import LATE_LOOP_S
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Sayable, decimal, say

NOTED_STALL_S = 1.0
"""A stall this long is reported even if it did no harm; a healthy loop is late by milliseconds."""


def lag_s(peer: FailingPeer) -> float:
    """How long the event loop stood still during the dial of `peer`."""
    lag: object = peer.evidence.get("loop_lag_s")
    return float(lag) if isinstance(lag, int | float) else 0.0


_SUMMARY = (
    "Dials to {count} {count:peer|peers} failed while the event loop stood still for up to {seconds} s, and might have worked "
    "otherwise."
)

_HARMLESS = "The event loop stood still for {seconds} s within the last minute; no dial has failed because of it."

_TITLE = "This program's event loop stood still for {seconds} s"


def _rule(facts: Facts) -> Case | None:
    # The classifier has weighed the lag against the deadline; the blame is its result. A shorter lag is in the evidence
    # too, perhaps beside another fault on this side.
    peers = [
        peer for peer in facts.failing if peer.blame is Blame.US and not peer.is_local and lag_s(peer) >= LATE_LOOP_S
    ]
    stall_s = facts.node.loop_lag_s if facts.node is not None else 0.0
    worst_s = max([stall_s, *(lag_s(peer) for peer in peers)])
    values: dict[str, Sayable] = {"seconds": decimal(worst_s, 1)}
    if facts.host is not None and facts.host.pid is not None:
        values["pid"] = facts.host.pid
    evidence: list[EvidenceItem] = []
    if peers:
        evidence.append(evidence_of("{count:dial|dials} failed while the event loop was late", peers))
    if stall_s >= NOTED_STALL_S:
        template = "stall of the event loop within the last minute, {seconds} s long"
        evidence.append(stated(template, count=1, seconds=decimal(stall_s, 1)))
    if not evidence:
        return None
    if not peers:
        return Case(
            summary=say(_HARMLESS, **values),
            title=say(_TITLE, **values),
            confidence=0.9,
            evidence=tuple(evidence),
            severity=Severity.INFO,
            values=values,
        )
    return Case(
        summary=say(_SUMMARY, count=len(peers), **values),
        title=say(_TITLE, **values),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence),
        peers=peers,
        values=values,
    )


CAUSE = Cause(
    code="local_overload",
    title="This program's event loop stood still",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="The event loop stood still for a second or more during a dial that failed, and for at least a tenth of "
    "the time that the dial took. A stall that caused no failure is reported for information only.",
    next_actions=(
        Action(
            text="Find the code that blocks the event loop for {seconds} s: run the program with PYTHONASYNCIODEBUG=1, which "
            "logs slow callbacks."
        ),
        Action(text="See which threads of the program use the CPU.", command="top -H -b -n 1 -p {pid}"),
        Action(
            text="Give the process more CPU: see what else runs on this machine, and check CPUQuota= of the service.",
            command="top -b -n 1",
        ),
    ),
    rule=_rule,
    looks=looks.OURS,
)
