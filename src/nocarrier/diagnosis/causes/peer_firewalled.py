"""Something in front of that peer refuses or drops us."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason


def _rule(facts: Facts) -> Case | None:
    refused = facts.failing_where(lambda peer: peer.is_prohibited or peer.is_refused_by_rule)
    dropped = _dropped(facts)
    peers = [*refused, *dropped]
    if not peers:
        return None
    evidence: list[EvidenceItem] = []
    values: dict[str, object] = {"addr": peers[0].addr}
    by_whom: dict[str, list[FailingPeer]] = {}
    for peer in refused:
        whose = "the peer's own machine" if peer.hop == peer.host else peer.hop or "something on the way"
        by_whom.setdefault(whose, []).append(peer)
        if peer.hop is not None:
            values["hop"] = peer.hop
    for whose, each in sorted(by_whom.items(), key=lambda item: len(item[1]), reverse=True):
        evidence.append(evidence_of(f"{whose} answered that a rule forbids the connection", each))
    if dropped:
        evidence.append(evidence_of("silent on this port, while the same host answers on another", dropped))
    return Case(
        summary=f"A firewall keeps us from {count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}).",
        confidence=confidence(NETWORK / 2 if refused else PATTERN, peers),
        evidence=tuple(evidence),
        peers=peers,
        values=values,
    )


def _dropped(facts: Facts) -> list[FailingPeer]:
    """Peers that are silent on one port while the same host answers on another."""
    answering = {peer.host for peer in facts.working} | {peer.host for peer in facts.all_failing if peer.has_answered}
    return [peer for peer in facts.failing_with(Reason.TIMEOUT) if peer.is_silent and peer.host in answering]


CAUSE = Cause(
    code="peer_firewalled",
    title="Something in front of that peer refuses or drops us",
    severity=Severity.INFO,
    blame=Blame.PATH,
    evidence_rule="ICMP that says a rule forbids it, from the peer or a hop that is not ours; or silence on one port of a "
    "host that answers on another.",
    next_actions=(
        "Ask who runs {hop} to let TCP in to {addr}.",
        "Ask who runs the peer to open its P2P port: {addr}; as seen from here it is closed by a rule, not by the program.",
    ),
    rule=_rule,
    depends_on=("outbound_blocked", "offline", "seeds_down", "stale_source", "partition"),
)
