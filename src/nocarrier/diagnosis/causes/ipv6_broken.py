"""IPv6 fails while IPv4 works."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer, netgroups
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

SILENT_PEERS = 8
"""Of eight distinct peers by chance all would be dead once in 256 even where half of all are. go-libp2p's black-hole
detector waits for twenty dials, whoever they are to; one peer that is dialed twenty times proves nothing here."""

UNRELATED = 2
"""Netgroups that those must lie in."""

_NO_IPV6_HERE = frozenset(
    {Reason.NETWORK_UNREACHABLE, Reason.HOST_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE, Reason.FAMILY_UNAVAILABLE}
)


def _is_lost(peer: FailingPeer) -> bool:
    return peer.is_ipv6 and (peer.is_silent or (peer.is_local and peer.reason in _NO_IPV6_HERE))


def _rule(facts: Facts) -> Case | None:
    if any(peer.is_ipv6 for peer in facts.working):
        return None
    ipv4_works = any(not peer.is_ipv6 for peer in facts.working)
    peers = facts.failing_where(_is_lost)
    local = [peer for peer in peers if peer.is_local]
    answered = any(peer.is_ipv6 and peer.has_answered for peer in facts.all_failing)
    if answered or not ipv4_works or not peers:
        return None
    if not local and (len(peers) < SILENT_PEERS or len(netgroups(peers)) < UNRELATED):
        return None
    evidence = [evidence_of("this machine has no way out with IPv6", local)] if local else []
    if len(local) < len(peers):
        evidence.append(evidence_of("no answer over IPv6", [peer for peer in peers if not peer.is_local]))
    if facts.host is not None and facts.host.has_default_ipv6 is False:
        evidence.append(stated("the route table has no default route for IPv6", count=0))
    return Case(
        summary=f"IPv6 does not work here: {count_of(len(peers), 'peer')} cannot be reached over it, while IPv4 works.",
        confidence=confidence(KERNEL if local else PATTERN, peers),
        evidence=tuple(evidence),
        peers=peers,
        values={"host": peers[0].host},
    )


CAUSE = Cause(
    code="ipv6_broken",
    title="IPv6 fails while IPv4 works",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="No IPv6 address works while IPv4 does, and this machine has no way out with IPv6, or eight unrelated "
    "peers gave no answer.",
    next_actions=(
        "Set ipv4_only = true under [node] until IPv6 works here.",
        "See what IPv6 this machine has: ip -6 address show scope global; ip -6 route get {host}",
    ),
    rule=_rule,
)
