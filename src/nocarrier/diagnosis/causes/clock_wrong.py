"""The clock of this machine is wrong."""

from __future__ import annotations

import statistics

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.numbers import span
from nocarrier.model.wording.text import address, say, word

PEERS = 3
"""How many distinct peers must disagree with this machine in the same direction."""

_CLOCKS_DECIDE = frozenset({"expired", "not_yet_valid"})


def ahead_s(peer: FailingPeer) -> float | None:
    """How many seconds the clock of a peer with `clock_skew` is ahead of this machine's; None: it was not recorded."""
    ours, theirs = signs.values(peer)
    ours_unix, theirs_unix = ours.get("clock_unix"), theirs.get("clock_unix")
    if isinstance(ours_unix, int | float) and isinstance(theirs_unix, int | float):
        return float(theirs_unix - ours_unix)
    return None


def _skewed(facts: Facts) -> dict[FailingPeer, float]:
    """The peers that disagree with this clock in the direction in which most do, and how many seconds they are ahead."""
    ahead: dict[FailingPeer, float] = {}
    behind: dict[FailingPeer, float] = {}
    for peer in facts.failing_with(Reason.CLOCK_SKEW):
        off_s = ahead_s(peer) or 0.0
        if off_s > 0:
            ahead[peer] = off_s
        elif off_s < 0:
            behind[peer] = off_s
    return max(ahead, behind, key=len)


_SUMMARY = {
    True: "This machine's clock is {off} behind the {count:clock|clocks} of {count} {count:peer|peers}; "
    "{agreeing} {agreeing:peer agrees|peers agree} with it.",
    False: "This machine's clock is {off} ahead of the {count:clock|clocks} of {count} {count:peer|peers}; "
    "{agreeing} {agreeing:peer agrees|peers agree} with it.",
}
"""By whether this machine's clock is behind."""

_NOBODY_AGREES = {
    True: "This machine's clock is {off} behind the {count:clock|clocks} of {count} {count:peer|peers}; no peer agrees with it.",
    False: "This machine's clock is {off} ahead of the {count:clock|clocks} of {count} {count:peer|peers}; no peer agrees with it.",
}

_TITLE = {
    True: "This machine's clock is {off} behind the {count:clock|clocks} of {they}",
    False: "This machine's clock is {off} ahead of the {count:clock|clocks} of {they}",
}


def _rule(facts: Facts) -> Case | None:
    peers = _skewed(facts)
    agreeing = len(facts.working)
    if len(peers) < PEERS or len(peers) <= agreeing:
        return None
    off_s = statistics.median(peers.values())
    off = word(span(off_s))
    tickets = [
        peer
        for peer in facts.failing_with(Reason.TICKET_INVALID)
        if peer.evidence.get("ticket") in _CLOCKS_DECIDE and not signs.is_stated_by_us(peer)
    ]
    evidence = [
        evidence_of("{count:clock differs|clocks differ} in the same direction, by a median of {off}", peers, off=off)
    ]
    if tickets:
        evidence.append(
            evidence_of("{count:ticket is|tickets are} refused as expired or not yet valid, as a consequence", tickets)
        )
    template = (_SUMMARY if agreeing else _NOBODY_AGREES)[off_s > 0]
    return Case(
        summary=say(template, off=off, count=len(peers), agreeing=agreeing),
        title=title_about(_TITLE[off_s > 0], (peer.addr for peer in peers), off=off),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence),
        peers=[*peers, *tickets],
        values={"off": off, "addr": address(next(iter(peers)).addr)},
    )


CAUSE = Cause(
    code="clock_wrong",
    title="The clock of this machine is wrong",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="The clocks of three or more peers differ from this machine's in the same direction, and fewer peers agree "
    "with it. Tickets that are refused as expired or not yet valid are a consequence.",
    next_actions=(
        Action(text="Set the clock of this machine, which is off by {off}.", command="timedatectl set-ntp true"),
        Action(text="If chrony sets the clock, make it correct the clock at once.", command="chronyc makestep"),
        Action(text="Compare this time with another clock.", command="date -u"),
        Action(
            text="Once the clock is right, restart the node, or dial a peer again.",
            command="nocarrier connect {addr} --url {url}",
            applies_to=NODE,
        ),
        Action(text="Once the clock is right, restart the program.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=Looks(
        why_none="the peers sent their times in their hellos, and the finding shows all that can be known from them."
    ),
)
