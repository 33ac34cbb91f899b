"""One source or one introducer hands out dead addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nocarrier.diagnose.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnose.confidence import PATTERN, confidence
from nocarrier.diagnose.facts import Facts, FailingPeer, WorkingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason, Source

MIN_DEAD = 4
"""Distinct dead addresses: of four by chance all would be dead once in sixteen even where half of all peers are."""

DEAD_SHARE = 0.8
"""Of what was dialed from there. Crawls of live networks find 40 to 70 % of gossiped addresses dead, so less is usual."""

FAR_ABOVE = 2.0
"""How many times the share of all others."""

_NO_SOURCE = frozenset({Source.SEED, Source.DIRECT})
"""Operators choose these; `seeds_down` tells of them."""


def is_dead(peer: FailingPeer) -> bool:
    """Whether nobody of ours lives at that address, for no fault of ours."""
    if peer.blame is Blame.US:
        return False
    return peer.is_silent or peer.reason in {Reason.CONNECTION_REFUSED, Reason.DNS_NOT_FOUND}


def _rule(facts: Facts) -> Case | None:
    # An introducer is the sharper answer; where none stands out, a whole source may.
    return _worst(facts, lambda peer: peer.via, "told by", set()) or _worst(
        facts, lambda peer: peer.source, "from", _NO_SOURCE
    )


def _worst(
    facts: Facts, key: Callable[[FailingPeer | WorkingPeer], object], words: str, left_out: Iterable[object]
) -> Case | None:
    dead: dict[object, list[FailingPeer]] = {}
    others: dict[object, int] = {}
    for peer in facts.failing:
        if is_dead(peer):
            dead.setdefault(key(peer), []).append(peer)
        else:
            others[key(peer)] = others.get(key(peer), 0) + 1
    for works in facts.working:
        others[key(works)] = others.get(key(works), 0) + 1
    all_dead, all_others = sum(map(len, dead.values())), sum(others.values())
    found = []
    for origin, peers in dead.items():
        if origin is None or origin in left_out or len(peers) < MIN_DEAD:
            continue
        share = len(peers) / (len(peers) + others.get(origin, 0))
        elsewhere_dead, elsewhere_alive = all_dead - len(peers), all_others - others.get(origin, 0)
        elsewhere = elsewhere_dead / (elsewhere_dead + elsewhere_alive) if elsewhere_alive else 1.0
        if share >= DEAD_SHARE and share >= FAR_ABOVE * elsewhere:
            found.append((len(peers), str(origin), peers))
    if not found:
        return None
    # Two poisoned introducers each raise the other's comparison; what stands out is told together.
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
