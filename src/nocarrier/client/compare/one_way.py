"""What keeps one of two nodes from dialing the other, as far as their APIs show. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nocarrier.client.compare.compared_node import (
    ComparedNode,
    addresses_of,
    guessed_address,
    newest_by_address,
    parse,
    scope,
)
from nocarrier.model.address import Address, Scope
from nocarrier.model.event import DialFailure
from nocarrier.model.node.state import Direction, Reachability
from nocarrier.model.taxonomy import Kind, Reason
from nocarrier.model.wording.numbers import count_of, span

_SAYS_NOTHING = frozenset(
    {
        Reason.ALREADY_CONNECTED,
        Reason.ALREADY_DIALING,
        Reason.BACKOFF_ACTIVE,
        Reason.SLOTS_FULL,
        Reason.SHUTTING_DOWN,
        Reason.CANCELLED,
        Reason.DUPLICATE_CONNECTION,
    }
)
"""Entries about the moment, or about an earlier entry, not about the two nodes."""

_HOLDS_BOTH_WAYS = frozenset({Reason.BANNED, Reason.BANNED_LOCAL, Reason.TICKET_INVALID})
"""A node that refuses another for this does not dial it either: admission is the same in both directions."""

_SETTINGS_SAY_IT = frozenset({Reason.VERSION_MISMATCH, Reason.GENESIS_MISMATCH, Reason.CLOCK_SKEW})
"""These are judged by the present settings of both nodes, not by what they once told each other."""

_CLOSED = frozenset({Scope.LOOPBACK, Scope.PRIVATE})
"""What a node dials only in LAN mode, or if a setting names the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something that keeps one node from dialing the other."""

    statement: str
    proven: bool
    """Whether it is known to apply now; otherwise it may."""
    both_ways: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """One direction: one node dialing the other."""

    addrs: list[str]
    """Where the other node can be dialed, or where the two nodes think so."""
    obstacles: list[Obstacle]
    not_dialed_because: str
    """Why there is no dial although nothing prevents one."""

    @property
    def proven(self) -> list[Obstacle]:
        """The obstacles that are known to apply."""
        return [obstacle for obstacle in self.obstacles if obstacle.proven]


def one_way(dialer: ComparedNode, target: ComparedNode) -> OneWay:
    """What keeps `dialer` from dialing `target`."""
    addrs = addresses_of(target, dialer)
    recorded = list(_of_record(dialer, target, addrs))
    guessed = [] if recorded else list(_of_policy(dialer, target, addrs))
    obstacles = [*_of_settings(dialer, target, addrs), *recorded, *guessed]
    return OneWay(addrs=addrs, obstacles=obstacles, not_dialed_because=_why_not_dialed(dialer, target, addrs))


def _of_settings(dialer: ComparedNode, target: ComparedNode, addrs: list[str]) -> Iterator[Obstacle]:
    """What each node says about itself."""
    a, b, theirs = dialer.name, target.name, target.info
    if dialer.info.offline:
        yield _proven(f"{a} has no usable network: {dialer.info.offline_because or 'it does not say why'}")
    if len(target.sessions) >= theirs.max_peers:
        yield _proven(f"{b} is full: all its {theirs.max_peers} places are taken")
    if dialer.info.ipv4_only and _are_ipv6(addrs):
        yield _proven(f"{a} has ipv4_only on, and only IPv6 addresses of {b} are known ({', '.join(addrs)})")
    published = parse(theirs.advertised_p2p or "")
    if published is not None and published.port == theirs.http_port != theirs.p2p_port:
        yield _proven(
            f"{b} publishes {published}, which is its HTTP port; its P2P port is {theirs.p2p_port}: set "
            f"advertise on {b}"
        )
    if theirs.reachability.state == Reachability.PRIVATE:
        where = f" at {theirs.reachability.addr}" if theirs.reachability.addr else ""
        yield Obstacle(statement=f"peers that {b} asked could not dial it{where}", proven=False)


def _proven(statement: str) -> Obstacle:
    return Obstacle(statement=statement, proven=True)


def _are_ipv6(addrs: Iterable[str]) -> bool:
    """Whether all of `addrs` are IPv6; false if there are none."""
    hosts = [address.host for address in _addresses(addrs)]
    return bool(hosts) and all(":" in host for host in hosts)


def _addresses(addrs: Iterable[str]) -> list[Address]:
    return [address for addr in addrs if (address := parse(addr)) is not None]


def _of_policy(dialer: ComparedNode, target: ComparedNode, addrs: list[str]) -> Iterator[Obstacle]:
    """Whether lan_mode is likely to forbid it. A node does not show its allow_networks."""
    scopes = set(map(scope, _addresses(addrs)))
    is_closed = not dialer.info.lan_mode and bool(scopes) and scopes <= _CLOSED
    if is_closed and not _dials_into(dialer, scopes):
        kinds = " or ".join(sorted(map(str, scopes)))
        yield Obstacle(
            statement=f"{dialer.name} has lan_mode off, and only {kinds} addresses of {target.name} are known "
            f"({', '.join(addrs)}): {dialer.name} dials them only if its allow_networks names them",
            proven=False,
        )


def _dials_into(node: ComparedNode, scopes: set[Scope | None]) -> bool:
    """Whether `node` has dialed into networks of all these kinds, so that its settings allow at least some of them."""
    worked = [peer.addr for peer in node.book if peer.last_success_unix is not None]
    worked += [session.addr for session in node.sessions if session.direction == Direction.OUTBOUND]
    # A dial that failed after policy was allowed too.
    worked += [failure.addr for failure in node.failures if failure.kind == Kind.FAILURE]
    return scopes <= set(map(scope, _addresses(worked)))


def _of_record(dialer: ComparedNode, target: ComparedNode, addrs: list[str]) -> Iterator[Obstacle]:
    """The newest failure at each address of `target`, unless it has worked since."""
    worked_unix = {peer.addr: peer.last_success_unix or 0.0 for peer in dialer.book}
    newest = newest_by_address(dialer.failures, _SAYS_NOTHING | _SETTINGS_SAY_IT)
    for addr in addrs:
        failure = newest.get(addr)
        if failure is not None and failure.at_unix > worked_unix.get(addr, 0.0):
            since_start = failure.at_unix >= target.started_unix(clock_of=dialer)
            yield Obstacle(
                statement=_failed(dialer, target, failure)
                + ("" if since_start else f"; {target.name} has restarted since"),
                proven=since_start,
                both_ways=failure.reason in _HOLDS_BOTH_WAYS,
            )


def _failed(dialer: ComparedNode, target: ComparedNode, failure: DialFailure) -> str:
    a, b = dialer.name, target.name
    detail = f" ({failure.detail})" if failure.detail else ""
    rejections = target.info.inbound_rejections.get(failure.reason, 0)
    counted = f"; {b} has turned {count_of(rejections, 'connection')} away for this reason" if rejections else ""
    if failure.kind == Kind.SKIP:
        return f"{a} does not dial {failure.addr}: {failure.reason}{detail}"
    ago = f" {span(max(0.0, dialer.clock_unix - failure.at_unix))} ago" if dialer.clock_unix is not None else ""
    return f"{a} dialed {b} at {failure.addr}{ago}: {failure.reason}{detail}{counted}{_port_hint(target, failure.addr)}"


def _port_hint(target: ComparedNode, addr: str) -> str:
    address, info = parse(addr), target.info
    if address is None or address.port == info.p2p_port:
        return ""
    if address.port == info.http_port:
        return f"; that is the HTTP port of {target.name}; its P2P port is {info.p2p_port}"
    return f"; {target.name} listens on port {info.p2p_port}"


def _why_not_dialed(dialer: ComparedNode, target: ComparedNode, addrs: list[str]) -> str:
    a, b = dialer.name, target.name
    known = set(dialer.known_addresses()) & set(addrs)
    if not known:
        addr = addrs[0] if addrs else guessed_address(target) or "HOST:PORT"
        return f"it knows no address of {b}; dial one with nocarrier connect {addr}, or add it to seeds"
    waiting = [peer for peer in dialer.book if peer.addr in known and peer.because is not None]
    if waiting and len(waiting) == len([peer for peer in dialer.book if peer.addr in known]):
        until_unix = waiting[0].next_attempt_unix
        if until_unix is None:
            return f"it waits until something changes, because of {waiting[0].because}"
        left = f" for another {span(max(0.0, until_unix - dialer.clock_unix))}" if dialer.clock_unix is not None else ""
        return f"it waits{left}, because of {waiting[0].because}"
    wanted = dialer.info.target_peers
    if len(dialer.sessions) >= wanted:
        return f"it has as many peers as it wants ({len(dialer.sessions)}, target_peers is {wanted})"
    return f"it knows {min(known)}, but has no record of dialing it yet; ask {a} with: nocarrier doctor"
