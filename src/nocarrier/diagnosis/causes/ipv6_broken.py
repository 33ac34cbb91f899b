"""IPv6 fails while IPv4 works."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import host, say

SILENT_PEERS = 8
"""How many distinct peers must be silent. If half of all peers are dead, eight are all dead by chance once in 256 times.
go-libp2p's black-hole detector waits for twenty dials to any peers; here, twenty dials to one peer prove nothing."""

UNRELATED = 2
"""How many netgroups the silent peers must be in."""

_NO_IPV6_HERE = frozenset(
    {Reason.NETWORK_UNREACHABLE, Reason.HOST_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE, Reason.FAMILY_UNAVAILABLE}
)


def _is_lost(peer: FailingPeer) -> bool:
    return peer.is_silent or (peer.is_local and peer.reason in _NO_IPV6_HERE)


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing if peer.is_ipv6 and _is_lost(peer)]
    local = [peer for peer in peers if peer.is_local]
    if not peers or not _only_ipv4_works(facts):
        return None
    if not local and (len(peers) < SILENT_PEERS or len(netgroups(peers)) < UNRELATED):
        return None
    return Case(
        summary=say(
            "IPv6 does not work on this machine: {count} {count:peer|peers} cannot be reached over it, while IPv4 works.",
            count=len(peers),
        ),
        confidence=confidence(KERNEL if local else PATTERN, peers),
        evidence=tuple(_evidence(facts, peers)),
        peers=peers,
        values={"host": host(peers[0].host)},
    )


def _only_ipv4_works(facts: Facts) -> bool:
    return not facts.overall.has_answer_over_ipv6 and any(not peer.is_ipv6 for peer in facts.working)


def _evidence(facts: Facts, peers: list[FailingPeer]) -> Iterator[EvidenceItem]:
    local = [peer for peer in peers if peer.is_local]
    if local:
        yield evidence_of(
            "{count:peer|peers} could not be dialed because this machine has no IPv6 route or address", local
        )
    if len(local) < len(peers):
        yield evidence_of("{count:peer|peers} gave no answer over IPv6", [peer for peer in peers if not peer.is_local])
    if facts.host is not None and facts.host.has_default_ipv6 is False:
        yield stated("default {count:route|routes} for IPv6 in the route table", count=0)


CAUSE = Cause(
    code="ipv6_broken",
    title="IPv6 does not work on this machine, while IPv4 does",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="No IPv6 address works while IPv4 addresses do, and this machine has no route or address for IPv6, or eight "
    "unrelated peers gave no answer.",
    next_actions=(
        Action(
            text="Use only IPv4 until IPv6 works on this machine.", settings="[node]\nipv4_only = true", applies_to=NODE
        ),
        Action(text="Let the program dial over IPv4 only until IPv6 works on this machine.", applies_to=OTHERS),
        Action(text="See which IPv6 addresses this machine has.", command="ip -6 address show scope global"),
        Action(text="See which route a packet to {host} would take.", command="ip -6 route get {host}"),
    ),
    rule=_rule,
    looks=looks.AT_PATH,
)
