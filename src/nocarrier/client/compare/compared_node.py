"""What a comparison reads of a node: its API's answers, be it an older one, a newer one, or none of ours at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from nocarrier.errors import AddressError
from nocarrier.model.address import Address, Scope, scope_of

DATE_ERROR_S = 2.0
"""A Date header counts whole seconds (RFC 9110 section 5.6.7) and may be kept for another."""


class ReachabilitySeen(msgspec.Struct, frozen=True, kw_only=True):
    """Whether others can dial the node."""

    state: str = "unknown"
    addr: str | None = None


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """Who the node is. None: it does not say."""

    node_id: str
    version: str | None = None
    network: str | None = None
    genesis: str | None = None
    protocol_version: int | None = None
    min_protocol_version: int | None = None
    p2p_port: int | None = None
    http_port: int | None = None
    advertised_p2p: str | None = None
    ipv4_only: bool | None = None
    lan_mode: bool | None = None
    target_peers: int | None = None
    max_peers: int | None = None
    started_at_unix: float | None = None
    offline: bool = False
    offline_because: str | None = None
    inbound_rejections: dict[str, int] = {}
    reachability: ReachabilitySeen = ReachabilitySeen()


class SessionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One live session."""

    addr: str
    node_id: str
    direction: str = ""


class FailureSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the record."""

    addr: str
    reason: str
    kind: str = "failure"
    detail: str | None = None
    node_id: str | None = None
    at_unix: float = 0.0


class BookPeerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One address of the peer book."""

    addr: str
    node_id: str | None = None
    last_success_unix: float | None = None
    next_attempt_unix: float | None = None
    because: str | None = None


class _Debug(msgspec.Struct, frozen=True, kw_only=True):
    node: Info | None
    connected_peers: list[SessionSeen] = []
    dial_failures: list[FailureSeen] = []


class _Samples(msgspec.Struct, frozen=True, kw_only=True):
    failures: list[FailureSeen] = []


class _Failures(msgspec.Struct, frozen=True, kw_only=True):
    failures: list[FailureSeen] = []
    samples: list[_Samples] = []


class _Peers(msgspec.Struct, frozen=True, kw_only=True):
    peers: list[BookPeerSeen] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedNode:
    """One of the two nodes, as its own API shows it."""

    name: str
    """What statements call it: A or B."""
    url_host: str
    """Where its API was asked."""
    clock_unix: float | None
    """Its clock, to a second or two; None: it did not say."""
    clock_ahead_s: float | None
    """How far that was ahead of ours."""
    info: Info
    sessions: list[SessionSeen]
    failures: list[FailureSeen]
    book: list[BookPeerSeen]

    def clock_ahead_of(self, other: ComparedNode) -> float:
        """How many seconds its clock is ahead of that of `other`; 0 where nobody can tell."""
        if self.clock_ahead_s is None or other.clock_ahead_s is None:
            return 0.0
        ahead_s = self.clock_ahead_s - other.clock_ahead_s
        return ahead_s if abs(ahead_s) > DATE_ERROR_S else 0.0

    def started_unix(self, clock_of: ComparedNode) -> float:
        """When it started, by the clock of another node."""
        return (self.info.started_at_unix or 0.0) - self.clock_ahead_of(clock_of)

    def session_with(self, other: ComparedNode) -> SessionSeen | None:
        """Its session with the other one."""
        return next((session for session in self.sessions if session.node_id == other.info.node_id), None)

    def known_addresses(self) -> Iterator[str]:
        """All addresses of peer book and record."""
        yield from (peer.addr for peer in self.book)
        yield from (failure.addr for failure in self.failures)


def read_node(
    name: str,
    url_host: str,
    *,
    debug: object,
    failures: object,
    peers: object,
    clock_unix: float | None,
    clock_ahead_s: float | None,
) -> ComparedNode:
    """The node that gave these answers, decoded from JSON; see `ComparedNode`.

    Args:
        name: of the node.
        url_host: where it was asked.
        debug: `/api/p2p/debug`.
        failures: `/api/p2p/failures`; None: it does not answer that.
        peers: `/api/p2p/peers`; None likewise.
        clock_unix: its clock.
        clock_ahead_s: how far that was ahead of ours.

    Raises:
        ValueError: these are not the answers of a node; says where they begin to differ.
    """
    seen = _read(_Debug, debug)
    if seen.node is None:
        raise ValueError("it is a program that embeds the tracker without a node of ours")
    entries = _read(_Failures, failures or {})
    # Samples keep what a noisy peer has pushed out of the record.
    all_failures = [
        *seen.dial_failures,
        *entries.failures,
        *(each for kept in entries.samples for each in kept.failures),
    ]
    return ComparedNode(
        name=name,
        url_host=url_host,
        clock_unix=clock_unix,
        clock_ahead_s=clock_ahead_s,
        info=seen.node,
        sessions=seen.connected_peers,
        failures=all_failures,
        book=_read(_Peers, peers or {}).peers,
    )


def _read(wanted: type[Any], answer: object) -> Any:
    try:
        return msgspec.convert(answer, wanted)
    except msgspec.ValidationError as error:
        raise ValueError(f"the answer is not that of a node ({error})") from error


# ---- addresses ------------------------------------------------------------------------------------------------------


def addresses_of(target: ComparedNode, dialer: ComparedNode) -> list[str]:
    """Where `target` can be dialed, or was thought to be, as far as both know; its own word first."""
    node_id = target.info.node_id
    told: list[str | None] = [target.info.advertised_p2p, target.info.reachability.addr]
    told += [session.addr for session in dialer.sessions if session.node_id == node_id]
    told += [peer.addr for peer in dialer.book if peer.node_id == node_id]
    told += [failure.addr for failure in dialer.failures if failure.node_id == node_id]
    addresses = [address for text in told if text is not None and (address := parse(text)) is not None]
    hosts = {address.host for address in addresses}
    is_one_machine = _is_loopback(target.url_host) and _is_loopback(dialer.url_host)
    if not _is_loopback(target.url_host):
        hosts.add(target.url_host)
    ports = {target.info.p2p_port, target.info.http_port}
    for text in dialer.known_addresses():
        address = parse(text)
        if address is None or address.port not in ports:
            continue
        # Where both APIs are asked on this machine, both nodes most likely run on it.
        if address.host in hosts or (is_one_machine and _is_loopback(address.host)):
            addresses.append(address)
    return [str(address) for address in dict.fromkeys(addresses)]


def guessed_address(node: ComparedNode) -> str | None:
    """Where `node` most likely listens: its API was asked on that host, unless that is only the end of a tunnel."""
    if node.info.p2p_port is None or _is_loopback(node.url_host):
        return None
    return str(Address(node.url_host, node.info.p2p_port))


def parse(text: str) -> Address | None:
    """The address, or None where it is none."""
    try:
        return Address.parse(text)
    except AddressError:
        return None


def scope(address: Address) -> Scope | None:
    """What kind of network it lies in; None: it is a name."""
    return scope_of(address.ip) if address.ip is not None else None


def _is_loopback(host: str) -> bool:
    address = parse(f"[{host}]:1" if ":" in host else f"{host}:1")
    return host == "localhost" or (address is not None and scope(address) is Scope.LOOPBACK)


def newest_by_address(failures: list[FailureSeen], left_out: frozenset[str]) -> Mapping[str, FailureSeen]:
    """The newest entry of each address, without those of the reasons `left_out`."""
    newest: dict[str, FailureSeen] = {}
    for failure in failures:
        known = newest.get(failure.addr)
        if failure.reason not in left_out and (known is None or failure.at_unix >= known.at_unix):
            newest[failure.addr] = failure
    return newest
