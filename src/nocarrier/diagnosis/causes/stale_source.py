"""One source or one introducer hands out dead addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from operator import attrgetter

from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason, Source

MIN_DEAD = 4
"""Distinct dead addresses: of four by chance all would be dead once in sixteen even where half of all peers are."""

DEAD_SHARE = 0.8
"""Of what was dialed from there. Crawls of live networks find 40 to 70 % of gossiped addresses dead, so less is usual."""

FAR_ABOVE = 2.0
"""How many times the share of all others."""

_NOBODY = frozenset({None, Source.SEED, Source.DIRECT})
"""Told by nobody, or chosen by the operator; `seeds_down` tells of those."""


def is_dead(peer: FailingPeer) -> bool:
    """Whether nobody of ours lives at that address, for no fault of ours."""
    if peer.blame is Blame.US or peer.is_local:
        return False
    return peer.is_silent or peer.reason in {Reason.CONNECTION_REFUSED, Reason.DNS_NOT_FOUND}


def _ipv6_is_proven(facts: Facts) -> bool:
    return any(peer.is_ipv6 for peer in facts.working) or any(
        peer.is_ipv6 and peer.has_answered for peer in facts.all_failing
    )


def _rule(facts: Facts) -> Case | None:
    if not _ipv6_is_proven(facts):
        # As long as nothing ever came over IPv6, silence there may be our own IPv6, whoever told the address.
        facts = facts.without({peer.addr for peer in facts.failing if peer.is_ipv6 and peer.is_silent})
    dead = facts.failing_where(is_dead)
    # An introducer is the sharper answer; where none stands out, a whole source may.
    return _worst(facts, dead, attrgetter("via"), "told by") or _worst(facts, dead, attrgetter("source"), "from")


def _worst(facts: Facts, dead: list[FailingPeer], origin_of: Callable[[object], object], words: str) -> Case | None:
    dialed = Counter(map(origin_of, (*facts.failing, *facts.working)))
    dead_of: dict[object, list[FailingPeer]] = {}
    for peer in dead:
        dead_of.setdefault(origin_of(peer), []).append(peer)
    bad = {
        origin: peers
        for origin, peers in dead_of.items()
        if origin not in _NOBODY and len(peers) >= MIN_DEAD and len(peers) >= DEAD_SHARE * dialed[origin]
    }
    # Compared with what is left without all of them: two poisoned introducers would else speak for each other.
    dialed_elsewhere = dialed.total() - sum(dialed[origin] for origin in bad)
    dead_elsewhere = len(dead) - sum(map(len, bad.values()))
    if dead_elsewhere == dialed_elsewhere:
        return None  # all is dead, wherever it came from
    limit = FAR_ABOVE * dead_elsewhere / dialed_elsewhere
    found = [(len(peers), str(origin), peers) for origin, peers in bad.items() if len(peers) >= limit * dialed[origin]]
    if not found:
        return None
    found.sort(reverse=True)
    peers = [peer for _, _, each in found for peer in each]
    origins = [origin for _, origin, _ in found]
    return Case(
        summary=f"{len(peers)} addresses {words} {', '.join(origins[:3])} "
        f"are dead, far more than of those from elsewhere.",
        confidence=confidence(PATTERN, peers),
        evidence=tuple(_evidence(facts, words, found)),
        peers=peers,
        severity=None if facts.is_cut_off or not _has_enough(facts) else Severity.INFO,
        values={"via" if words == "told by" else "source": origins[0]},
    )


def _has_enough(facts: Facts) -> bool:
    return facts.node is not None and facts.node.dialing.wanted == 0


def _evidence(facts: Facts, words: str, found: list[tuple[int, str, list[FailingPeer]]]) -> list[EvidenceItem]:
    items = [evidence_of(f"dead addresses {words} {origin}", peers) for _, origin, peers in found]
    origins = {origin for _, origin, _ in found}
    for introducer in facts.node.introducers if facts.node is not None else ():
        if introducer.addr in origins:
            counts = introducer.counts
            throttled = "; it is throttled" if introducer.throttled else ""
            items.append(
                stated(
                    f"{introducer.addr} told us {counts.introduced} addresses: {counts.dialed} dialed, "
                    f"{counts.connected} connected, {counts.dead} dead{throttled}",
                    count=counts.introduced,
                )
            )
    return items


CAUSE = Cause(
    code="stale_source",
    title="One source or introducer hands out dead addresses",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="At least four distinct dead addresses from one introducer or source, four fifths of what was dialed from "
    "there, and twice the share of all others.",
    next_actions=(
        "Tell who runs {via}: its peer book is old or somebody feeds it. It is throttled meanwhile; to be rid of it now add "
        'it to bans = ["IP-ADDRESS"] under [node].',
        "What comes from {source} is out of date: when it is peer_book, stop the node, move peers.json out of its data "
        "folder, and start it again; it fills anew from the seeds.",
        "See who told what: curl -s http://127.0.0.1:7070/api/p2p/propagation",
    ),
    rule=_rule,
    depends_on=("offline", "outbound_blocked", "local_exhaustion", "partition", "ipv6_broken", "middlebox"),
)
