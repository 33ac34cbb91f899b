"""One connection attempt to one address, on our own non-blocking socket, with the kernel's evidence when it fails."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import NamedTuple

from nocarrier.classify import blame_for
from nocarrier.classify.errnos import reason_of_errno
from nocarrier.dial import kernel
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.address import Address, IPAddress
from nocarrier.model.taxonomy import Phase, Reason

NOTED_LAG_S = 0.05
"""An event loop later than this at a deadline is noted as evidence; a healthy one is late by a few milliseconds."""


class Failed(NamedTuple):
    """An attempt that failed: `error` is what the caller will see, `fault` what is recorded."""

    error: OSError
    fault: Fault


async def connect_socket(
    address: Address, timeout_s: float, local_ip: IPAddress | None = None
) -> socket.socket | Failed:
    """Connect to `address`, an IP address, within `timeout_s` seconds. Raises only when it is cancelled.

    `local_ip` is the address of this machine to dial from, where it can reach `address` at all: a socket on loopback
    cannot reach the world, nor the world be dialed from one family to another.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    destination = (address.host, address.port)
    try:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as exc:
        return _failed(exc, Evidence(errno=_name(exc.errno), decided_by="local"))
    connected = False
    try:
        kernel.watch_errors(sock, family)
        if local_ip is not None and _can_reach(local_ip, address):
            try:
                kernel.bind_without_port(sock, str(local_ip))
            except OSError as exc:
                return _failed(exc, Evidence(errno=_name(exc.errno), decided_by="local"))
        number: int | None = sock.connect_ex(destination)
        returned_by_connect = number != errno.EINPROGRESS
        waited = False
        late_s = None
        if not returned_by_connect:
            # On this machine's own addresses the outcome is often there already; asking again spares the event loop.
            number = sock.connect_ex(destination)
            waited = number == errno.EALREADY
            if waited:
                late_s = await _wait_until_decided(loop, sock, started + timeout_s)
                number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if late_s is None else None
        if number in {0, errno.EISCONN}:
            connected = sock.getsockname()[:2] != destination
            if not connected:
                return _met_itself(address)
            kernel.watch_errors(sock, family, on=False)
            return sock
        evidence = kernel.failure_evidence(sock, number, returned_by_connect=returned_by_connect, waited=waited)
        evidence["elapsed_s"] = round(loop.time() - started, 6)
        if late_s is not None and late_s > NOTED_LAG_S:
            evidence["loop_lag_s"] = round(late_s, 3)
        if number is None:
            return _failed(TimeoutError(f"no answer from {address} within {timeout_s:.3g} s"), evidence)
        error = OSError(number, f"{os.strerror(number)}, connecting to {address}")
        reason = None
        if number == errno.EADDRNOTAVAIL and not kernel.lacks_source_address(family, destination):
            reason = Reason.EPHEMERAL_PORTS_EXHAUSTED
        elif number == errno.EACCES and evidence.get("decided_by") == "network":
            # A router prohibits it. Linux makes EACCES of that in ICMPv6, EHOSTUNREACH in ICMP.
            reason = Reason.HOST_UNREACHABLE
        return _failed(error, evidence, reason)
    finally:
        if not connected:
            sock.close()


async def _wait_until_decided(loop: asyncio.AbstractEventLoop, sock: socket.socket, deadline: float) -> float | None:
    """Wait until the kernel knows the outcome, or until `deadline`; then return how late the loop noticed it, in s."""
    decided: asyncio.Future[float | None] = loop.create_future()
    descriptor = sock.fileno()
    loop.add_writer(descriptor, _settle, decided, None)
    # A loop that was blocked past the deadline sees a finished connection before the timer: ready descriptors come first.
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


def _met_itself(address: Address) -> Failed:
    """The failure of a socket that met itself.

    Dialing a port of this machine on which nobody listens can hit the very port the kernel chose for us; TCP's
    simultaneous open (RFC 9293 section 3.5) then connects the socket to itself.
    """
    error = ConnectionRefusedError(errno.ECONNREFUSED, f"nothing listens on {address}: the socket met itself")
    return _failed(error, Evidence(errno="ECONNREFUSED", decided_by="network"))


def _failed(error: OSError, evidence: Evidence, reason: Reason | None = None) -> Failed:
    if reason is None:
        reason = reason_of_errno(error.errno, Phase.CONNECT) or Reason.OTHER if error.errno else Reason.TIMEOUT
    blame = blame_for(reason, evidence)
    detail = error.strerror or str(error)
    return Failed(error, Fault(reason=reason, phase=Phase.CONNECT, blame=blame, detail=detail, evidence=evidence))


def _name(number: int | None) -> str:
    return errno.errorcode.get(number or 0, str(number))
