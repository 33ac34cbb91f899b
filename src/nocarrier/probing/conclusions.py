"""Which probes can tell more about a finding, and what they say once they have looked. Pure.

What a probe says never overrules the diagnosis, which rests on many peers: it speaks for a cause at one peer, now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import count_of, some
from nocarrier.errors import AddressError
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX, Address, netgroup_of
from nocarrier.model.finding import Finding
from nocarrier.model.probe import (
    MAX_TARGETS,
    Answer,
    Probe,
    ProbeFacts,
    ProbePlan,
    ResolverCheck,
    Statement,
    Target,
)
from nocarrier.model.taxonomy import Reason
from nocarrier.probing.targets import about_target, is_dropped_port

_PATH = (Probe.ROUTES, Probe.REDIAL, Probe.TRACE)
_PATH_AND_HOST = (*_PATH, Probe.OTHER_PORTS)

_OURS = "it is about this process and its settings, which no packet can tell more about."
_SAID = "it rests on what peers said in their handshakes, and a probe does not get that far."
_AGAIN = "the peer hangs up on who comes, and a probe would come once more."


@dataclass(frozen=True, slots=True)
class _Look:
    probes: tuple[Probe, ...] = ()
    why_none: str = ""


_LOOKS = {
    "outbound_blocked": _Look(_PATH_AND_HOST),
    "offline": _Look(_PATH),
    "dns_broken": _Look((Probe.ROUTES, Probe.RESOLVER)),
    "internal_task_failed": _Look(why_none=_OURS),
    "local_exhaustion": _Look(why_none=_OURS),
    "local_overload": _Look(why_none=_OURS),
    "clock_wrong": _Look(why_none="the clocks of the peers came with their hellos; the finding says all of it."),
    "dialer_stuck": _Look(why_none=_OURS),
    "retry_too_fast": _Look(why_none=_AGAIN),
    "nobody_to_dial": _Look(why_none=_OURS),
    "seeds_misconfigured": _Look(why_none=_OURS),
    "version_outdated": _Look(why_none=_SAID),
    "wrong_network": _Look(why_none=_SAID),
    "ticket_rejected": _Look(why_none=_SAID),
    "banned_by_peers": _Look(why_none=_SAID),
    "ipv6_broken": _Look(_PATH),
    "middlebox": _Look(_PATH),
    "path_mtu": _Look(why_none="only large packets vanish, and probes are small."),
    "partition": _Look(_PATH),
    "wrong_port_published": _Look((Probe.REDIAL, Probe.OTHER_PORTS)),
    "private_addresses_gossiped": _Look(why_none="policy forbids to dial these addresses, and probes obey it."),
    "stale_source": _Look((Probe.REDIAL, Probe.OTHER_PORTS)),
    "seeds_down": _Look((Probe.RESOLVER, *_PATH_AND_HOST)),
    "network_full": _Look(why_none=_SAID),
    "peers_outdated": _Look(why_none=_SAID),
    "peer_moved": _Look(why_none=_SAID),
    "peer_firewalled": _Look(_PATH_AND_HOST),
    "peer_overloaded": _Look((Probe.REDIAL,)),
    "peer_closes": _Look(why_none=_AGAIN),
    "peer_broken": _Look(why_none=_SAID),
    "peer_incompatible": _Look(why_none=_SAID),
    "peer_down": _Look(_PATH_AND_HOST),
    "not_reachable": _Look(why_none="only others can see whether this node can be dialed; they were asked."),
    "duplicates_only": _Look(why_none="nothing is wrong."),
    "unexplained": _Look(_PATH_AND_HOST),
}
"""What to look at, or why nothing is worth a packet, for the code of each cause."""

_NO_LOOK = _Look(why_none="no probe is known for it.")


def plan_probes(finding: Finding, *, netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX) -> ProbePlan:
    """What to look at for `finding`: its probes, and peers of its evidence, of unrelated networks where it can.

    Args:
        finding: its code, and the addresses of its evidence.
        netgroup_prefix: IPv4 bits that count as one network.
    """
    look = _LOOKS.get(finding.code, _NO_LOOK)
    if not look.probes:
        return ProbePlan(probes=frozenset())
    addrs = dict.fromkeys(addr for item in finding.evidence for addr in item.addrs)
    netgroups = {addr: _netgroup(addr, netgroup_prefix) for addr in addrs}
    first_of_network = {netgroups[addr]: addr for addr in reversed(addrs) if netgroups[addr] is not None}
    spread = [addr for addr in addrs if addr in first_of_network.values()]
    rest = [addr for addr in addrs if addr not in spread and netgroups[addr] is not None]
    return ProbePlan(probes=frozenset(look.probes), addrs=tuple([*spread, *rest][:MAX_TARGETS]))


def conclude(code: str, facts: ProbeFacts, *, netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX) -> tuple[Statement, ...]:
    """What the facts say that were seen for the finding with `code`: at least one statement, the most general first.

    Args:
        code: of the finding.
        facts: what was seen.
        netgroup_prefix: IPv4 bits that count as one network.
    """
    look = _LOOKS.get(code, _NO_LOOK)
    if not look.probes:
        return (Statement(text=f"Nothing to probe: {look.why_none}"),)
    in_common = list(_about_all(facts.targets, netgroup_prefix))
    said = [*_about_machine(facts), *_about_resolver(facts.resolver), *in_common]
    wants_redial = Probe.REDIAL in look.probes
    for target in facts.targets:
        said += about_target(target, facts.way_out, wants_redial=wants_redial, is_common=bool(in_common))
    return tuple(said) or (Statement(text="The probes saw nothing that tells more."),)


def _about_machine(facts: ProbeFacts) -> Iterable[Statement]:
    way_out = facts.way_out
    away = [target for target in facts.targets if not target.is_own]
    if way_out is None or any(_has_answered(target) for target in away):
        return  # whatever the tables say, packets get out and back
    if not way_out.interfaces_up:
        yield Statement(text="No network interface is up but loopback.", suggests="offline")
    elif not (way_out.default_ipv4 or way_out.default_ipv6):
        yield Statement(text="This machine has no default route.", suggests="offline")
    elif not way_out.default_ipv6 and any(":" in (target.ip or "") for target in away):
        yield Statement(text="This machine has no default route for IPv6.", suggests="ipv6_broken")
    for gateway in way_out.gateways:
        if gateway.answers is False:
            yield Statement(text=f"The gateway {gateway.addr} does not answer on its link.", suggests="offline")
        elif gateway.answers:
            yield Statement(text=f"The gateway {gateway.addr} has answered on its link lately.")


def _about_resolver(check: ResolverCheck | None) -> Iterable[Statement]:
    if check is None:
        return
    unanswered = [lookup for lookup in check.lookups if lookup.reason is not None and lookup.reason in signs.RESOLVER]
    answered = [lookup for lookup in check.lookups if lookup not in unanswered]
    unknown = [lookup.name for lookup in answered if lookup.reason is Reason.DNS_NOT_FOUND]
    servers = f"name servers of /etc/resolv.conf: {', '.join(check.nameservers) or 'none'}"
    if unanswered and not answered:
        names = some(lookup.name for lookup in unanswered)
        # One name alone may have name servers that are down themselves.
        suggests = "dns_broken" if len(unanswered) > 1 else None
        yield Statement(text=f"The resolver has no answer for {names} ({servers}).", suggests=suggests)
        return
    slowest_s = max((lookup.duration_s for lookup in answered), default=0.0)
    names = count_of(len(answered), "name")
    yield Statement(text=f"The resolver works: it answered for {names} within {slowest_s:.3g} s ({servers}).")
    if unanswered:
        names = some(lookup.name for lookup in unanswered)
        yield Statement(text=f"For {names} it had no answer: the name servers of that domain are the trouble.")
    if unknown:
        yield Statement(text=f"It says that {some(unknown)} does not exist, or has no address.")


def _about_all(targets: Iterable[Target], netgroup_prefix: int) -> Iterable[Statement]:
    """What unrelated peers have in common is on our side."""
    probed = [target for target in targets if target.redial is not None and not target.is_own]
    netgroups = {netgroup_of(target.ip or "", ipv4_prefix=netgroup_prefix) for target in probed}
    if len(netgroups) < 2:  # noqa: PLR2004 - one network proves nothing
        return
    ports = {Address.parse(target.addr).port for target in probed}
    if len(ports) == 1 and all(map(is_dropped_port, probed)):
        yield Statement(
            text=f"Port {ports.pop()} is silent at {len(probed)} hosts of unrelated networks, and all of them answer "
            "on another port: something on our side drops that port.",
            suggests="outbound_blocked",
        )


def _has_answered(target: Target) -> bool:
    return target.redial is not None and target.redial.answer in {Answer.CONNECTED, Answer.REFUSED}


def _netgroup(addr: str, netgroup_prefix: int) -> str | None:
    try:
        return netgroup_of(Address.parse(addr).host, ipv4_prefix=netgroup_prefix)
    except AddressError:
        return None
