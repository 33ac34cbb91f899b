"""Peers are full."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import address, percent, say

SHORT_OF_PLACES = 0.5
"""If at least this share of the peers that completed a hello is full, the network has too few places."""


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(Reason.TOO_MANY_PEERS)
    if not peers:
        return None
    share = facts.share_of_judges(peers)
    is_short = share >= SHORT_OF_PLACES and len(peers) > 1
    return Case(
        summary=say(
            "{count} {count:peer is|peers are} alive but full; this is {share} of the peers that answered a hello.",
            count=len(peers),
            share=percent(share),
        ),
        title=title_about("{They} {count:is|are} full", (peer.addr for peer in peers)),
        confidence=confidence(KERNEL, peers),
        evidence=(
            evidence_of("{count:peer says that all its places|peers say that all their places} are taken", peers),
        ),
        peers=peers,
        severity=Severity.WARNING if is_short and facts.is_cut_off is False else None,
        values={"addr": address(peers[0].addr)} | ({"share": percent(share)} if is_short else {}),
    )


CAUSE = Cause(
    code="network_full",
    title="Peers are full",
    severity=Severity.INFO,
    blame=Blame.NONE,
    evidence_rule="too_many_peers. The finding says which share of the peers that answered a hello is full.",
    next_actions=(
        Action(
            text="Wait: the node dials again by itself, first after half a minute. Places become free when other nodes leave.",
            applies_to=NODE,
        ),
        Action(text="Wait, then dial again. Places become free when other nodes leave.", applies_to=OTHERS),
        Action(text="Ask the operator of {addr} to raise max_peers, or the connection limit of that program."),
        Action(
            text="{share} of the peers are full: the network needs more nodes that can be dialed. Forward the port that this "
            "program listens on, so that others can dial it."
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
)
