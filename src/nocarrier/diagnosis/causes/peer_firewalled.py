"""A firewall blocks connections to peers."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about
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
            "A firewall blocks connections to {count} {count:peer|peers} ({addrs}).",
            count=len(peers),
            addrs=addresses(peers),
        ),
        title=title_about("A firewall blocks connections to {they}", (peer.addr for peer in peers)),
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
        yield evidence_of(
            "{count:connection was|connections were} refused by {whose}: a rule forbids it", each, whose=whose
        )
    if dropped:
        yield evidence_of(
            "{count:peer is silent, while its host answers|peers are silent, while their hosts answer} on another port",
            dropped,
        )


def _who_refused(peer: FailingPeer) -> Value:
    if peer.hop == peer.host:
        return word("the peer's own machine")
    return host(peer.hop) if peer.hop is not None else word("something on the path")


def _dropped(facts: Facts) -> list[FailingPeer]:
    """Peers that are silent on one port while the same host answers on another."""
    answering = facts.overall.answering_hosts
    return [peer for peer in facts.failing_with(Reason.TIMEOUT) if peer.is_silent and peer.host in answering]


CAUSE = Cause(
    code="peer_firewalled",
    title="A firewall blocks connections to peers",
    severity=Severity.INFO,
    blame=Blame.PATH,
    evidence_rule="The peer, or a hop that is not near this machine, answers with ICMP that a rule forbids the connection; or "
    "one port of a host is silent while another one answers.",
    next_actions=(
        Action(text="Ask the operator of {hop} to let TCP in to {addr}."),
        Action(text="Ask the operator of {addr} to open that port: a firewall rule blocks it."),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
    depends_on=("outbound_blocked", "offline", "seeds_down", "stale_source", "partition"),
)
