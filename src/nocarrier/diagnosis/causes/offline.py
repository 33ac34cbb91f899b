"""This machine has no usable network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import Action
from nocarrier.model.address import parse_ip
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.host_state import HostState
from nocarrier.model.node.state import NodeState
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, Text, host, quoted, say, word

_NO_WAY_OUT = frozenset({Reason.NETWORK_UNREACHABLE, Reason.HOST_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE})

SILENT_NETGROUPS = 2
"""Two unrelated silent networks have only this end in common. The node's own guard counts the same (node.connectivity)."""


def _without_a_way_out(peer: FailingPeer) -> bool:
    return not peer.is_ipv6 and peer.reason in _NO_WAY_OUT and peer.is_local


class _Outage(NamedTuple):
    """Peers that failed since the last answer to any dial, by how they failed."""

    local: list[FailingPeer]
    silent: list[FailingPeer]
    nameless: list[FailingPeer]

    @property
    def peers(self) -> list[FailingPeer]:
        return [*self.local, *self.silent, *self.nameless]


def _rule(facts: Facts) -> Case | None:
    outage = _outage(facts)
    is_offline = _tells_a_program(facts, outage) if facts.node is None else _tells_a_node(facts, outage, facts.node)
    if not is_offline:
        return None
    return Case(
        summary=say(
            "This machine cannot reach the network: {what}, and nothing has answered since.", what=_what(outage)
        ),
        confidence=_confidence(outage),
        evidence=tuple(_evidence(facts, outage)),
        peers=outage.peers,
        values=_values(facts, outage.peers),
    )


def _outage(facts: Facts) -> _Outage:
    answered_unix = facts.answered_unix or 0.0
    return _Outage(
        [peer for peer in facts.local if _without_a_way_out(peer) and peer.failed_unix >= answered_unix],
        [peer for peer in facts.silent if peer.began_unix >= answered_unix],
        _without_a_resolver(facts, answered_unix),
    )


def _tells_a_node(facts: Facts, outage: _Outage, node: NodeState) -> bool:
    # The node's own guard knows more than the last outcomes, such as when each session last received something.
    others_explain_it = not outage.peers and len(facts.failing) < len(facts.all_failing)
    return node.info.offline and not others_explain_it and bool(outage.local or not facts.far_hops_answer)


def _tells_a_program(facts: Facts, outage: _Outage) -> bool:
    if outage.local or outage.nameless:
        return True
    # Without a node, it is not known which sessions live: while the newest dial to any peer worked, only some are silent.
    return not facts.working and len(netgroups(outage.silent)) >= SILENT_NETGROUPS and not facts.far_hops_answer


def _without_a_resolver(facts: Facts, answered_unix: float) -> list[FailingPeer]:
    """Peers whose names could not be looked up, if an outage is the reason and not the resolver."""
    is_outage = _has_no_link(facts.host) if facts.node is None else facts.node.info.offline
    return [peer for peer in facts.failing_with(*signs.RESOLVER) if is_outage and peer.failed_unix >= answered_unix]


def _confidence(outage: _Outage) -> float:
    if outage.local:
        return confidence(KERNEL, outage.peers)
    is_guessed = any(peer.took_s is None for peer in outage.silent)
    return confidence(PATTERN, outage.peers, is_guessed=is_guessed) if outage.peers else 0.5


def _what(outage: _Outage) -> Text:
    if outage.local:
        return say("there is no route to {count} {count:network|networks}", count=len(netgroups(outage.local)))
    if outage.silent:
        return say(
            "{count} {count:peer|peers} in {networks} {networks:network|networks} went silent together",
            count=len(outage.silent),
            networks=len(netgroups(outage.silent)),
        )
    if outage.nameless:
        names = len({peer.host for peer in outage.nameless})
        return say("{count} {count:name|names} could not be looked up", count=names)
    return say("all sessions went silent")


def _evidence(facts: Facts, outage: _Outage) -> Iterator[EvidenceItem]:
    if outage.local:
        yield evidence_of(
            "{count:dial was|dials were} refused by connect() itself: no route or no address", outage.local
        )
    if outage.silent:
        yield evidence_of(
            "{count:peer|peers} in unrelated networks gave no answer, and no session is alive", outage.silent
        )
    if outage.nameless:
        yield evidence_of("{count:peer|peers} could not be looked up by name in this time", outage.nameless)
    if facts.node is not None and facts.node.info.offline_because:
        yield stated(
            "sign that this node is offline: {because}", count=1, because=quoted(facts.node.info.offline_because)
        )
    if _has_no_link(facts.host):
        yield stated("{count:interface is|interfaces are} up, besides loopback", count=0)
    elif _has_no_default_route(facts.host):
        yield stated("default {count:route|routes} in the route table", count=0)


def _has_no_link(host_state: HostState | None) -> bool:
    return host_state is not None and host_state.interfaces_up == ()


def _has_no_default_route(host_state: HostState | None) -> bool:
    return host_state is not None and host_state.has_default_ipv4 is False


def _values(facts: Facts, peers: list[FailingPeer]) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {}
    here = facts.host
    if here is not None and _has_no_link(here):
        if here.interfaces_down:
            values["interface"] = word(here.interfaces_down[0])
    elif _has_no_default_route(here):
        values["no_default"] = word("default route")
    elif here is not None and here.gateways:
        values["gateway"] = host(here.gateways[0])
    ips = [peer.host for peer in peers if parse_ip(peer.host) is not None]
    if ips:
        values["host"] = host(ips[0])
    return values


CAUSE = Cause(
    code="offline",
    title="This machine has no usable network",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="connect() itself returns ENETUNREACH or EHOSTUNREACH, and no route of this machine refuses the address; or "
    "several netgroups begin to fail at once and no session is alive. Names that cannot be looked up in this time count too.",
    next_actions=(
        Action(
            text="Interface {interface} is down: check the cable or the Wi-Fi, and bring the link up, as root.",
            command="ip link set {interface} up",
        ),
        Action(
            text="This machine has no {no_default}: renew the DHCP lease, or run ip route add default via with the address of "
            "the router.",
        ),
        Action(text="Ping the gateway; if it answers, look at its uplink.", command="ping -c 3 {gateway}"),
        Action(text="See which route a packet to {host} would take.", command="ip route get {host}"),
        Action(text="See whether a network interface is up.", command="ip -brief link"),
        Action(text="See whether there is a default route.", command="ip route show default"),
    ),
    rule=_rule,
    looks=looks.AT_PATH,
    depends_on=("outbound_blocked",),
)
