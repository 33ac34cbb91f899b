"""Our clock is off."""

from __future__ import annotations

import statistics

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

PEERS = 3
"""Distinct peers that must disagree with us in the same direction."""

_CLOCKS_DECIDE = frozenset({"expired", "not_yet_valid"})


def ahead_s(peer: FailingPeer) -> float | None:
    """How far the clock of a peer with ``clock_skew`` is ahead of ours; None where it was not recorded."""
    ours, theirs = signs.values(peer)
    ours_unix, theirs_unix = ours.get("clock_unix"), theirs.get("clock_unix")
    if isinstance(ours_unix, int | float) and isinstance(theirs_unix, int | float):
        return float(theirs_unix - ours_unix)
    return None


def _skewed(facts: Facts) -> dict[FailingPeer, float]:
    """Peers that disagree with our clock in the direction in which most do, and how far they are ahead of it."""
    ahead: dict[FailingPeer, float] = {}
    behind: dict[FailingPeer, float] = {}
    for peer in facts.failing_with(Reason.CLOCK_SKEW):
        off_s = ahead_s(peer) or 0.0
        if off_s > 0:
            ahead[peer] = off_s
        elif off_s < 0:
            behind[peer] = off_s
    return max(ahead, behind, key=len)


def _rule(facts: Facts) -> Case | None:
    peers = _skewed(facts)
    agreeing = len(facts.working)
    if len(peers) < PEERS or len(peers) <= agreeing:
        return None
    off_s = statistics.median(peers.values())
    direction = "behind" if off_s > 0 else "ahead of"
    tickets = [
        peer
        for peer in facts.failing_with(Reason.TICKET_INVALID)
        if peer.evidence.get("ticket") in _CLOCKS_DECIDE and not signs.is_stated_by_us(peer)
    ]
    evidence = [evidence_of(f"clocks differ in the same direction, by {_span(off_s)} in the middle", peers)]
    if tickets:
        evidence.append(evidence_of("tickets are refused for their time, as a consequence", tickets))
    return Case(
        summary=f"Our clock is {_span(off_s)} {direction} that of {count_of(len(peers), 'peer')}; "
        f"{agreeing or 'nobody'} agree{'s' if agreeing <= 1 else ''} with us.",
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence),
        peers=[*peers, *tickets],
        values={"off": _span(off_s)},
    )


def _span(seconds: float) -> str:
    seconds = abs(seconds)
    if seconds < 120:  # noqa: PLR2004 - two minutes read best in seconds
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"  # noqa: PLR2004 - two hours


CAUSE = Cause(
    code="clock_wrong",
    title="Our clock is off",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="The same sign of skew against three or more peers, and fewer that agree with us; tickets refused for "
    "their time are a consequence.",
    next_actions=(
        "Set the clock of this machine, it is off by {off}: timedatectl set-ntp true (or chronyc makestep); compare with "
        "date -u.",
        "Restart the node once the clock is right, or wait for the next dials; nocarrier connect ADDR tries at once.",
    ),
    rule=_rule,
)
