"""This machine has no usable network."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer, netgroups
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason

_NO_WAY_OUT = frozenset({Reason.NETWORK_UNREACHABLE, Reason.HOST_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE})

SILENT_NETGROUPS = 2
"""What two unrelated silent networks have in common is this end; as in the node's own guard (node.connectivity)."""


def _without_a_way_out(peer: FailingPeer) -> bool:
    return not peer.is_ipv6 and peer.reason in _NO_WAY_OUT and peer.is_local


def _rule(facts: Facts) -> Case | None:
    answered_unix = facts.answered_unix or 0.0
    local = facts.failing_where(lambda peer: _without_a_way_out(peer) and peer.failed_unix >= answered_unix)
    silent = facts.failing_where(lambda peer: peer.is_silent and peer.began_unix >= answered_unix)
    nameless = _without_a_resolver(facts, answered_unix)
    if facts.node is not None:
        # The node's own guard knows more than the last outcomes: when each session was last heard, for one.
        others_explain_it = not (local or silent or nameless) and len(facts.failing) < len(facts.all_failing)
        if not facts.node.info.offline or others_explain_it or (not local and facts.far_hops_answer):
            return None
    elif not (local or nameless) and (
        facts.working or len(netgroups(silent)) < SILENT_NETGROUPS or facts.far_hops_answer
    ):
        return None  # nobody knows here which sessions live, so as long as any peer worked last the silence is of some
    peers = [*local, *silent, *nameless]
    return Case(
        summary=f"This machine cannot reach the network: {_what(local, silent, nameless)}, and nobody has answered "
        "since.",
        confidence=_confidence(local, silent, nameless),
        evidence=tuple(_evidence(facts, local, silent, nameless)),
        peers=peers,
        values=_values(facts, peers),
    )


def _without_a_resolver(facts: Facts, answered_unix: float) -> list[FailingPeer]:
    """Peers whose names could not be looked up, where that is part of an outage and no fault of the resolver."""
    host = facts.host
    has_no_link = host is not None and host.interfaces_up == ()
    is_outage = has_no_link if facts.node is None else facts.node.info.offline
    return [peer for peer in facts.failing_with(*signs.RESOLVER) if is_outage and peer.failed_unix >= answered_unix]


def _confidence(local: list[FailingPeer], silent: list[FailingPeer], nameless: list[FailingPeer]) -> float:
    if local:
        return confidence(KERNEL, [*local, *silent, *nameless])
    is_guessed = any(peer.took_s is None for peer in silent)
    return confidence(PATTERN, [*silent, *nameless], is_guessed=is_guessed) if silent or nameless else 0.5


def _what(local: list[FailingPeer], silent: list[FailingPeer], nameless: list[FailingPeer]) -> str:
    if local:
        return f"there is no route to {count_of(len(netgroups(local)), 'network')}"
    if silent:
        return f"{count_of(len(silent), 'peer')} in {count_of(len(netgroups(silent)), 'network')} went silent together"
    if nameless:
        return f"{count_of(len({peer.host for peer in nameless}), 'name')} could not be looked up"
    return "all sessions went silent"


def _evidence(
    facts: Facts, local: list[FailingPeer], silent: list[FailingPeer], nameless: list[FailingPeer]
) -> list[EvidenceItem]:
    items = []
    if local:
        items.append(evidence_of("connect() itself says that there is no way out", local))
    if silent:
        items.append(evidence_of("no answer from unrelated networks, and no session lives", silent))
    if nameless:
        items.append(evidence_of("names could not be looked up meanwhile", nameless))
    if facts.node is not None and facts.node.info.offline_because:
        items.append(stated(facts.node.info.offline_because, count=1))
    host = facts.host
    if host is not None and host.interfaces_up is not None and not host.interfaces_up:
        items.append(stated("no network interface but loopback is up", count=0))
    elif host is not None and host.has_default_ipv4 is False:
        items.append(stated("the route table has no default route", count=0))
    return items


def _values(facts: Facts, peers: list[FailingPeer]) -> dict[str, object]:
    values: dict[str, object] = {}
    host = facts.host
    if host is not None and host.interfaces_up is not None and not host.interfaces_up:
        values["no_interface"] = "INTERFACE"
    elif host is not None and host.has_default_ipv4 is False:
        values["no_default"] = "GATEWAY"
    elif host is not None and host.gateways:
        values["gateway"] = host.gateways[0]
    if peers:
        values["host"] = peers[0].host
    return values


CAUSE = Cause(
    code="offline",
    title="This machine has no usable network",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="connect() itself returns ENETUNREACH or EHOSTUNREACH without a route of ours that says so, or several "
    "netgroups begin to fail at once and no session lives. Names that cannot be looked up meanwhile belong to it.",
    next_actions=(
        "Bring the link up: ip link set {no_interface} up (list them: ip link); check the cable or the Wi-Fi.",
        "Set a default route: ip route add default via {no_default}; or renew the lease with the DHCP client.",
        "Ask the gateway whether its own uplink is there: ping -c 3 {gateway}; then look behind it.",
        "See which way a packet would take: ip route get {host}",
        "See whether a link is up and a default route is there: ip -brief link; ip route show default",
    ),
    rule=_rule,
    depends_on=("outbound_blocked",),
)
