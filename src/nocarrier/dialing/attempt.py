"""One connection attempt to one address, on our own non-blocking socket, with the kernel's evidence when it fails."""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
from typing import NamedTuple

from nocarrier.classification import blame_for
from nocarrier.classification.errnos import reason_of_errno
from nocarrier.host import kernel
from nocarrier.host.limits import exhaustion_evidence
from nocarrier.host.loop_monitor import NOTED_LAG_S
from nocarrier.model.address import Address, IPAddress
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Phase, Reason

_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)
"""Makes a socket non-blocking from the start, on Linux and some others."""


class Failed(NamedTuple):
    """An attempt that failed: `error` is what the caller will see, `fault` what is recorded."""

    error: OSError
    fault: Fault


class _Verdict(NamedTuple):
    """How connect() ended."""

    number: int | None
    """The errno; 0 if connected; None if our deadline passed."""
    returned_by_connect: bool
    """Whether connect() itself returned the errno."""
    waited: bool = False
    """Whether the outcome was still open right after connect()."""
    late_s: float = 0.0
    """How late the event loop noticed the deadline."""


async def connect_socket(
    address: Address, timeout_s: float, local_ip: IPAddress | None = None
) -> socket.socket | Failed:
    """Connect to `address`, an IP address, within `timeout_s` seconds. Raises only when it is cancelled.

    `local_ip` is the address of this machine to dial from. It is used only if it can reach `address`: a socket bound to
    loopback cannot reach other machines, and both addresses must be of the same family.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    destination = (address.host, address.port)
    try:
        sock = _open(family, address, local_ip)
    except OSError as exc:
        return _failed(exc, Evidence(errno=_name(exc.errno), decided_by="local"))
    connected = False
    try:
        verdict = _connect(sock, destination) or await _wait_for_verdict(loop, sock, started + timeout_s)
        if verdict.number == 0:
            if sock.getsockname()[:2] == destination:
                return _connected_to_itself(address)
            kernel.watch_errors(sock, family, on=False)
            connected = True
            return sock
        evidence = kernel.failure_evidence(
            sock, verdict.number, returned_by_connect=verdict.returned_by_connect, waited=verdict.waited
        )
        evidence["elapsed_s"] = round(loop.time() - started, 6)
        if verdict.late_s > NOTED_LAG_S:
            evidence["loop_lag_s"] = round(verdict.late_s, 3)
        if verdict.number is None:
            return _failed(TimeoutError(f"no answer from {address} within {timeout_s:.3g} s"), evidence)
        error = OSError(verdict.number, f"{os.strerror(verdict.number)}, connecting to {address}")
        return _failed(error, evidence, _reason_beyond_errno(verdict.number, evidence, address))
    finally:
        if not connected:
            sock.close()


class _TcpSocket(socket.socket):
    """A TCP socket whose type and family are plain class attributes.

    asyncio reads type and family three times for each connection, and socket.socket converts a number to an enum member
    each time, which takes 1.4 us (measured, CPython 3.11).
    """

    __slots__ = ()
    type = socket.SOCK_STREAM
    family = socket.AF_INET


class _TcpSocketIPv6(_TcpSocket):
    __slots__ = ()
    family = socket.AF_INET6


def _open(family: int, address: Address, local_ip: IPAddress | None) -> socket.socket:
    # asyncio disables Nagle's algorithm only if the socket itself says that it is TCP.
    sock_class = _TcpSocketIPv6 if family == socket.AF_INET6 else _TcpSocket
    sock = sock_class(family, socket.SOCK_STREAM | _NONBLOCK, socket.IPPROTO_TCP)
    if not _NONBLOCK:
        sock.setblocking(False)
    kernel.watch_errors(sock, family)
    if local_ip is not None and _can_reach(local_ip, address):
        try:
            kernel.bind_without_port(sock, str(local_ip))
        except OSError:
            sock.close()
            raise
    return sock


_CONNECTED_AT_ONCE = _Verdict(0, returned_by_connect=False)


def _connect(sock: socket.socket, destination: tuple[str, int]) -> _Verdict | None:
    """Start to connect; None if the outcome is still open."""
    number = sock.connect_ex(destination)
    if number != errno.EINPROGRESS:
        return _Verdict(number, returned_by_connect=True)
    if not kernel.IS_SUPPORTED:
        return None  # what a second connect() returns differs between systems
    # For this machine's own addresses the outcome is often known already; asking again saves a turn of the event loop.
    number = sock.connect_ex(destination)
    if number == errno.EISCONN:
        return _CONNECTED_AT_ONCE
    return None if number == errno.EALREADY else _Verdict(number, returned_by_connect=False)


async def _wait_for_verdict(loop: asyncio.AbstractEventLoop, sock: socket.socket, deadline: float) -> _Verdict:
    late_s = await _wait_until_decided(loop, sock, deadline)
    if late_s is not None:
        return _Verdict(None, returned_by_connect=False, waited=True, late_s=late_s)
    return _Verdict(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), returned_by_connect=False, waited=True)


def _reason_beyond_errno(number: int, evidence: Evidence, address: Address) -> Reason | None:
    """The reason if the errno alone would mislead; otherwise None."""
    if number == errno.EADDRNOTAVAIL and kernel.has_route_to(address.host):
        return Reason.EPHEMERAL_PORTS_EXHAUSTED
    if number == errno.EACCES and evidence.get("decided_by") == "network":
        # A router prohibits it. Linux reports that as EACCES for ICMPv6 and as EHOSTUNREACH for ICMP.
        return Reason.HOST_UNREACHABLE
    return None


async def _wait_until_decided(loop: asyncio.AbstractEventLoop, sock: socket.socket, deadline: float) -> float | None:
    """Wait until the kernel knows the outcome, or until `deadline`; then return how late that was noticed, in s."""
    decided: asyncio.Future[float | None] = loop.create_future()
    descriptor = sock.fileno()
    loop.add_writer(descriptor, _settle, decided, None)
    # A loop that was blocked past the deadline sees a finished connection first: ready descriptors come before timers.
    timer = loop.call_at(deadline, lambda: _settle(decided, max(0.0, loop.time() - deadline)))
    try:
        return await decided
    finally:
        timer.cancel()
        loop.remove_writer(descriptor)


def _settle(decided: asyncio.Future[float | None], late_s: float | None) -> None:
    if not decided.done():
        decided.set_result(late_s)


def _can_reach(local_ip: IPAddress, address: Address) -> bool:
    remote = address.ip
    return (
        remote is not None
        and not local_ip.is_unspecified
        and local_ip.version == remote.version
        and local_ip.is_loopback == remote.is_loopback
    )


def _connected_to_itself(address: Address) -> Failed:
    """The failure of a socket that connected to itself.

    When a dial goes to a port of this machine on which nothing listens, the kernel may choose that very port as the
    local one; TCP's simultaneous open (RFC 9293 section 3.5) then connects the socket to itself.
    """
    error = ConnectionRefusedError(errno.ECONNREFUSED, f"nothing listens on {address}: the socket connected to itself")
    return _failed(error, Evidence(errno="ECONNREFUSED", decided_by="network"))


def _failed(error: OSError, evidence: Evidence, reason: Reason | None = None) -> Failed:
    if reason is None:
        reason = reason_of_errno(error.errno, Phase.CONNECT) or Reason.OTHER if error.errno else Reason.TIMEOUT
    evidence.update(exhaustion_evidence(reason))
    blame = blame_for(reason, evidence)
    detail = _strerror(error.errno) if error.errno else str(error)
    return Failed(error, Fault(reason=reason, phase=Phase.CONNECT, blame=blame, detail=detail, evidence=evidence))


@functools.lru_cache
def _strerror(number: int) -> str:
    """The text of an errno; one string object, however many failures keep it."""
    return os.strerror(number)


def _name(number: int | None) -> str:
    return errno.errorcode.get(number or 0, str(number))
