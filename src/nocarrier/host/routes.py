"""The routes out of this machine: default routes, refusing routes, interfaces, and whether a gateway answers.

Read from what the kernel shows to every user (proc_net(5), netdevice(7)); no packet is sent. The kernel shows only the
main routing table there: a default route in another table (policy routing) is not seen.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nocarrier.host.kernel import has_route_to
from nocarrier.model.address import IPAddress
from nocarrier.model.probe import Route

if sys.platform == "linux":
    import fcntl

_IPV4_ROUTES = Path("/proc/net/route")
_IPV6_ROUTES = Path("/proc/net/ipv6_route")
_NEIGHBOURS = Path("/proc/net/arp")

_RTF_GATEWAY = 0x2  # linux/route.h
_RTF_REJECT = 0x200
_NO_INTERFACE = "*"
"""The interface of an IPv4 blackhole route, which has no flag of its own (measured)."""
_NULL_ROUTE_METRIC = 0xFFFF_FFFF
"""The metric of the kernel's own last IPv6 route, which every machine has and which refuses whatever no other route
takes (measured)."""

_DEFAULT_IPV4_BITS = 1
_DEFAULT_IPV6_BITS = 3
"""A route this wide is as good as a default route: a VPN lays 0.0.0.0/1 and 128.0.0.0/1 over the default route, and
2000::/3 holds all public IPv6 addresses (RFC 4291 section 2.4)."""

_FAR_AWAY = ("192.0.2.1", "2001:db8::1")
"""Addresses that a default route covers and that no machine has (RFC 5737, RFC 3849)."""

_ATF_COM = 0x2  # linux/if_arp.h: the link has said which machine has the address
_SIOCGIFFLAGS = 0x8913  # linux/sockios.h
_IFREQ = struct.Struct("16sH14x")  # linux/if.h: name, flags; the rest of a union
_IFF_UP, _IFF_LOOPBACK, _IFF_RUNNING = 0x1, 0x8, 0x40  # linux/if.h


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes and interfaces of this machine at one instant."""

    gateways: tuple[str, ...]
    """Next hops of the default routes, IPv4 before IPv6."""
    default_ipv4: bool
    default_ipv6: bool
    reject_routes: tuple[str, ...]
    """Networks, in CIDR notation, that an unreachable, prohibit or blackhole route of this machine refuses."""
    interfaces_up: tuple[str, ...]
    """Interfaces that are up and have a carrier, without loopback."""
    interfaces_down: tuple[str, ...] = ()
    """All other interfaces, without loopback."""


class _Entry(NamedTuple):
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    gateway: str | None
    rejects: bool


def read_routes() -> Routes | None:
    """The routes and interfaces of this machine; None if this system does not show them. Blocks for some 0.1 ms."""
    try:
        ipv4, ipv6 = _read_ipv4(), _read_ipv6()
        interfaces = dict(_interfaces())
    except (OSError, ValueError):
        return None  # a sandbox hides them
    default_ipv4, default_ipv6 = _defaults(ipv4, _DEFAULT_IPV4_BITS), _defaults(ipv6, _DEFAULT_IPV6_BITS)
    return Routes(
        gateways=_once(route.gateway for route in default_ipv4 + default_ipv6 if route.gateway is not None),
        default_ipv4=bool(default_ipv4),
        default_ipv6=bool(default_ipv6),
        reject_routes=_once(str(route.network) for route in ipv4 + ipv6 if route.rejects),
        interfaces_up=tuple(name for name, is_up in interfaces.items() if is_up),
        interfaces_down=tuple(name for name, is_up in interfaces.items() if not is_up),
    )


def _defaults(entries: list[_Entry], bits: int) -> list[_Entry]:
    return [entry for entry in entries if not entry.rejects and entry.network.prefixlen <= bits]


def read_route_to(ip: IPAddress) -> Route | None:
    """The route that packets to `ip` take: the longest prefix wins. None: there is none, or it is not shown."""
    try:
        entries = _read_ipv4() if ip.version == 4 else _read_ipv6()  # noqa: PLR2004 - the IP version
    except (OSError, ValueError):
        return None
    # Among routes to the same network the kernel lists the preferred one first, and max() returns the first.
    entry = max((entry for entry in entries if ip in entry.network), key=_prefix_length, default=None)
    return entry and Route(network=str(entry.network), gateway=entry.gateway, rejects=entry.rejects)


def has_way_out() -> bool:
    """Whether this machine has a route to anything beyond itself, so that a name look-up could work and lead somewhere.

    A route within the local network counts: this machine's resolver and peers may be there. Sends no packet; blocks for
    some 0.1 ms. If the routes are not shown, only a default route is noticed.
    """
    if any(map(has_route_to, _FAR_AWAY)):  # sees policy routing too
        return True
    try:
        entries = _read_ipv4() + _read_ipv6()
    except (OSError, ValueError):
        return False  # not Linux, or a sandbox hides them
    return any(_leads_beyond(entry) for entry in entries)


def _leads_beyond(entry: _Entry) -> bool:
    # A link that is up has these routes even before this machine has an address.
    network = entry.network
    return not (entry.rejects or network.is_loopback or network.is_link_local or network.is_multicast)


def _prefix_length(entry: _Entry) -> int:
    return entry.network.prefixlen


def read_neighbours() -> dict[str, bool]:
    """IPv4 addresses on our links that ARP looked up recently, and whether anybody answered. Empty: not known."""
    try:
        lines = _NEIGHBOURS.read_text(encoding="utf-8").splitlines()[1:]
        return {address: bool(int(flags, 16) & _ATF_COM) for address, _, flags, *_ in map(str.split, lines)}
    except (OSError, ValueError):
        return {}


def _read_ipv4() -> list[_Entry]:
    return list(_parse_ipv4(_IPV4_ROUTES.read_text(encoding="utf-8")))


def _read_ipv6() -> list[_Entry]:
    # If IPv6 is off in the kernel, there is no such file.
    return list(_parse_ipv6(_IPV6_ROUTES.read_text(encoding="utf-8"))) if _IPV6_ROUTES.exists() else []


def _parse_ipv4(text: str) -> Iterator[_Entry]:
    for line in text.splitlines()[1:]:
        interface, destination, gateway, flag_text, _, _, _, mask, *_ = line.split()
        flags = int(flag_text, 16)
        network = ipaddress.IPv4Network((_ipv4(destination), str(_ipv4(mask))))
        hop = str(_ipv4(gateway)) if flags & _RTF_GATEWAY else None
        yield _Entry(network, hop, rejects=bool(flags & _RTF_REJECT) or interface == _NO_INTERFACE)


def _ipv4(text: str) -> ipaddress.IPv4Address:
    """The address that the kernel shows as a single number in this machine's byte order."""
    return ipaddress.IPv4Address(struct.pack("=I", int(text, 16)))


def _parse_ipv6(text: str) -> Iterator[_Entry]:
    for line in text.splitlines():
        destination, bits, _, _, gateway, metric, _, _, flag_text, _ = line.split()
        if int(metric, 16) == _NULL_ROUTE_METRIC:
            continue
        flags = int(flag_text, 16)
        network = ipaddress.IPv6Network((int(destination, 16), int(bits, 16)))
        hop = str(ipaddress.IPv6Address(int(gateway, 16))) if flags & _RTF_GATEWAY else None
        yield _Entry(network, hop, rejects=bool(flags & _RTF_REJECT))


def _interfaces() -> Iterator[tuple[str, bool]]:
    """All interfaces but loopback, and whether each is up and has a carrier."""
    if sys.platform != "linux":
        return  # not reached: the files above are Linux's
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, _IFREQ.pack(name.encode(), 0))
            except OSError:
                continue  # removed since it was listed
            _, flags = _IFREQ.unpack_from(answer)
            if not flags & _IFF_LOOPBACK:
                yield name, bool(flags & _IFF_UP and flags & _IFF_RUNNING)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
