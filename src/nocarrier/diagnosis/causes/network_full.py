"""Peers are alive and full."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

SHORT_OF_PLACES = 0.5
"""From this share of the peers that judged us on, the network has too few places, and not just a busy peer."""


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(Reason.TOO_MANY_PEERS)
    if not peers:
        return None
    share = facts.share_of_judges(peers)
    is_short = share >= SHORT_OF_PLACES and len(peers) > 1
    values: dict[str, object] = {"addr": peers[0].addr}
    if is_short:
        values["share"] = f"{share:.0%}"
    return Case(
        summary=f"{count_of(len(peers), 'peer')} {'is' if len(peers) == 1 else 'are'} alive and full, "
        f"{share:.0%} of those that answered.",
        confidence=confidence(KERNEL, peers),
        evidence=(evidence_of("they say that all their places are taken", peers),),
        peers=peers,
        severity=Severity.WARNING if is_short and facts.is_cut_off is False else None,
        values=values,
    )


CAUSE = Cause(
    code="network_full",
    title="Peers are alive and full",
    severity=Severity.INFO,
    blame=Blame.NONE,
    evidence_rule="too_many_peers, with its share of the peers that exchanged Hellos with us.",
    next_actions=(
        "Wait: the node asks again by itself, first after half a minute; places become free when others leave.",
        "Ask who runs {addr} to raise max_peers under [node].",
        "{share} of all are full: the network wants more nodes that can be dialed. Forward your own P2P port, so that you "
        "are one.",
    ),
    rule=_rule,
)
