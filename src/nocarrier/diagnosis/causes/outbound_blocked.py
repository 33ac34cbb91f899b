"""Dials are refused by this machine, by its sandbox, or by a router near it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about
from nocarrier.diagnosis.confidence import KERNEL, NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import Action
from nocarrier.model.address import parse_ip
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, Text, Value, address, host, listed, network, say, word

_ALWAYS_LOCAL = frozenset({Reason.PERMISSION_DENIED, Reason.ROUTE_BLACKHOLE})

_NO_SOCKET = frozenset({Reason.FAMILY_UNAVAILABLE})
"""A sandbox forbids the address family. For IPv6 it may also mean just that this machine has no IPv6."""

_LOCAL_WITH_EVIDENCE = frozenset({Reason.HOST_UNREACHABLE, Reason.CONNECTION_REFUSED, Reason.TIMEOUT})

UNRELATED = 2
"""How many netgroups a hop must refuse before it counts as near this machine and not near the peers."""

SILENT_WHEN_BLOCKED = 3
"""How many netgroups must be silent, with no other dial answered: one more than for a refusal, as silence has many
causes."""


def _is_local(peer: FailingPeer) -> bool:
    if peer.reason in _ALWAYS_LOCAL:
        return True
    return peer.is_local and (peer.reason in _LOCAL_WITH_EVIDENCE or (peer.reason in _NO_SOCKET and not peer.is_ipv6))


def _refused_by_own_route(facts: Facts, peer: FailingPeer) -> bool:
    """Whether a route of this machine refuses a network; the other possibility is that there is no route at all."""
    has_routes = facts.host is not None and facts.host.has_default_ipv4 is True
    return peer.is_local and peer.reason is Reason.NETWORK_UNREACHABLE and not peer.is_ipv6 and has_routes


def _near_hops(facts: Facts) -> dict[str, list[FailingPeer]]:
    """Hops that refuse unrelated peers, or that are a gateway of this machine, each with the peers it refuses."""
    gateways = facts.host.gateways if facts.host is not None else ()
    by_hop: dict[str, list[FailingPeer]] = {}
    for peer in facts.forbidden:
        hop = peer.hop
        if hop is not None and hop != peer.host:
            by_hop.setdefault(hop, []).append(peer)
    near = [hop for hop, peers in by_hop.items() if hop in gateways or len(netgroups(peers)) >= UNRELATED]
    return {hop: by_hop[hop] for hop in sorted(near, key=lambda hop: len(by_hop[hop]), reverse=True)}


def _all_silent(facts: Facts) -> list[FailingPeer]:
    """Peers that worked in this run and have all been silent since one moment, while open sessions stay alive.

    Peers whose sessions went silent too are left out: a filter on new connections does not touch old ones.
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
"""The type of a route, by the error that connect() returns for it (ip-route(8))."""


def _values_of(facts: Facts, peer: FailingPeer) -> dict[str, Sayable]:
    """Values for the next actions against a local refusal of `peer`."""
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
    """The peers that are refused, by what refuses them."""

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
        silent = [word("Something near this machine")] if self.silent else []
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
            _SUMMARY_SILENT if blocked.silent else _SUMMARY,
            where=listed(places),
            places=len(places),
            count=len(peers),
            networks=len(netgroups(peers)),
        ),
        title=_title(blocked),
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
    "{where} {places:refuses|refuse} dials to {count} {count:peer|peers} in {networks} {networks:network|networks}."
)

_SUMMARY_SILENT = (
    "{where} blocks new connections to {count} {count:peer|peers} in {networks} {networks:network|networks}."
)


def _title(blocked: _Blocked) -> Text:
    addrs = [peer.addr for peer in blocked.peers]
    if blocked.silent:
        return title_about("Something near this machine blocks new connections to {they}", addrs)
    if not blocked.local:
        hop, hops = host(next(iter(blocked.near))), len(blocked.near)
        template = "The router {hop} refuses dials to {they}" if hops == 1 else "{hops} routers refuse dials to {they}"
        return title_about(template, addrs, hop=hop, hops=hops)
    template = "This machine and a router near it refuse" if blocked.near else "This machine refuses"
    return title_about(template + " dials to {they}", addrs)


def _evidence(blocked: _Blocked) -> Iterator[EvidenceItem]:
    if blocked.local:
        reasons = sorted({peer.reason for peer in blocked.local})
        yield evidence_of(
            "{count:dial was|dials were} refused by this machine itself before any packet left: {reasons}",
            blocked.local,
            reasons=listed(reasons, shown=len(reasons)),
        )
    for hop, peers in blocked.near.items():
        yield evidence_of(
            "{count:dial was|dials were} refused by {hop}: its rules forbid the connection", peers, hop=host(hop)
        )
    if blocked.silent:
        yield evidence_of(
            "{count:peer that worked has|peers that worked have} been silent since the same moment, while open sessions "
            "stay alive",
            blocked.silent,
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
    title="A firewall, a route or a sandbox on this side refuses dials",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="This machine itself refuses (a prohibit, blackhole or unreachable route, EPERM, its own firewall), or one hop "
    "refuses unrelated peers; or every peer that used to work went silent at the same moment while open sessions stayed up.",
    next_actions=(
        Action(
            text="A firewall rule of this machine drops or rejects packets to {filtered}: find it, and let TCP to that address "
            "through.",
            command="nft list ruleset",
        ),
        Action(
            text="If iptables filters on this machine, find the rule there.",
            command="iptables -S OUTPUT",
            needs=("filtered",),
        ),
        Action(text="A route of this machine refuses {routed}: see which route.", command="ip route get {routed_host}"),
        Action(
            text="List the routes of this type, and remove the wrong one with ip route del.",
            command="ip route show type {route_type}",
            needs=("routed",),
        ),
        Action(
            text="Remove that route, as root, if it is a mistake.",
            command="ip route del {route_type} {route}",
            needs=("routed",),
        ),
        Action(
            text="This program may not open sockets to {sandboxed}: check the sandbox of its service "
            "(RestrictAddressFamilies, IPAddressDeny, seccomp, SELinux, AppArmor)."
        ),
        Action(text="Ask the operator of {hop} to let TCP out to the P2P ports, such as {refused}."),
        Action(
            text="New connections to {silent} get no answer, while old ones stay alive: look for a firewall rule on new "
            "connections at the next hops, and see where the path ends.",
            command="nocarrier doctor --probe --url {url}",
        ),
        Action(
            text="A route of this machine refuses {routed}: list the routes, and look for the types prohibit, blackhole and "
            "unreachable.",
            command="ip route show table all",
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
)
