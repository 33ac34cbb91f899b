"""Whom to probe for a finding, and what the probes say once they have looked. Pure.

What a probe says never overrules the diagnosis, which rests on many peers: it speaks for a cause at one peer, now.
"""

from __future__ import annotations

from collections.abc import Iterable

from nocarrier.classification import signs
from nocarrier.errors import AddressError
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX, Address, netgroup_of
from nocarrier.model.finding import Finding
from nocarrier.model.probe import (
    MAX_TARGETS,
    Answer,
    Looks,
    Lookup,
    Probe,
    ProbeFacts,
    ProbePlan,
    ResolverCheck,
    Statement,
    Target,
)
from nocarrier.model.taxonomy import Reason
from nocarrier.model.wording.text import Text, host, listed, say, word
from nocarrier.probing.targets import about_target, is_dropped_port


def plan_probes(finding: Finding, *, netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX) -> ProbePlan:
    """What to look at for `finding`: its probes, and peers of its evidence, of unrelated networks where it can.

    Args:
        finding: which probes can tell more of it, and the addresses of its evidence.
        netgroup_prefix: IPv4 bits that count as one network.
    """
    if not finding.looks.probes:
        return ProbePlan(probes=frozenset())
    addrs = dict.fromkeys(addr for item in finding.evidence for addr in item.addrs)
    netgroups = {addr: _netgroup(addr, netgroup_prefix) for addr in addrs}
    first_of_network = {netgroups[addr]: addr for addr in reversed(addrs) if netgroups[addr] is not None}
    spread = [addr for addr in addrs if addr in first_of_network.values()]
    rest = [addr for addr in addrs if addr not in spread and netgroups[addr] is not None]
    return ProbePlan(probes=finding.looks.probes, addrs=tuple([*spread, *rest][:MAX_TARGETS]))


def conclude(
    looks: Looks, facts: ProbeFacts, *, netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX
) -> tuple[Statement, ...]:
    """What the facts say that were seen for a finding: at least one statement, the most general first.

    Args:
        looks: of the finding.
        facts: what was seen.
        netgroup_prefix: IPv4 bits that count as one network.
    """
    if not looks.probes:
        return (Statement(text=say("Nothing to probe: {why}", why=word(looks.why_none))),)
    in_common = list(_about_all(facts.targets, netgroup_prefix))
    said = [*_about_machine(facts), *_about_resolver(facts.resolver), *in_common]
    wants_redial = Probe.REDIAL in looks.probes
    for target in facts.targets:
        said += about_target(target, facts.way_out, wants_redial=wants_redial, is_common=bool(in_common))
    return tuple(said) or (Statement(text=say("The probes saw nothing that tells more.")),)


def _about_machine(facts: ProbeFacts) -> Iterable[Statement]:
    way_out = facts.way_out
    away = [target for target in facts.targets if not target.is_own]
    if way_out is None or any(_has_answered(target) for target in away):
        return  # whatever the tables say, packets get out and back
    if not way_out.interfaces_up:
        yield Statement(text=say("No network interface is up but loopback."), suggests="offline")
    elif not (way_out.default_ipv4 or way_out.default_ipv6):
        yield Statement(text=say("This machine has no default route."), suggests="offline")
    elif not way_out.default_ipv6 and any(":" in (target.ip or "") for target in away):
        yield Statement(text=say("This machine has no default route for IPv6."), suggests="ipv6_broken")
    for gateway in way_out.gateways:
        if gateway.answers is not None:
            template, suggests = _GATEWAY[gateway.answers]
            yield Statement(text=say(template, gateway=host(gateway.addr)), suggests=suggests)


_GATEWAY = {
    False: ("The gateway {gateway} does not answer on its link.", "offline"),
    True: ("The gateway {gateway} has answered on its link lately.", None),
}


def _about_resolver(check: ResolverCheck | None) -> Iterable[Statement]:
    if check is None:
        return
    unanswered = [lookup for lookup in check.lookups if lookup.reason is not None and lookup.reason in signs.RESOLVER]
    answered = [lookup for lookup in check.lookups if lookup not in unanswered]
    servers = _servers(check)
    if unanswered and not answered:
        yield Statement(
            text=say("The resolver has no answer for {names} ({servers}).", names=_names(unanswered), servers=servers),
            suggests="dns_broken" if len(unanswered) > 1 else None,  # one name may have bad name servers of its own
        )
        return
    slowest_s = max((lookup.duration_s for lookup in answered), default=0.0)
    yield Statement(
        text=say(
            "The resolver works: it answered for {count} {count:name|names} within {slowest} s ({servers}).",
            count=len(answered),
            slowest=word(f"{slowest_s:.3g}"),
            servers=servers,
        )
    )
    if unanswered:
        template = "For {names} it had no answer: the name servers of that domain are the trouble."
        yield Statement(text=say(template, names=_names(unanswered)))
    unknown = [lookup for lookup in answered if lookup.reason is Reason.DNS_NOT_FOUND]
    if unknown:
        yield Statement(text=say("It says that {names} does not exist, or has no address.", names=_names(unknown)))


def _servers(check: ResolverCheck) -> Text:
    if not check.nameservers:
        return say("name servers of /etc/resolv.conf: none")
    servers = listed([host(server) for server in check.nameservers])
    return say("name servers of /etc/resolv.conf: {servers}", servers=servers)


def _names(lookups: Iterable[Lookup]) -> Text:
    return listed([host(lookup.name) for lookup in lookups])


def _about_all(targets: Iterable[Target], netgroup_prefix: int) -> Iterable[Statement]:
    """What unrelated peers have in common is on our side."""
    probed = [target for target in targets if target.redial is not None and not target.is_own]
    netgroups = {netgroup_of(target.ip or "", ipv4_prefix=netgroup_prefix) for target in probed}
    if len(netgroups) < 2:  # noqa: PLR2004 - one network proves nothing
        return
    ports = {Address.parse(target.addr).port for target in probed}
    if len(ports) == 1 and all(map(is_dropped_port, probed)):
        text = say(
            "Port {port} is silent at {count} hosts of unrelated networks, and all of them answer on another port: "
            "something on our side drops that port.",
            port=ports.pop(),
            count=len(probed),
        )
        yield Statement(text=text, suggests="outbound_blocked")


def _has_answered(target: Target) -> bool:
    return target.redial is not None and target.redial.answer in {Answer.CONNECTED, Answer.REFUSED}


def _netgroup(addr: str, netgroup_prefix: int) -> str | None:
    try:
        return netgroup_of(Address.parse(addr).host, ipv4_prefix=netgroup_prefix)
    except AddressError:
        return None
