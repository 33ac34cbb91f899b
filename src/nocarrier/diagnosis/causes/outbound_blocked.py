"""Our dials are refused before they leave: by this machine, its sandbox, or the first hop."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import Action
from nocarrier.model.address import parse_ip
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, Value, address, host, listed, network, say, word

_ALWAYS_LOCAL = frozenset({Reason.PERMISSION_DENIED, Reason.ROUTE_BLACKHOLE})

_NO_SOCKET = frozenset({Reason.FAMILY_UNAVAILABLE})
"""A sandbox that forbids the address family; of IPv6 alone it says only that this machine has no IPv6."""

_LOCAL_WITH_EVIDENCE = frozenset({Reason.HOST_UNREACHABLE, Reason.CONNECTION_REFUSED, Reason.TIMEOUT})

UNRELATED = 2
"""Netgroups that must meet the same refusal before it is taken for one near us and not near them."""

SILENT_WHEN_BLOCKED = 3
"""Netgroups silent in a row, with no other dial answered: one more than for a refusal, as silence has many causes."""


def _is_local(peer: FailingPeer) -> bool:
    if peer.reason in _ALWAYS_LOCAL:
        return True
    return peer.is_local and (peer.reason in _LOCAL_WITH_EVIDENCE or (peer.reason in _NO_SOCKET and not peer.is_ipv6))


def _refused_by_own_route(facts: Facts, peer: FailingPeer) -> bool:
    """Whether a route of our own refuses a network, rather than there being no route at all."""
    has_routes = facts.host is not None and facts.host.has_default_ipv4 is True
    return peer.is_local and peer.reason is Reason.NETWORK_UNREACHABLE and not peer.is_ipv6 and has_routes


def _near_hops(facts: Facts) -> dict[str, list[FailingPeer]]:
    """Hops that refuse unrelated peers, or that are our own gateway, with whom they refuse."""
    gateways = facts.host.gateways if facts.host is not None else ()
    by_hop: dict[str, list[FailingPeer]] = {}
    for peer in facts.forbidden:
        hop = peer.hop
        if hop is not None and hop != peer.host:
            by_hop.setdefault(hop, []).append(peer)
    near = [hop for hop, peers in by_hop.items() if hop in gateways or len(netgroups(peers)) >= UNRELATED]
    return {hop: by_hop[hop] for hop in sorted(near, key=lambda hop: len(by_hop[hop]), reverse=True)}


def _all_silent(facts: Facts) -> list[FailingPeer]:
    """Peers that worked in this run and are all silent since one moment, while established sessions live on.

    Those whose sessions fell silent themselves are left out: a filter on new connections lets old ones live.
    """
    if not facts.has_living_session or facts.node is None:
        return []
    answered_unix = facts.answered_unix or 0.0
    lost = facts.node.lost
    silent = [
        peer
        for peer in facts.silent
        if peer.worked_in_this_run and peer.began_unix > answered_unix and peer.addr not in lost
    ]
    return silent if len(netgroups(silent)) >= SILENT_WHEN_BLOCKED else []


_ROUTE_TYPES = {"EINVAL": "blackhole", "EACCES": "prohibit", "EHOSTUNREACH": "unreachable"}
"""By the error that connect() gives for a route of this type (ip-route(8))."""


def _values_of(facts: Facts, peer: FailingPeer) -> dict[str, Sayable]:
    """Which next actions a local refusal of `peer` calls for."""
    errno = peer.evidence.get("errno")
    if peer.reason in {Reason.TIMEOUT, Reason.CONNECTION_REFUSED} or "icmp" in peer.evidence:
        return {"filtered": address(peer.addr)}
    if peer.reason in _NO_SOCKET or errno == "EPERM":
        return {"sandboxed": address(peer.addr)}
    values: dict[str, Sayable] = {"routed": address(peer.addr)}
    ip = parse_ip(peer.host)
    if ip is not None:
        values["routed_host"] = host(str(ip))
    if isinstance(errno, str) and errno in _ROUTE_TYPES:
        values["route_type"] = word(_ROUTE_TYPES[errno])
        routes = [ip_network(route) for route in facts.host.reject_routes] if facts.host is not None else []
        ours = [route for route in routes if ip in route]
        if ours:
            values["route"] = network(str(max(ours, key=lambda route: route.prefixlen)))
    return values


class _Blocked(NamedTuple):
    """Who is refused, by whom."""

    local: list[FailingPeer]
    near: dict[str, list[FailingPeer]]
    """By hop."""
    silent: list[FailingPeer]

    @property
    def peers(self) -> list[FailingPeer]:
        return [*self.local, *(peer for peers in self.near.values() for peer in peers), *self.silent]

    @property
    def places(self) -> list[Value]:
        """Where the dials are refused."""
        local = [word("This machine")] if self.local else []
        silent = [word("Something near us")] if self.silent else []
        return [*local, *map(host, self.near), *silent]


def _rule(facts: Facts) -> Case | None:
    candidates = [peer for peer in facts.failing if peer.is_local or peer.reason in _ALWAYS_LOCAL]
    local = [peer for peer in candidates if _is_local(peer) or _refused_by_own_route(facts, peer)]
    near = _near_hops(facts)
    blocked = _Blocked(local, near, [] if local or near else _all_silent(facts))
    peers = blocked.peers
    if not peers:
        return None
    places = blocked.places
    return Case(
        summary=say(
            _SUMMARY, where=listed(places), places=len(places), count=len(peers), networks=len(netgroups(peers))
        ),
        confidence=confidence(
            KERNEL if local else NETWORK if near else PATTERN,
            peers,
            is_guessed=any(peer.took_s is None for peer in blocked.silent),
        ),
        evidence=tuple(_evidence(blocked)),
        peers=peers,
        blame=Blame.US if local else Blame.PATH,
        values=_values(facts, blocked),
    )


_SUMMARY = (
    "{where} {places:refuses|refuse} our dials to {count} {count:peer|peers} in {networks} {networks:network|networks}."
)


def _evidence(blocked: _Blocked) -> Iterator[EvidenceItem]:
    if blocked.local:
        reasons = sorted({peer.reason for peer in blocked.local})
        yield evidence_of(
            "this machine itself refused, before any packet left: {reasons}",
            blocked.local,
            reasons=listed(reasons, shown=len(reasons)),
        )
    for hop, peers in blocked.near.items():
        yield evidence_of("{hop} answered that its rules forbid the connection", peers, hop=host(hop))
    if blocked.silent:
        yield evidence_of(
            "peers that worked in this run are all silent since one moment, while sessions live on", blocked.silent
        )


def _values(facts: Facts, blocked: _Blocked) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {}
    for peer in blocked.local:
        values |= _values_of(facts, peer)
    for hop, peers in blocked.near.items():
        values |= {"hop": host(hop), "refused": address(peers[0].addr)}
    if blocked.silent:
        values["silent"] = address(blocked.silent[0].addr)
    return values


CAUSE = Cause(
    code="outbound_blocked",
    title="A firewall, route policy or sandbox here, or the first hop, refuses our dials",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Local evidence (a prohibit, blackhole or unreachable route, EPERM, our own firewall), or one near hop "
    "that refuses unrelated peers; or every peer that used to work went silent at the same moment while open sessions stayed up.",
    next_actions=(
        Action(
            text="A rule of this machine drops or rejects what we send to {filtered}: find it, and let TCP to that address "
            "through.",
            command="nft list ruleset",
        ),
        Action(
            text="Where iptables filters on this machine, find the rule there.",
            command="iptables -S OUTPUT",
            needs=("filtered",),
        ),
        Action(
            text="A route of this machine refuses {routed}: see which one it is.", command="ip route get {routed_host}"
        ),
        Action(
            text="List the routes that refuse, and remove the wrong one with ip route del.",
            command="ip route show type {route_type}",
            needs=("routed",),
        ),
        Action(
            text="Remove that route, as root, if it is not meant.",
            command="ip route del {route_type} {route}",
            needs=("routed",),
        ),
        Action(
            text="This program may not open sockets to {sandboxed}: look at the sandbox of its service "
            "(RestrictAddressFamilies, IPAddressDeny, seccomp, SELinux, AppArmor)."
        ),
        Action(text="Ask the operator of {hop} to let TCP out to the P2P ports, {refused} for one."),
        Action(
            text="New connections to {silent} get no answer while old ones live: look for a rule on new connections at the "
            "next hops, and see where the way ends.",
            command="nocarrier doctor --probe --url {url}",
        ),
        Action(
            text="A route of this machine refuses {routed}: list its routes, and look for one of the types prohibit, "
            "blackhole and unreachable.",
            command="ip route show table all",
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
)
