"""Our dials are refused before they leave: by this machine, its sandbox, or the first hop."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import KERNEL, NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer, netgroups
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason

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
    """Whether a route of ours refuses a network, rather than there being no route at all."""
    has_routes = facts.host is not None and facts.host.has_default_ipv4 is True
    return peer.is_local and peer.reason is Reason.NETWORK_UNREACHABLE and not peer.is_ipv6 and has_routes


def _near_hops(facts: Facts) -> dict[str, list[FailingPeer]]:
    """Hops that refuse unrelated peers, or that are our own gateway, with whom they refuse."""
    gateways = facts.host.gateways if facts.host is not None else ()
    by_hop: dict[str, list[FailingPeer]] = {}
    for peer in facts.failing_where(lambda peer: peer.is_prohibited or peer.is_refused_by_rule):
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
    silent = facts.failing_where(
        lambda peer: (
            peer.is_silent and peer.worked_in_this_run and peer.began_unix > answered_unix and peer.addr not in lost
        )
    )
    return silent if len(netgroups(silent)) >= SILENT_WHEN_BLOCKED else []


def _action_values(peer: FailingPeer) -> dict[str, object]:
    """Which next action a local refusal of `peer` calls for."""
    if peer.reason in {Reason.TIMEOUT, Reason.CONNECTION_REFUSED} or "icmp" in peer.evidence:
        return {"filtered": peer.addr}
    if peer.reason in _NO_SOCKET or peer.evidence.get("errno") == "EPERM":
        return {"sandboxed": peer.addr}
    return {"routed": peer.addr, "routed_host": peer.host}


def _rule(facts: Facts) -> Case | None:
    local = facts.failing_where(lambda peer: _is_local(peer) or _refused_by_own_route(facts, peer))
    near = _near_hops(facts)
    refused = [peer for peers in near.values() for peer in peers]
    silent = [] if local or refused else _all_silent(facts)
    peers = [*local, *refused, *silent]
    if not peers:
        return None
    values: dict[str, object] = {}
    evidence: list[EvidenceItem] = []
    where: list[str] = []
    if local:
        seen = ", ".join(sorted({peer.reason.value for peer in local}))
        evidence.append(evidence_of(f"this machine itself refused, before any packet left: {seen}", local))
        where.append("this machine")
        for peer in local:
            values |= _action_values(peer)
    for hop, hop_peers in near.items():
        evidence.append(evidence_of(f"{hop} answered that its rules forbid the connection", hop_peers))
        where.append(hop)
        values |= {"hop": hop, "refused": hop_peers[0].addr}
    if silent:
        evidence.append(
            evidence_of(
                "peers that worked in this run are silent, all since one moment, while sessions live on", silent
            )
        )
        where.append("something near us")
        values["silent"] = silent[0].addr
    doubt = KERNEL if local else NETWORK if refused else PATTERN
    return Case(
        summary=f"{some(where)} refuses our dials to {count_of(len(peers), 'peer')} "
        f"in {count_of(len(netgroups(peers)), 'network')}.",
        confidence=confidence(doubt, peers, is_guessed=any(peer.took_s is None for peer in silent)),
        evidence=tuple(evidence),
        peers=peers,
        blame=Blame.US if local else Blame.PATH,
        values=values,
    )


CAUSE = Cause(
    code="outbound_blocked",
    title="A firewall, route policy or sandbox here, or the first hop, refuses our dials",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Local evidence (a prohibit, blackhole or unreachable route, EPERM, our own firewall), or one near hop "
    "that refuses unrelated peers, or all that worked before silent since one moment while established sessions live.",
    next_actions=(
        "A rule of this machine drops or rejects what we send to {filtered}: find it with nft list ruleset (or iptables "
        "-S OUTPUT), and let TCP to that address pass.",
        "A route of this machine refuses {routed}: see it with ip route get {routed_host}, list such routes with ip route "
        "show type prohibit (and type blackhole, type unreachable), remove it with ip route del TYPE NETWORK.",
        "This program may not open sockets to {sandboxed}: look at the sandbox of its service (RestrictAddressFamilies, "
        "IPAddressDeny, seccomp, SELinux, AppArmor).",
        "Ask whoever runs {hop} to let TCP out to the P2P ports, {refused} for one.",
        "New connections to {silent} stay without an answer while old ones live: look for a rule on new connections at "
        "the next hops, and see where it ends with nocarrier doctor --probe.",
    ),
    rule=_rule,
)
