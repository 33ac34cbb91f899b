"""A firewall in front of peers refuses or drops us."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Value, address, host, say, word


def _rule(facts: Facts) -> Case | None:
    refused = facts.forbidden
    dropped = _dropped(facts)
    peers = [*refused, *dropped]
    if not peers:
        return None
    hops = [peer.hop for peer in refused if peer.hop is not None]
    return Case(
        summary=say(
            "A firewall keeps us from {count} {count:peer|peers} ({addrs}).", count=len(peers), addrs=addresses(peers)
        ),
        confidence=confidence(NETWORK / 2 if refused else PATTERN, peers),
        evidence=tuple(_evidence(refused, dropped)),
        peers=peers,
        values={"addr": address(peers[0].addr)} | ({"hop": host(hops[-1])} if hops else {}),
    )


def _evidence(refused: list[FailingPeer], dropped: list[FailingPeer]) -> Iterator[EvidenceItem]:
    by_whom: dict[Value, list[FailingPeer]] = {}
    for peer in refused:
        by_whom.setdefault(_who_refused(peer), []).append(peer)
    for whose, each in sorted(by_whom.items(), key=lambda item: len(item[1]), reverse=True):
        yield evidence_of("{whose} answered that a rule forbids the connection", each, whose=whose)
    if dropped:
        yield evidence_of("silent on this port, while the same host answers on another", dropped)


def _who_refused(peer: FailingPeer) -> Value:
    if peer.hop == peer.host:
        return word("the peer's own machine")
    return host(peer.hop) if peer.hop is not None else word("something on the way")


def _dropped(facts: Facts) -> list[FailingPeer]:
    """Peers that are silent on one port while the same host answers on another."""
    answering = facts.overall.answering_hosts
    return [peer for peer in facts.failing_with(Reason.TIMEOUT) if peer.is_silent and peer.host in answering]


CAUSE = Cause(
    code="peer_firewalled",
    title="A firewall in front of peers refuses or drops us",
    severity=Severity.INFO,
    blame=Blame.PATH,
    evidence_rule="ICMP that says a rule forbids it, from the peer or a hop that is not ours; or silence on one port of a "
    "host that answers on another.",
    next_actions=(
        Action(text="Ask the operator of {hop} to let TCP in to {addr}."),
        Action(
            text="Ask the operator of the peer to open its P2P port, {addr}: as seen from here a rule closes it, not the "
            "program."
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
    depends_on=("outbound_blocked", "offline", "seeds_down", "stale_source", "partition"),
)
