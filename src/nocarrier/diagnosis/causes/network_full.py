"""Peers are alive and full."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, percent, say

SHORT_OF_PLACES = 0.5
"""From this share of the peers that judged us on, the network has too few places, and not just a busy peer."""


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(Reason.TOO_MANY_PEERS)
    if not peers:
        return None
    share = facts.share_of_judges(peers)
    is_short = share >= SHORT_OF_PLACES and len(peers) > 1
    return Case(
        summary=say(
            "{count} {count:peer is|peers are} alive and full, {share} of those that answered.",
            count=len(peers),
            share=percent(share),
        ),
        confidence=confidence(KERNEL, peers),
        evidence=(evidence_of("they say that all their places are taken", peers),),
        peers=peers,
        severity=Severity.WARNING if is_short and facts.is_cut_off is False else None,
        values={"addr": address(peers[0].addr)} | ({"share": percent(share)} if is_short else {}),
    )


CAUSE = Cause(
    code="network_full",
    title="Peers are alive and full",
    severity=Severity.INFO,
    blame=Blame.NONE,
    evidence_rule="too_many_peers, with its share of the peers that exchanged Hellos with us.",
    next_actions=(
        Action(
            text="Wait: the node asks again by itself, first after half a minute; places become free when others leave.",
            applies_to=NODE,
        ),
        Action(text="Wait and dial again; places become free when others leave.", applies_to=OTHERS),
        Action(text="Ask the operator of {addr} to raise max_peers, or its program's limit of connections."),
        Action(
            text="{share} of all are full: the network needs more nodes that can be dialed. Forward the port that this "
            "program listens on, so that it is one."
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
)
