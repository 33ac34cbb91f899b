"""One of two compared nodes, as its own API shows it, and where it can be dialed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nocarrier.errors import AddressError
from nocarrier.model.address import Address, Scope, scope_of
from nocarrier.model.event import DialFailure
from nocarrier.model.node.state import ConnectedPeer, NodeInfo
from nocarrier.web.views import PeerView

DATE_ERROR_S = 2.0
"""A Date header counts whole seconds (RFC 9110 section 5.6.7) and may be cached for one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedNode:
    """One of the two nodes, as its own API shows it."""

    name: str
    """What statements call it: A or B."""
    url_host: str
    """Where its API was asked."""
    clock_unix: float | None
    """Its clock, accurate to a second or two; None: unknown."""
    clock_ahead_s: float | None
    """How far its clock was ahead of ours."""
    info: NodeInfo
    sessions: list[ConnectedPeer]
    failures: list[DialFailure]
    """Its record, in any order; entries may occur twice."""
    book: list[PeerView]
    unread: tuple[str, ...] = ()
    """Parts of its answers that this version cannot read, and why."""

    def clock_ahead_of(self, other: ComparedNode) -> float:
        """How many seconds its clock is ahead of the clock of `other`; 0 if that is unknown."""
        if self.clock_ahead_s is None or other.clock_ahead_s is None:
            return 0.0
        ahead_s = self.clock_ahead_s - other.clock_ahead_s
        return ahead_s if abs(ahead_s) > DATE_ERROR_S else 0.0

    def started_unix(self, clock_of: ComparedNode) -> float:
        """When it started, by the clock of another node."""
        return self.info.started_at_unix - self.clock_ahead_of(clock_of)

    def session_with(self, other: ComparedNode) -> ConnectedPeer | None:
        """Its session with the other node."""
        return next((session for session in self.sessions if session.node_id == other.info.node_id), None)

    def known_addresses(self) -> Iterator[str]:
        """All addresses in its peer book and its record."""
        yield from (peer.addr for peer in self.book)
        yield from (failure.addr for failure in self.failures)


# ---- addresses ------------------------------------------------------------------------------------------------------


def addresses_of(target: ComparedNode, dialer: ComparedNode) -> list[str]:
    """Where `target` can be dialed, or where the two nodes think so; its own word comes first."""
    addresses = list(_parsed(_told_of(target, dialer)))
    hosts = {address.host for address in addresses}
    if not _is_loopback(target.url_host):
        hosts.add(target.url_host)
    # If both APIs are on this machine, both nodes most likely run on it.
    is_one_machine = _is_loopback(target.url_host) and _is_loopback(dialer.url_host)
    ports = {target.info.p2p_port, target.info.http_port}
    addresses += [
        address
        for address in _parsed(dialer.known_addresses())
        if address.port in ports and (address.host in hosts or (is_one_machine and _is_loopback(address.host)))
    ]
    return [str(address) for address in dict.fromkeys(addresses)]


def _told_of(target: ComparedNode, dialer: ComparedNode) -> Iterator[str]:
    """Addresses of `target`: those that it states, and those at which `dialer` met its identity."""
    yield from filter(None, (target.info.advertised_p2p, target.info.reachability.addr))
    node_id = target.info.node_id
    yield from (session.addr for session in dialer.sessions if session.node_id == node_id)
    yield from (peer.addr for peer in dialer.book if peer.node_id == node_id)
    yield from (failure.addr for failure in dialer.failures if failure.node_id == node_id)


def guessed_address(node: ComparedNode) -> str | None:
    """Where `node` most likely listens: on the host of its API, unless that is only the end of a tunnel."""
    if _is_loopback(node.url_host):
        return None
    return str(Address(node.url_host, node.info.p2p_port))


def _parsed(texts: Iterable[str]) -> Iterator[Address]:
    return (address for text in texts if (address := parse(text)) is not None)


def parse(text: str) -> Address | None:
    """The address, or None if `text` is not one."""
    try:
        return Address.parse(text)
    except AddressError:
        return None


def scope(address: Address) -> Scope | None:
    """What kind of network the address is in; None: it is a name."""
    return scope_of(address.ip) if address.ip is not None else None


def _is_loopback(host: str) -> bool:
    address = parse(f"[{host}]:1" if ":" in host else f"{host}:1")
    return host == "localhost" or (address is not None and scope(address) is Scope.LOOPBACK)


def newest_by_address(failures: Iterable[DialFailure], left_out: frozenset[str]) -> Mapping[str, DialFailure]:
    """The newest entry of each address, ignoring the reasons in `left_out`."""
    newest: dict[str, DialFailure] = {}
    for failure in failures:
        known = newest.get(failure.addr)
        if failure.reason not in left_out and (known is None or failure.at_unix >= known.at_unix):
            newest[failure.addr] = failure
    return newest
