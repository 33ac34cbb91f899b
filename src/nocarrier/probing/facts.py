"""Everything that a plan of probes asks for, within one deadline, as far as policy allows.

Re-dials go one after the other, so that the counters of the host speak of one; then traces and other ports all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from nocarrier.dialing.policy import AddressPolicy, Block
from nocarrier.dialing.resolve import Resolve
from nocarrier.host.kernel import is_own_ip
from nocarrier.host.routes import read_route_to
from nocarrier.model.address import Address, IPAddress, parse_ip
from nocarrier.model.probe import MAX_TARGETS, Lookup, Probe, ProbeFacts, ProbePlan, ResolverCheck, Target
from nocarrier.model.taxonomy import Reason
from nocarrier.probing.probes import WELL_KNOWN_PORTS, check_resolver, look_at_ways_out, other_ports, redial_quietly
from nocarrier.probing.trace_route import trace_route

DEADLINE_S = 15.0
"""Somebody waits for it. 5 s for names, three silent re-dials one after the other (7.5 s) and silent traces (4 s) are
more, so that in the worst case the last traces are cut short."""

MAX_OTHER_PORTS = 3

NO_PORTS: Mapping[str, int] = MappingProxyType({})


async def gather_facts(
    plan: ProbePlan,
    policy: AddressPolicy,
    resolve: Resolve,
    *,
    local_ip: IPAddress | None = None,
    http_ports: Mapping[str, int] = NO_PORTS,
    deadline_s: float = DEADLINE_S,
) -> ProbeFacts:
    """What the probes of `plan` see; where the deadline passes, what they saw until then.

    Args:
        plan: what to look at.
        policy: which addresses may be probed.
        resolve: how names become addresses.
        local_ip: address of this machine to dial from, where it can; None: any.
        http_ports: ports on which peers are known to serve HTTP, by their address as in the plan.
        deadline_s: for all of it.
    """
    if not plan.probes:
        return ProbeFacts()
    look = _Look(plan, policy, local_ip, http_ports)
    try:
        async with asyncio.timeout(deadline_s):
            await look.run(resolve)
    except TimeoutError:
        pass
    return look.facts()


class _Look:
    """One look at the network. What was seen is noted at once, so that being cut short loses nothing."""

    def __init__(
        self, plan: ProbePlan, policy: AddressPolicy, local_ip: IPAddress | None, http_ports: Mapping[str, int]
    ) -> None:
        self._probes = plan.probes
        self._policy = policy
        self._local_ip = local_ip
        self._http_ports = http_ports
        self._resolver: ResolverCheck | None = None
        self._targets = [Target(addr=addr) for addr in plan.addrs[:MAX_TARGETS]]

    def facts(self) -> ProbeFacts:
        # The routes come last: by now the kernel has asked the link for its gateways.
        way_out = look_at_ways_out() if Probe.ROUTES in self._probes else None
        return ProbeFacts(way_out=way_out, resolver=self._resolver, targets=tuple(self._targets))

    async def run(self, resolve: Resolve) -> None:
        places = self._admit()
        await self._look_up_names(places, resolve)
        addresses = {place: found for place, named in places.items() if (found := self._choose(place, named))}
        if Probe.REDIAL in self._probes:
            for place, address in addresses.items():
                self._note(place, redial=await redial_quietly(address, local_ip=self._local_ip))
        looks = [self._trace(*item) for item in addresses.items() if Probe.TRACE in self._probes]
        looks += [self._ask_other_ports(*item) for item in addresses.items() if Probe.OTHER_PORTS in self._probes]
        await asyncio.gather(*looks)

    # ---- whom to probe --------------------------------------------------------------------------------------------

    def _admit(self) -> dict[int, Address]:
        """The targets that policy allows as they are written, by their place."""
        admitted = {}
        for place, target in enumerate(self._targets):
            block = self._policy.check_text(target.addr)
            if block is None:
                admitted[place] = Address.parse(target.addr)
            else:
                self._note_block(place, block)
        return admitted

    async def _look_up_names(self, places: Mapping[int, Address], resolve: Resolve) -> None:
        names = dict.fromkeys(address.host for address in places.values() if address.ip is None)
        if names:
            self._resolver = await check_resolver(list(names), resolve)

    def _choose(self, place: int, named: Address) -> Address | None:
        """The first address of a target that policy allows; None where there is none, and then why is noted."""
        block = None
        for ip in self._ips_of(named):
            if is_own_ip(str(ip)):
                self._policy.own_ips.add(ip)  # as dials tell policy: settings do not name every address of a machine
            block = self._policy.check(ip, named.port)
            if block is None:
                self._note(place, ip=str(ip), is_own=is_own_ip(str(ip)), route=read_route_to(ip))
                return Address(str(ip), named.port)
        if block is None:
            lookup = self._lookup(named.host)
            reason = lookup and lookup.reason
            block = Block(reason or Reason.DNS_NOT_FOUND, f"{named.host} has no address now")
        self._note_block(place, block)
        return None

    def _ips_of(self, named: Address) -> list[IPAddress]:
        if named.ip is not None:
            return [named.ip]
        lookup = self._lookup(named.host)
        return [ip for ip in map(parse_ip, lookup.addrs) if ip is not None] if lookup else []

    def _lookup(self, name: str) -> Lookup | None:
        lookups = self._resolver.lookups if self._resolver else ()
        return next((lookup for lookup in lookups if lookup.name == name), None)

    # ---- probing --------------------------------------------------------------------------------------------------

    async def _trace(self, place: int, address: Address) -> None:
        self._note(place, trace=await trace_route(address))

    async def _ask_other_ports(self, place: int, address: Address) -> None:
        known = self._http_ports.get(self._targets[place].addr)
        ports = dict.fromkeys(port for port in (known, *WELL_KNOWN_PORTS) if port is not None and port != address.port)
        ip = address.ip
        assert ip is not None
        allowed = [port for port in ports if self._policy.check(ip, port) is None][:MAX_OTHER_PORTS]
        self._note(place, other_ports=await other_ports(address, allowed, local_ip=self._local_ip))

    def _note(self, place: int, **seen: Any) -> None:
        self._targets[place] = replace(self._targets[place], **seen)

    def _note_block(self, place: int, block: Block) -> None:
        self._note(place, blocked=block.reason, blocked_detail=block.detail)
