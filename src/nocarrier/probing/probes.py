"""Single probes: a quiet re-dial, other ports of a host, the resolver, the ways out of this machine.

Each has a deadline, says what it saw instead of raising, and sends no data. Whoever calls has asked the address policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from nocarrier.classification import classify
from nocarrier.dialing.attempt import Failed, connect_socket
from nocarrier.dialing.resolve import Resolve
from nocarrier.host.counters import DIALS_BEGUN, growth, read_counters
from nocarrier.host.nameservers import read_nameservers
from nocarrier.host.routes import read_neighbours, read_routes
from nocarrier.model.address import Address, IPAddress
from nocarrier.model.probe import (
    Answer,
    Gateway,
    Lookup,
    PortAnswer,
    Redial,
    ResolverCheck,
    WayOut,
    answer_in,
)
from nocarrier.model.taxonomy import Phase, Reason

REDIAL_TIMEOUT_S = 2.5
"""The kernel sends SYNs after 0, 1 and 3 s (RFC 6298 section 2). After the second one, with time for its answer, it is
known whether this machine lets a SYN out at all; without a neighbour on the link the kernel gives up after 3 s."""

OTHER_PORTS_TIMEOUT_S = 2.0
"""Two SYNs and time for an answer: a silent port must not be one lost packet."""

WELL_KNOWN_PORTS = (443, 80, 22)
"""Most hosts on the internet answer on one of them, be it with a RST. No more, lest it looks like a port scan."""

RESOLVER_TIMEOUT_S = 5.0
"""resolv.conf(5): the resolver waits 5 s for a name server before it asks the next."""


async def redial_quietly(
    address: Address, timeout_s: float = REDIAL_TIMEOUT_S, local_ip: IPAddress | None = None
) -> Redial:
    """One connection attempt to `address`, an IP address, with the host's counters before and after.

    The counters are the whole host's: hold your own dials back meanwhile; `Redial.is_alone` tells whether another
    program dialed.
    """
    loop = asyncio.get_running_loop()
    before, started = read_counters(), loop.time()
    outcome = await connect_socket(address, timeout_s, local_ip)
    duration_s = round(loop.time() - started, 6)
    counters = growth(before, read_counters())
    fault = outcome.fault if isinstance(outcome, Failed) else None
    if not isinstance(outcome, Failed):
        outcome.close()
    return Redial(
        answer=Answer.CONNECTED if fault is None else answer_in(fault.evidence),
        duration_s=duration_s,
        fault=fault,
        counters=counters,
        is_alone=counters.get(DIALS_BEGUN, 0) <= 1,
    )


async def other_ports(
    address: Address,
    ports: Sequence[int] = WELL_KNOWN_PORTS,
    timeout_s: float = OTHER_PORTS_TIMEOUT_S,
    local_ip: IPAddress | None = None,
) -> tuple[PortAnswer, ...]:
    """What `ports` of the host of `address` answer, all at once. A connection that is made is closed at once."""

    async def ask(port: int) -> PortAnswer:
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome = await connect_socket(Address(address.host, port), timeout_s, local_ip)
        duration_s = round(loop.time() - started, 6)
        if not isinstance(outcome, Failed):
            outcome.close()
            return PortAnswer(port=port, answer=Answer.CONNECTED, duration_s=duration_s, is_alive=True)
        evidence = outcome.fault.evidence
        answer = answer_in(evidence)
        icmp = evidence.get("icmp")
        by_itself = answer is Answer.UNREACHABLE and icmp is not None and icmp["hop"] == address.host
        is_alive = answer is Answer.REFUSED or by_itself
        return PortAnswer(port=port, answer=answer, duration_s=duration_s, is_alive=is_alive)

    return tuple(await asyncio.gather(*(ask(port) for port in ports)))


async def check_resolver(
    names: Sequence[str], resolve: Resolve, timeout_s: float = RESOLVER_TIMEOUT_S
) -> ResolverCheck:
    """What `resolve` says to `names`, all asked at once, and which name servers this machine has."""

    async def look_up(name: str) -> Lookup:
        loop = asyncio.get_running_loop()
        started = loop.time()
        addrs: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(timeout_s):
                addrs = tuple(await resolve(name))
            reason = None if addrs else Reason.DNS_NOT_FOUND
        except OSError as error:  # socket.gaierror and TimeoutError among them
            reason = classify(error, Phase.RESOLVE).reason
        return Lookup(name=name, addrs=addrs, reason=reason, duration_s=round(loop.time() - started, 6))

    lookups = await asyncio.gather(*map(look_up, names))
    return ResolverCheck(nameservers=read_nameservers(), lookups=tuple(lookups))


def look_at_ways_out() -> WayOut | None:
    """What this machine has to get out by; None where this system does not show it. Blocks for some 0.2 ms."""
    routes = read_routes()
    if routes is None:
        return None
    neighbours = read_neighbours()
    return WayOut(
        default_ipv4=routes.default_ipv4,
        default_ipv6=routes.default_ipv6,
        gateways=tuple(Gateway(addr=addr, answers=neighbours.get(addr)) for addr in routes.gateways),
        reject_routes=routes.reject_routes,
        interfaces_up=routes.interfaces_up,
    )
