"""What the kernel knows about a connection attempt: the socket's error queue and TCP_INFO.

Works without privilege, on Linux. On other systems, or if a call is missing, the evidence is absent.
Sources: ip(7) and ipv6(7) for IP_RECVERR, linux/errqueue.h, linux/tcp.h; behaviour measured with real firewalls,
routes and silent hosts in network namespaces.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct
import sys
from typing import NamedTuple

from nocarrier.model.fault import Evidence, IcmpEvidence

_RECVERR_IPV4 = (socket.IPPROTO_IP, 11)  # IP_RECVERR, linux/in.h
_RECVERR_IPV6 = (socket.IPPROTO_IPV6, 25)  # IPV6_RECVERR, linux/in6.h
_IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h
_MSG_ERRQUEUE = 0x2000  # linux/socket.h
_SO_EE_ORIGIN_ICMP = 2  # linux/errqueue.h
_SO_EE_ORIGIN_ICMP6 = 3

# struct sock_extended_err: errno, origin, type, code, pad, info, data; the offender's sockaddr follows.
_SOCK_EXTENDED_ERR = struct.Struct("IBBBBII")
_OFFENDER_IPV4 = slice(4, 8)  # sockaddr_in: family, port, address
_OFFENDER_IPV6 = slice(8, 24)  # sockaddr_in6: family, port, flow, address

# struct tcp_info: eight bytes of state, then 32-bit counters. Of interest: tcpi_retransmits (how often the
# retransmission timer fired), tcpi_retrans (retransmitted segments now in the network), tcpi_total_retrans.
_TCP_INFO = struct.Struct("2xB33xI60xI")

_HOST_UNREACHABLE = {(3, 1), (1, 3)}
"""(type, code) by which the kernel itself reports that nobody answered for an address: ICMP host unreachable (RFC 792)
and ICMPv6 address unreachable (RFC 4443)."""

_DISCARD_PORT = 9  # RFC 863; any port would do, as nothing is sent

IS_SUPPORTED = sys.platform == "linux"


def watch_errors(sock: socket.socket, family: int, *, on: bool = True) -> None:
    """Make the kernel keep ICMP errors for this socket; call it before connect(), and with `on=False` once connected.

    If left on, later ICMP errors, even forged ones, would reach an established session at once (ip(7)).
    """
    if not IS_SUPPORTED:
        return
    level, option = _RECVERR_IPV6 if family == socket.AF_INET6 else _RECVERR_IPV4
    try:  # noqa: SIM105 - twice for every dial, and suppress() costs as much as the call itself
        sock.setsockopt(level, option, on)
    except OSError:
        pass  # a sandbox may forbid it; the evidence is then absent


def bind_without_port(sock: socket.socket, ip: str) -> None:
    """Dial from `ip`; the port is chosen at connect(), so that one port can serve many destinations (ip(7)).

    Raises:
        OSError: EADDRNOTAVAIL if this machine has no such address.
    """
    if IS_SUPPORTED:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, True)
    sock.bind((ip, 0))


def failure_evidence(sock: socket.socket, number: int | None, *, returned_by_connect: bool, waited: bool) -> Evidence:
    """What the kernel knows about the attempt on `sock` that has just failed.

    Args:
        sock: the socket, still open.
        number: the errno it failed with; None if our own deadline passed.
        returned_by_connect: connect() itself returned the errno, before any packet could have come back.
        waited: the outcome was still open right after connect().
    """
    evidence = Evidence()
    if number is not None:
        evidence["errno"] = errno.errorcode.get(number, str(number))
    if not IS_SUPPORTED:
        return evidence  # what the same answers mean on another kernel was not measured
    if returned_by_connect:
        evidence["decided_by"] = "local"
        return evidence
    # The caller has read SO_ERROR already: reading the error queue clears it.
    icmp = _read_error_queue(sock)
    if icmp is not None:
        evidence["icmp"] = icmp
    # If the outcome was known at once, the retransmission timer had no time to fire.
    counters = _retransmissions(sock) if waited else _Retransmissions(0, 0, 0)
    if counters is not None:
        evidence["syn_retransmits"] = counters.fired
    if number in {None, errno.ETIMEDOUT}:
        _judge_silence(evidence, counters)
    else:
        evidence["decided_by"] = "network"
    if icmp is not None and _is_own(icmp["hop"], sock):
        # It takes the kernel up to three seconds to ask the link for the next hop's address (less if an earlier dial
        # has already begun). A rule of our own answers at once.
        if waited and (icmp["type"], icmp["code"]) in _HOST_UNREACHABLE:
            evidence["no_neighbour"] = True
        else:
            evidence["decided_by"] = "local"
    return evidence


def _judge_silence(evidence: Evidence, counters: _Retransmissions | None) -> None:
    if counters is None or not counters.fired:
        return
    if not counters.sent_again:
        # The first SYN is still waiting in this host for the link to say who has the next hop's address.
        evidence["no_neighbour"] = True
    elif not counters.in_network:
        # It was sent again, but the kernel's own output did not let it go: a firewall here. If the network is silent,
        # the retransmitted segment counts as in the network.
        evidence["decided_by"] = "local"


class _Retransmissions(NamedTuple):
    fired: int
    """How often the retransmission timer fired (tcpi_retransmits)."""
    in_network: int
    """Retransmitted segments that are in the network now (tcpi_retrans)."""
    sent_again: int
    """Segments that the kernel sent again, or tried to (tcpi_total_retrans)."""


def _retransmissions(sock: socket.socket) -> _Retransmissions | None:
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return None
    if len(info) < _TCP_INFO.size:
        return None
    return _Retransmissions(*_TCP_INFO.unpack(info))


def _read_error_queue(sock: socket.socket) -> IcmpEvidence | None:
    try:
        _, ancillary, _, _ = sock.recvmsg(512, 512, _MSG_ERRQUEUE)
    except OSError:
        return None  # no ICMP error came: a RST leaves no entry
    for level, kind, data in ancillary:
        is_ipv6 = (level, kind) == _RECVERR_IPV6
        if not (is_ipv6 or (level, kind) == _RECVERR_IPV4) or len(data) < _SOCK_EXTENDED_ERR.size:
            continue
        _, origin, icmp_type, icmp_code, *_ = _SOCK_EXTENDED_ERR.unpack_from(data)
        if origin not in {_SO_EE_ORIGIN_ICMP, _SO_EE_ORIGIN_ICMP6}:
            continue
        offender = data[_SOCK_EXTENDED_ERR.size :]
        family, where = (socket.AF_INET6, _OFFENDER_IPV6) if is_ipv6 else (socket.AF_INET, _OFFENDER_IPV4)
        packed = offender[where]
        if len(packed) == where.stop - where.start:
            return IcmpEvidence(type=icmp_type, code=icmp_code, hop=socket.inet_ntop(family, packed))
    return None


def _is_own(hop: str, sock: socket.socket) -> bool:
    try:
        own = str(sock.getsockname()[0])
    except OSError:
        return False
    # Without an address on the link the socket has no address either, and the kernel reports as localhost.
    return hop == own or own in {"0.0.0.0", "::"}


def source_ip_for(ip: str) -> str | None:
    """The address of this machine from which it would send to `ip`; None if it has no route or no such address.

    Asks by connecting a UDP socket, which sends no packet. That needs no TCP port, so it distinguishes a machine
    without free ports from one without an address; connect() says EADDRNOTAVAIL for both.
    """
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((ip, _DISCARD_PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def is_own_ip(ip: str) -> bool:
    """Whether `ip` is an address of this machine: loopback, or one that the kernel itself would use to talk to it."""
    return ipaddress.ip_address(ip).is_loopback or source_ip_for(ip) == ip


def has_route_to(ip: str) -> bool:
    """Whether this machine has a route for packets to `ip`."""
    return source_ip_for(ip) is not None
