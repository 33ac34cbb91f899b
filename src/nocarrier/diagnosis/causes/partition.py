"""A part of the network cannot be reached from this machine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import attrgetter

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Source
from nocarrier.model.wording.text import Sayable, Text, address, host, listed, network, say

HOSTS = 2
"""How many hosts must be silent: if it is one, the host itself may be down."""

STRANGERS = 4
"""How many silent hosts of a netgroup mean something if none of them ever worked."""

BY_CHANCE = 0.05
"""How many wholly silent networks chance alone may explain, given the share of dead addresses elsewhere."""

LONGEST_NETWORK = 30
"""How long the name of a network in a title may be, in characters; the network of a host name is that name."""

LOST_TOGETHER_S = 120.0
"""Sessions into a part that is cut off go silent together; pings notice within a minute."""


def _without_a_way(facts: Facts) -> list[FailingPeer]:
    """Peers for whose network a router says that it has no route."""
    return [peer for peer in facts.silent if peer.has_no_network]


def _lost_together(facts: Facts) -> list[FailingPeer]:
    """Silent peers whose sessions went silent together, and silent peers that these introduced."""
    lost = facts.node.lost if facts.node is not None else {}
    if not lost:
        return []
    silent = facts.silent
    gone = [peer for peer in silent if peer.addr in lost]
    newest = max((lost[peer.addr] for peer in gone), default=0.0)
    gone = [peer for peer in gone if newest - lost[peer.addr] <= LOST_TOGETHER_S]
    if len({peer.host for peer in gone}) < HOSTS:
        return []
    addrs = {peer.addr for peer in gone}
    return [peer for peer in silent if peer.addr in addrs or peer.via in addrs]


def _silent_netgroups(facts: Facts) -> list[FailingPeer]:
    """Silent peers in netgroups where none works, if several worked before or unrelated peers introduced them."""
    answered, alive = len(facts.overall.answered), facts.overall.answering_netgroups
    silent = Counter(map(attrgetter("netgroup"), facts.silent))
    silent_elsewhere = sum(silent[group] for group in silent.keys() & alive)
    dead = {group for group in silent.keys() - alive if silent[group] >= HOSTS}
    by_netgroup: defaultdict[str, list[FailingPeer]] = defaultdict(list)
    for peer in facts.silent:
        if peer.netgroup in dead:
            by_netgroup[peer.netgroup].append(peer)
    usual = silent_elsewhere / (silent_elsewhere + answered)
    networks = len(silent.keys() | alive)

    def are_cut_off(peers: list[FailingPeer]) -> bool:
        hosts = len({peer.host for peer in peers})
        expected_by_chance = networks * usual**hosts
        return _worked(peers) or (hosts >= STRANGERS and expected_by_chance < BY_CHANCE and _was_told_by_several(peers))

    return [peer for peers in by_netgroup.values() if are_cut_off(peers) for peer in peers]


def _worked(peers: list[FailingPeer]) -> bool:
    return len({peer.host for peer in peers if peer.worked_in_this_run}) >= HOSTS


def _was_told_by_several(peers: list[FailingPeer]) -> bool:
    """Whether several peers introduced them: one may have made them up, and a peer book may be old."""
    return len({peer.via or peer.source for peer in peers if peer.source is not Source.PEER_BOOK}) >= HOSTS


def _is_sure(peers: list[FailingPeer]) -> bool:
    """Whether several of these peers worked before; otherwise the addresses may never have been a peer's."""
    return len({peer.host for peer in peers if peer.worked_unix is not None}) >= HOSTS


def _rule(facts: Facts) -> Case | None:
    if not facts.working:
        return None  # everything is unreachable, not just a part
    no_way, lost, quiet = _without_a_way(facts), _lost_together(facts), _silent_netgroups(facts)
    peers = list({peer.addr: peer for peer in (*no_way, *lost, *quiet)}.values())
    if not peers:
        return None
    return Case(
        summary=say(
            _SUMMARY,
            count=len(peers),
            networks=listed([network(group) for group in sorted(netgroups(peers))]),
            working=len(facts.working),
        ),
        title=_title(peers),
        confidence=confidence(NETWORK if no_way or lost else PATTERN, peers),
        evidence=tuple(_evidence(no_way, lost, quiet)),
        peers=peers,
        severity=None if _is_sure(peers) else Severity.INFO,
        values=_values(peers, no_way),
    )


_SUMMARY = (
    "{count} {count:peer|peers} in {networks} cannot be reached from this machine, while {working} {working:peer|peers} "
    "elsewhere can."
)


def _title(peers: list[FailingPeer]) -> Text:
    groups = netgroups(peers)
    is_named = len(groups) == 1 and len(min(groups)) <= LONGEST_NETWORK
    where = say("{group}", group=network(min(groups))) if is_named else say(_NETWORKS, networks=len(groups))
    count = len({peer.addr for peer in peers})
    return say("{count} {count:peer|peers} in {where} cannot be reached from here", count=count, where=where)


_NETWORKS = "{networks} {networks:network|networks}"


def _evidence(no_way: list[FailingPeer], lost: list[FailingPeer], quiet: list[FailingPeer]) -> Iterator[EvidenceItem]:
    if no_way:
        hops = listed([host(hop) for hop in sorted({peer.hop for peer in no_way if peer.hop})])
        yield evidence_of(
            "{count:peer is in a network|peers are in networks} to which a router has no route ({hops})",
            no_way,
            hops=hops,
        )
    if lost:
        yield evidence_of("{count:peer has|peers have} been silent since several sessions went silent together", lost)
    if quiet:
        yield evidence_of("{count:peer is|peers are} in networks that are silent as a whole", quiet)


def _values(peers: list[FailingPeer], no_way: list[FailingPeer]) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {"host": host(peers[0].host), "addr": address(peers[0].addr)}
    hop = next((peer.hop for peer in no_way if peer.hop), None)
    return values | ({"hop": host(hop)} if hop else {})


CAUSE = Cause(
    code="partition",
    title="A part of the network cannot be reached from here",
    severity=Severity.WARNING,
    blame=Blame.PATH,
    evidence_rule="While other peers work: a router has no route to a network; or sessions went silent together; or a whole "
    "netgroup is silent, in which several peers worked before, or several peers introduced at least four hosts.",
    next_actions=(
        Action(text="Ask the operator of the router {hop} about its route to {host}."),
        Action(
            text="See where the path ends, and tell the operator of the last hop that answers.",
            command="nocarrier doctor --probe --url {url}",
        ),
        Action(text="Trace the path to {host}, as root.", command="traceroute -T {host}"),
        Action(
            text="Ask somebody elsewhere whether {addr} answers there. If it does, the path is broken; if not, the peer is down."
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH,
    depends_on=("offline", "outbound_blocked", "ipv6_broken", "middlebox"),
)
