"""A source or an introducer hands out dead addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, host_of, stated, title_about
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, WorkingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.address import parse_ip
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason, Source
from nocarrier.model.wording.text import Sayable, Value, address, host, listed, say, word

MIN_DEAD = 4
"""How many distinct addresses must be dead. If half of all peers are dead, four are all dead by chance once in 16 times."""

DEAD_SHARE = 0.8
"""Which share of the addresses dialed from there must be dead. Crawls of live networks find 40 to 70 % of gossiped
addresses dead, so a lower share is usual."""

FAR_ABOVE = 2.0
"""How many times higher the dead share must be than for all other addresses."""

_CHOSEN = frozenset({Source.SEED, Source.DIRECT})
"""The operator chose these; `seeds_down` is about them."""


_DEAD = (Reason.CONNECTION_REFUSED, Reason.DNS_NOT_FOUND)


def is_dead(peer: FailingPeer) -> bool:
    """Whether no peer is at that address, and this side is not at fault."""
    if peer.blame is Blame.US or peer.is_local:
        return False
    return peer.is_silent or peer.reason in _DEAD


def _rule(facts: Facts) -> Case | None:
    if not facts.overall.has_answer_over_ipv6:
        # As long as nothing ever came over IPv6, silence there may be the fault of IPv6 on this machine.
        facts = facts.without({peer.addr for peer in facts.silent if peer.is_ipv6})
    dead = list(filter(is_dead, (*facts.silent, *facts.failing_with(*_DEAD))))
    # An introducer is the more exact answer. If none is much worse than the others, a whole source may be.
    return _case(facts, dead, _INTRODUCERS) or _case(facts, dead, _SOURCES)


class _Origins(NamedTuple):
    """What addresses may have in common: the peer that introduced them, or their source."""

    of: Callable[[FailingPeer | WorkingPeer], str | None]
    value: Callable[[str], Value]
    title: str
    summary: str
    statement: str


_INTRODUCERS = _Origins(
    attrgetter("via"),
    address,
    "{They} {count:hands|hand} out dead addresses",
    "{count} {count:address|addresses} from {origins} {count:is|are} dead, a far larger share than elsewhere.",
    "dead {count:address|addresses} from {origin}",
)

_SOURCES = _Origins(
    attrgetter("source"),
    word,
    "{dead} addresses from the {count:source|sources} {origins} are dead",
    "{count} {count:address|addresses} from the {sources:source|sources} {origins} {count:is|are} dead, a far larger share than "
    "elsewhere.",
    "dead {count:address|addresses} from the source {origin}",
)


class _Stale(NamedTuple):
    """Dead addresses of one origin."""

    origin: str
    peers: list[FailingPeer]


def _case(facts: Facts, dead: list[FailingPeer], origins: _Origins) -> Case | None:
    found = _stale(facts, dead, origins)
    if not found:
        return None
    peers = [peer for stale in found for peer in stale.peers]
    named = listed([origins.value(stale.origin) for stale in found])
    return Case(
        summary=say(origins.summary, count=len(peers), origins=named, sources=len(found)),
        title=title_about(origins.title, (stale.origin for stale in found), dead=len(peers), origins=named),
        confidence=confidence(PATTERN, peers),
        evidence=tuple(_evidence(facts, origins, found)),
        peers=peers,
        severity=None if facts.is_cut_off or not _has_enough(facts) else Severity.INFO,
        values=_values(origins, found[0].origin),
    )


def _stale(facts: Facts, dead: list[FailingPeer], origins: _Origins) -> list[_Stale]:
    """Origins whose addresses are nearly all dead, far more than those of all others; the worst first."""
    dialed = Counter(map(origins.of, facts.failing))
    dialed.update(map(origins.of, facts.working))
    dead_of: dict[str | None, list[FailingPeer]] = {}
    for peer in dead:
        dead_of.setdefault(origins.of(peer), []).append(peer)
    bad = [
        _Stale(origin, those)
        for origin, those in dead_of.items()
        if origin is not None and origin not in _CHOSEN and len(those) >= max(MIN_DEAD, DEAD_SHARE * dialed[origin])
    ]
    # Bad origins are compared with the rest only: otherwise two of them would excuse each other.
    dialed_elsewhere = dialed.total() - sum(dialed[stale.origin] for stale in bad)
    dead_elsewhere = len(dead) - sum(len(stale.peers) for stale in bad)
    if dead_elsewhere == dialed_elsewhere:
        return []  # everything is dead, wherever it came from
    limit = FAR_ABOVE * dead_elsewhere / dialed_elsewhere
    found = [stale for stale in bad if len(stale.peers) >= limit * dialed[stale.origin]]
    return sorted(found, key=lambda stale: (len(stale.peers), stale.origin), reverse=True)


def _values(origins: _Origins, origin: str) -> dict[str, Sayable]:
    if origins is _SOURCES:
        return {"book" if origin == Source.PEER_BOOK else "source": word(origin)}
    values: dict[str, Sayable] = {"via": address(origin)}
    ip = parse_ip(host_of(origin) or "")
    return values | ({"via_host": host(str(ip))} if ip is not None else {})


def _has_enough(facts: Facts) -> bool:
    return facts.node is not None and facts.node.dialing.wanted == 0


_COUNTS = "{introduced:address|addresses} came from {addr}: {dialed} dialed, {connected} connected, {dead} dead"

_COUNTS_OF_THROTTLED = f"{_COUNTS}; it is throttled"


def _evidence(facts: Facts, origins: _Origins, found: list[_Stale]) -> Iterator[EvidenceItem]:
    for stale in found:
        yield evidence_of(origins.statement, stale.peers, origin=origins.value(stale.origin))
    known = {stale.origin for stale in found}
    for introducer in facts.node.introducers if facts.node is not None else ():
        if introducer.addr in known:
            counts = introducer.counts
            yield stated(
                _COUNTS_OF_THROTTLED if introducer.throttled else _COUNTS,
                count=counts.introduced,
                addr=address(introducer.addr),
                introduced=counts.introduced,
                dialed=counts.dialed,
                connected=counts.connected,
                dead=counts.dead,
            )


CAUSE = Cause(
    code="stale_source",
    title="A source or an introducer hands out dead addresses",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="At least four distinct addresses from one introducer or source are dead, which is at least 80 % of those dialed "
    "from there, and twice the share of all others.",
    next_actions=(
        Action(
            text="Tell the operator of {via} that its peer book is old, or that somebody feeds it dead addresses. Until then, "
            "this node throttles it.",
            applies_to=NODE,
        ),
        Action(
            text="Tell the operator of {via} that its peer book is old, or that somebody feeds it dead addresses.",
            applies_to=OTHERS,
        ),
        Action(text="To get rid of {via} now, ban it.", settings="[node]\nbans = [{via_host}]", applies_to=NODE),
        Action(
            text="The {book} is out of date: stop the node, move peers.json out of its data folder, and restart; the book "
            "fills again from the seeds.",
            applies_to=NODE,
        ),
        Action(text="The {book} is out of date: let the program build a new one.", applies_to=OTHERS),
        Action(text="Addresses from {source} are out of date: refresh that source, or stop dialing its addresses."),
        Action(text="See which addresses each introducer handed out.", command="curl -s {url}/api/p2p/propagation"),
    ),
    rule=_rule,
    looks=looks.AT_HOST,
    depends_on=(
        "offline",
        "outbound_blocked",
        "local_exhaustion",
        "dns_filtered",
        "partition",
        "ipv6_broken",
        "middlebox",
    ),
)
