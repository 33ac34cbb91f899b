"""Which addresses this node may dial, and the reason that forbids one. Pure: the caller supplies its own addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from nocarrier.errors import AddressError, ConfigError
from nocarrier.model.address import MAX_PORT, Address, IPAddress, Scope, scope_of
from nocarrier.model.taxonomy import Reason

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Block:
    """Why an address may not be dialed."""

    reason: Reason
    detail: str
    """What decided it, for people."""


class AddressPolicy:
    """Decides which addresses may be dialed.

    Public addresses are always allowed, unusable ones (0.0.0.0, multicast, broadcast, reserved, port 0) never. Check
    the address that a peer or a user wrote (`check_text`), and again every address that a host name resolves to
    (`check`), so that a name cannot bypass the policy.

    Attributes:
        own_addresses: where this node can be reached: listen, advertised and observed addresses. Changes as the node
            learns. A listen address on 0.0.0.0 or [::] means loopback and every `own_ips` address of its family.
        own_ips: the addresses of this machine's interfaces.
    """

    def __init__(self, *, ipv4_only: bool = True, lan_mode: bool = False, allow_networks: Iterable[str] = ()) -> None:
        """Make a policy that does not know any address as its own yet.

        Args:
            ipv4_only: forbid IPv6.
            lan_mode: allow all private and loopback networks.
            allow_networks: allow only these private or loopback networks, such as ``127.0.0.0/8``.

        Raises:
            ConfigError: an entry of `allow_networks` is not a network.
        """
        self.ipv4_only = ipv4_only
        self.lan_mode = lan_mode
        self.allow_networks = tuple(map(_parse_network, allow_networks))
        self.own_addresses: set[Address] = set()
        self.own_ips: set[IPAddress] = set()

    def check_text(self, text: str, default_port: int | None = None) -> Block | None:
        """What forbids the address written in `text`; None if it is allowed."""
        try:
            address = Address.parse(text, default_port=default_port)
        except AddressError as error:
            return Block(Reason.INVALID_IPV4_ENDPOINT, str(error))
        return self.check_address(address)

    def check_address(self, address: Address) -> Block | None:
        """What forbids `address`; a host name is allowed unless it is our own: it is checked again once resolved."""
        if address.ip is not None:
            return self.check(address.ip, address.port)
        if address in self.own_addresses:
            return Block(Reason.SELF_DIAL_BLOCKED, f"{address} is this node's own address")
        return None

    def check(self, ip: IPAddress, port: int) -> Block | None:
        """What forbids dialing `port` of `ip`; None if it is allowed.

        The first check that fails is the one reported. The order goes from what no setting can change to what one
        setting can, so that the advice that comes with a reason always helps:

        1. Self: our own address is usually private or loopback too, but no setting makes it sensible to dial it.
        2. Unusable: nobody can dial a multicast address. To report a blocked family or network would point the reader
           to a setting that does not help.
        3. Family: with IPv6 off, the network of an IPv6 address does not matter.
        4. Loopback, then private: `lan_mode` or `allow_networks` allows them.
        """
        ip = _plain_form(ip)
        return self._check_self(ip, port) or _check_usable(ip, port) or self._check_family(ip) or self._check_scope(ip)

    def _check_self(self, ip: IPAddress, port: int) -> Block | None:
        # 0.0.0.0 in somebody's list does not mean us, though we may listen on it: it is nobody's address.
        if ip.is_unspecified:
            return None
        address = Address(str(ip), port)
        if address in self.own_addresses:
            return Block(Reason.SELF_DIAL_BLOCKED, f"{address} is this node's own address")
        wildcard = Address("0.0.0.0" if ip.version == 4 else "::", port)  # noqa: PLR2004 - the IP version
        if wildcard in self.own_addresses and (ip.is_loopback or ip in self.own_ips):
            return Block(Reason.SELF_DIAL_BLOCKED, f"{ip} is this machine and this node listens on {wildcard}")
        return None

    def _check_family(self, ip: IPAddress) -> Block | None:
        if self.ipv4_only and isinstance(ip, ipaddress.IPv6Address):
            return Block(Reason.IPV6_BLOCKED, f"{ip} is IPv6 and ipv4_only is on")
        return None

    def _check_scope(self, ip: IPAddress) -> Block | None:
        scope = scope_of(ip)
        if scope is Scope.PUBLIC or self.lan_mode:
            return None
        if any(ip in network for network in self.allow_networks):
            return None
        reason = Reason.LOOPBACK_BLOCKED if scope is Scope.LOOPBACK else Reason.PRIVATE_IP_BLOCKED
        which = "and in none of allow_networks" if self.allow_networks else "and allow_networks is empty"
        return Block(reason, f"{ip} is {scope}, lan_mode is off {which}")


def _check_usable(ip: IPAddress, port: int) -> Block | None:
    if not 1 <= port <= MAX_PORT:
        return Block(Reason.INVALID_IPV4_ENDPOINT, f"port {port} is out of range; allowed are 1 to {MAX_PORT}")
    if scope_of(ip) is Scope.UNUSABLE:
        return Block(Reason.INVALID_IPV4_ENDPOINT, f"{ip} is unspecified, multicast, broadcast or reserved")
    return None


def _plain_form(ip: IPAddress) -> IPAddress:
    """`ip` in its plain form: a resolver may write an IPv4 address as IPv6, or add a zone (RFC 4007)."""
    if isinstance(ip, ipaddress.IPv6Address):
        plain = ipaddress.IPv6Address(int(ip))
        return plain.ipv4_mapped or plain
    return ip


def _parse_network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(
            f"allow_networks: {error}; allowed are networks without host bits, like 127.0.0.0/8 or fc00::/7"
        ) from error
