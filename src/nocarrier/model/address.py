"""Addresses as peers write them: parsing, normal form, and what kind of network they lie in."""

from __future__ import annotations

import functools
import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from nocarrier.errors import AddressError

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOST_NAME_LENGTH = 253
"""RFC 1035 section 2.3.4, as text without the final dot."""

MAX_ADDRESS_LENGTH = MAX_HOST_NAME_LENGTH + len("[]:65535")
"""Longest text that can be an address; anything longer is refused before it is looked at."""

MAX_PORT = 65535

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4_HOST = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}")
_IPV4_WITH_PORT = re.compile(rf"({_IPV4_HOST.pattern}):([1-9][0-9]{{0,4}})")
"""The usual address, written in its normal form. To see that takes a fifth of the time of reading it part by part."""

_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")

# RFC 6890 and its successors, by what a dial to them means. 198.18.0.0/15 (RFC 2544) and the documentation networks
# count as public, so that test networks behave as in production.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598, carrier-grade NAT
        "169.254.0.0/16",  # RFC 3927, link-local
        "fc00::/7",  # RFC 4193, unique local
        "fe80::/10",  # RFC 4291, link-local
        "fec0::/10",  # RFC 3879, site-local (deprecated, still private)
    )
)
_UNUSABLE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # "this network"; connect() to it reaches localhost on Linux
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the limited broadcast address
        "::/128",  # unspecified
        "ff00::/8",  # multicast
    )
)


class Scope(StrEnum):
    """What kind of network an IP address lies in."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a peer can be dialed: a host (IP address or name, in normal form) and a port.

    `str()` gives the one text form used in records, the peer book and the API: ``192.0.2.1:7072``,
    ``[2001:db8::1]:7072`` or ``seed.example:7072``.
    """

    host: str
    port: int
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the text once: an address is shown far more often than made."""
        text = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        object.__setattr__(self, "_text", text)

    @classmethod
    def parse(cls, text: str, *, default_port: int | None = None) -> Address:
        """Read ``host:port``, ``[ipv6]:port`` or, with `default_port`, a bare host.

        IPv4-mapped IPv6 addresses become the IPv4 address they are, so that no policy is passed by spelling.

        Raises:
            AddressError: not text, too long, no port, port out of range, or neither an IP address nor a host name.
        """
        if not isinstance(text, str):
            raise AddressError(f"an address is text like 192.0.2.1:7072, not {type(text).__name__}")
        if len(text) > MAX_ADDRESS_LENGTH:
            raise AddressError(f"address of {len(text)} characters; at most {MAX_ADDRESS_LENGTH} are possible")
        return _parse(text, default_port)

    @property
    def is_ip(self) -> bool:
        """Whether the host is an IP address and no name."""
        return _IPV4_HOST.fullmatch(self.host) is not None or self.ip is not None

    @property
    def ip(self) -> IPAddress | None:
        """The IP address, or None where the host is a name."""
        return parse_ip(self.host)

    def __str__(self) -> str:
        return self._text


@functools.lru_cache(maxsize=4096)  # a node dials the same peers again and again
def _parse(text: str, default_port: int | None) -> Address:
    usual = _IPV4_WITH_PORT.fullmatch(text)
    if usual is not None and (port := int(usual[2])) <= MAX_PORT:
        return Address(usual[1], port)
    host, port_text = _split(text)
    if port_text is None:
        if default_port is None:
            raise AddressError(f"{text!r} has no port; write it as host:port, an IPv6 address as [host]:port")
        port = default_port
    else:
        port = _parse_port(text, port_text)
    return Address(_normal_host(text, host), port)


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise AddressError(f"{text!r} is not an address; an IPv6 address is written [2001:db8::1]:7072")
        return host, rest[1:] if rest else None
    if text.count(":") > 1:  # a bare IPv6 address cannot carry a port
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _parse_port(text: str, port_text: str) -> int:
    if not (port_text.isascii() and port_text.isdigit() and len(port_text) <= len(str(MAX_PORT))):
        raise AddressError(f"{text!r}: the port must be a number from 1 to {MAX_PORT}")
    port = int(port_text)
    if not 1 <= port <= MAX_PORT:
        raise AddressError(f"{text!r}: port {port} is out of range; allowed are 1 to {MAX_PORT}")
    return port


def _normal_host(text: str, host: str) -> str:
    if "%" in host:
        raise AddressError(f"{text!r}: an address with a zone means nothing to another machine; write it without")
    ip = parse_ip(host)
    if ip is not None:
        return str(ip)
    name = host.removesuffix(".").lower()
    labels = name.split(".")
    # A last label of digits only is a mistyped IPv4 address, never a name (RFC 1123 section 2.1).
    is_name = len(name) <= MAX_HOST_NAME_LENGTH and all(map(_HOST_LABEL.match, labels)) and not labels[-1].isdigit()
    if not is_name:
        raise AddressError(f"{text!r} is neither an IP address nor a host name")
    return name


@functools.lru_cache(maxsize=4096)
def parse_ip(host: str) -> IPAddress | None:
    """The IP address written in `host` (IPv4-mapped IPv6 as IPv4), or None where it is a name or nonsense."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


# IPv6 networks whose last 32 bits are the IPv4 address that packets end at: IPv4-compatible (RFC 4291 section 2.5.5.1)
# and NAT64 (RFC 6052).
_IPV4_AT_THE_END = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96")))


def _embedded_ipv4(ip: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, so that no policy is passed by spelling."""
    if isinstance(ip, ipaddress.IPv4Address) or int(ip) <= 1:  # :: and ::1 are no IPv4 addresses
        return None
    if any(ip in network for network in _IPV4_AT_THE_END):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


@functools.lru_cache(maxsize=4096)
def scope_of(ip: IPAddress) -> Scope:
    """What kind of network `ip` lies in; an IPv6 address that stands for an IPv4 address, what that one lies in."""
    ip = _embedded_ipv4(ip) or ip
    if ip.is_loopback:
        return Scope.LOOPBACK
    if any(ip in network for network in _UNUSABLE if network.version == ip.version):
        return Scope.UNUSABLE
    if any(ip in network for network in _PRIVATE if network.version == ip.version):
        return Scope.PRIVATE
    return Scope.PUBLIC


DEFAULT_NETGROUP_PREFIX = 16
"""IPv4 bits that count as one network, as Bitcoin Core groups; a nocarrier node has a setting for it."""


def netgroup_of(host: str, *, ipv4_prefix: int) -> str:
    """The network that counts as one for limits and verdicts, as text.

    An IPv4 address gives its network of `ipv4_prefix` bits, which the node's settings say: there is no default here, so
    that nobody forgets them. An IPv6 address gives its /32 (the smallest block that address authorities allocate to a
    provider), a name itself.
    """
    ip = parse_ip(host)
    if ip is None:
        return host
    prefix = ipv4_prefix if ip.version == 4 else 32  # noqa: PLR2004 - the IP version
    return str(ipaddress.ip_network((ip, prefix), strict=False))
