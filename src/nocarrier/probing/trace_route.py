"""A TCP traceroute without privilege: which routers answer on the way to an address and port, and where it ends.

A SYN with a small TTL dies on the way, and the router where it does says so (ICMP time exceeded, RFC 792 and RFC 4443).
The kernel ends the connection attempt with that error and keeps in the error queue of the socket who sent it
(IP_RECVERR, ip(7)). Where the answer comes faster than connect() returns, as it does between network namespaces, the
attempt goes on instead: the error is then only noted (SO_ERROR), and a further SYN would follow after a second
(measured, Linux 6.18). We wait for either, and close the socket at once.

Every SYN leaves from a port of its own, so that load balancing routers (ECMP) may send them different ways.
"""

from __future__ import annotations

import asyncio
import errno
import socket

from nocarrier.host import kernel
from nocarrier.model.address import Address
from nocarrier.model.fault import Evidence
from nocarrier.model.probe import Answer, Hop, Trace, answer_in

MAX_HOPS = 20
"""Paths on the internet have about 15 hops, and those beyond 20 are rare; traceroute(8) gives up at 30."""

PER_HOP_TIMEOUT_S = 1.0
"""The kernel sends the next SYN after one second (RFC 6298 section 2.1): we wait for the answer to the first."""

HOPS_AT_ONCE = 5
"""So many go out in one wave. The target sees as many connections at most, and a silent way of 20 hops takes 4 s."""

_HOP_LIMIT = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TTL),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}


async def trace_route(
    address: Address, max_hops: int = MAX_HOPS, per_hop_timeout_s: float = PER_HOP_TIMEOUT_S
) -> Trace:
    """The way to `address`, an IP address with its port. Raises only when it is cancelled.

    Takes at most `max_hops` / 5 times `per_hop_timeout_s`. On systems other than Linux the trace is empty. The source
    address is the kernel's choice.

    Args:
        address: whom to reach. A connection that is made is closed at once.
        max_hops: how far to look.
        per_hop_timeout_s: how long to wait for each answer.
    """
    if not kernel.IS_SUPPORTED:
        return Trace(hops=())
    hops: list[Hop] = []
    for first in range(1, max_hops + 1, HOPS_AT_ONCE):
        wave = range(first, min(first + HOPS_AT_ONCE, max_hops + 1))
        for hop in await asyncio.gather(*(_probe(address, ttl, per_hop_timeout_s) for ttl in wave)):
            hops.append(hop)
            if hop.answer not in {Answer.EXPIRED, Answer.SILENT}:
                return Trace(hops=tuple(hops))
    return Trace(hops=tuple(hops))


async def _probe(address: Address, ttl: int, timeout_s: float) -> Hop:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    loop = asyncio.get_running_loop()
    try:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, socket.IPPROTO_TCP)
    except OSError:  # no descriptor is free, or there is no such family here
        return Hop(ttl=ttl, answer=Answer.LOCAL)
    with sock:
        sock.setsockopt(*_HOP_LIMIT[family], ttl)
        kernel.watch_errors(sock, family)
        destination = (address.host, address.port)
        started = loop.time()
        number: int | None = sock.connect_ex(destination)
        returned_by_connect = number != errno.EINPROGRESS
        if not returned_by_connect:
            number = await _outcome(loop, sock, destination, timeout_s)
        rtt_s = round(loop.time() - started, 6)
        if number == 0:
            return Hop(ttl=ttl, answer=Answer.CONNECTED, addr=address.host, rtt_s=rtt_s)
        evidence = kernel.failure_evidence(sock, number, returned_by_connect=returned_by_connect, waited=True)
    return _hop(ttl, address, evidence, rtt_s)


async def _outcome(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, destination: tuple[str, int], timeout_s: float
) -> int | None:
    """The errno that the attempt ended with; 0: connected; None: nothing came."""
    try:
        async with asyncio.timeout(timeout_s):
            await loop.sock_connect(sock, destination)  # asks connect() again, and waits where it is still open
    except OSError as error:  # our own deadline is one without errno
        return 0 if error.errno == errno.EISCONN else error.errno
    return 0


def _hop(ttl: int, address: Address, evidence: Evidence, rtt_s: float) -> Hop:
    answer = answer_in(evidence)
    if answer in {Answer.SILENT, Answer.LOCAL}:
        return Hop(ttl=ttl, answer=answer)
    icmp = evidence.get("icmp")
    if icmp is None:
        # A RST bears the target's address; of an ICMP error that was not kept, nobody knows the sender.
        return Hop(ttl=ttl, answer=answer, addr=address.host if answer is Answer.REFUSED else None, rtt_s=rtt_s)
    return Hop(ttl=ttl, answer=answer, addr=icmp["hop"], rtt_s=rtt_s, icmp_type=icmp["type"], icmp_code=icmp["code"])
