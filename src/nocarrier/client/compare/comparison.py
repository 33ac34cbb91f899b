"""`nocarrier diff`: two nodes side by side. Can they talk, do they, and if not, why not? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from nocarrier.client.compare.compared_node import ComparedNode
from nocarrier.client.compare.one_way import OneWay, one_way
from nocarrier.model.node.state import Direction, NodeInfo
from nocarrier.model.wording.numbers import SHOWN_ID_DIGITS


class Relation(StrEnum):
    """How two nodes relate."""

    CONNECTED = "connected"
    POSSIBLE = "possible"
    """Nothing is known that prevents a connection."""
    FAILING = "failing"
    """Something keeps one node from dialing the other, and the other one has not tried."""
    IMPOSSIBLE = "impossible"
    """Their settings, or what each has seen of the other, keep them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that differs between the two."""

    field: str
    statement: str
    keeps_apart: bool
    a: object
    b: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two nodes side by side."""

    outcome: Relation
    verdict: str
    """One sentence."""
    differences: list[Difference]
    """Those that keep the nodes apart come first."""
    a_to_b: OneWay
    b_to_a: OneWay
    unread: list[str]
    """Parts of the answers that this version cannot read, and that are not considered."""


def compare(a: ComparedNode, b: ComparedNode, *, clock_skew_max_s: float) -> Comparison:
    """How `a` and `b` relate.

    Args:
        a: one node.
        b: the other one.
        clock_skew_max_s: how far two clocks may be apart in a handshake.
    """
    differences = [*_what_must_agree(a, b, clock_skew_max_s), *_what_may_differ(a, b)]
    differences.sort(key=lambda difference: not difference.keeps_apart)
    a_to_b, b_to_a = one_way(a, b), one_way(b, a)
    outcome, verdict = _verdict(a, b, [each for each in differences if each.keeps_apart], a_to_b, b_to_a)
    return Comparison(
        outcome=outcome,
        verdict=verdict,
        differences=differences,
        a_to_b=a_to_b,
        b_to_a=b_to_a,
        unread=[f"{node.name}: {what}" for node in (a, b) for what in node.unread],
    )


# ---- settings -------------------------------------------------------------------------------------------------------


def _what_must_agree(a: ComparedNode, b: ComparedNode, clock_skew_max_s: float) -> Iterator[Difference]:
    ours, theirs = a.info, b.info
    if ours.node_id == theirs.node_id:
        yield _apart("node_id", _same_node(ours, theirs), ours.node_id, theirs.node_id)
    if ours.network != theirs.network:
        statement = f'A is in the network "{ours.network}", B in "{theirs.network}"'
        yield _apart("network", statement, ours.network, theirs.network)
    if ours.genesis != theirs.genesis:
        statement = f"A has genesis {_short(ours.genesis)}, B has {_short(theirs.genesis)}"
        yield _apart("genesis", statement, ours.genesis, theirs.genesis)
    if not _versions_overlap(ours, theirs):
        statement = f"A speaks protocol versions {_versions(ours)}, B speaks {_versions(theirs)}"
        yield _apart("protocol_version", statement, _versions(ours), _versions(theirs))
    apart_s = a.clock_ahead_of(b)
    if apart_s:
        ahead, behind = ("A", "B") if apart_s > 0 else ("B", "A")
        yield Difference(
            field="clock",
            statement=f"the clock of {ahead} is {abs(apart_s):.0f} s ahead of the clock of {behind}; "
            f"at most {clock_skew_max_s:.0f} s is accepted",
            keeps_apart=abs(apart_s) > clock_skew_max_s,
            a=a.clock_unix,
            b=b.clock_unix,
        )


def _same_node(ours: NodeInfo, theirs: NodeInfo) -> str:
    if (ours.p2p_port, ours.started_at_unix) == (theirs.p2p_port, theirs.started_at_unix):
        return "both URLs lead to the same node"
    return (
        f"both nodes have the same id, {_short(ours.node_id)}: one has a copy of the other's node_key.pem, so each "
        "takes the other for itself; delete that file on one of them"
    )


def _versions_overlap(ours: NodeInfo, theirs: NodeInfo) -> bool:
    oldest = max(ours.min_protocol_version, theirs.min_protocol_version)
    return oldest <= min(ours.protocol_version, theirs.protocol_version)


def _what_may_differ(a: ComparedNode, b: ComparedNode) -> Iterator[Difference]:
    ours, theirs = a.info, b.info
    if _versions_overlap(ours, theirs) and _versions(ours) != _versions(theirs):
        yield _minor("protocol_version", _versions(ours), _versions(theirs))
    pairs = {
        "version": (ours.version, theirs.version),
        "ipv4_only": (ours.ipv4_only, theirs.ipv4_only),
        "lan_mode": (ours.lan_mode, theirs.lan_mode),
        "offline": (ours.offline, theirs.offline),
        "reachability": (ours.reachability.state, theirs.reachability.state),
    }
    yield from (_minor(field, one, other) for field, (one, other) in pairs.items() if one != other)


def _apart(field: str, statement: str, a: object, b: object) -> Difference:
    return Difference(field=field, statement=statement, keeps_apart=True, a=a, b=b)


def _minor(field: str, a: object, b: object) -> Difference:
    shown = [str(value).lower() if isinstance(value, bool) else str(value) for value in (a, b)]
    return Difference(field=field, statement=f"A {shown[0]}, B {shown[1]}", keeps_apart=False, a=a, b=b)


def _versions(info: NodeInfo) -> str:
    return f"{info.min_protocol_version} to {info.protocol_version}"


def _short(text: str) -> str:
    return f"{text[:SHOWN_ID_DIGITS]}…" if len(text) > SHOWN_ID_DIGITS else text


# ---- verdict --------------------------------------------------------------------------------------------------------


def _verdict(
    a: ComparedNode, b: ComparedNode, apart: list[Difference], a_to_b: OneWay, b_to_a: OneWay
) -> tuple[Relation, str]:
    if a.info.node_id == b.info.node_id:
        return Relation.IMPOSSIBLE, f"They cannot talk: {apart[0].statement}."
    connected = _connected(a, b)
    if connected is not None:
        return Relation.CONNECTED, connected
    forbidden = [difference.statement for difference in apart] or _both_ways(a_to_b, b_to_a)
    if forbidden:
        return Relation.IMPOSSIBLE, f"They cannot talk: {'; '.join(forbidden)}."
    for way, other_way, one, other in ((a_to_b, b_to_a, "A", "B"), (b_to_a, a_to_b, "B", "A")):
        if way.proven:
            return Relation.FAILING, (
                f"They are not connected: {way.proven[0].statement}. In the other direction, {other} has not dialed "
                f"{one}: {other_way.not_dialed_because}."
            )
    is_sure = not (a_to_b.obstacles or b_to_a.obstacles or a.unread or b.unread)
    sure = "Nothing prevents a connection" if is_sure else "Nothing is known to prevent a connection"
    return Relation.POSSIBLE, (
        f"{sure}, but they are not connected. A has not dialed B: {a_to_b.not_dialed_because}. "
        f"B has not dialed A: {b_to_a.not_dialed_because}."
    )


def _both_ways(a_to_b: OneWay, b_to_a: OneWay) -> list[str]:
    """What keeps both from dialing, in the words of the obstacles; empty if one of them can, as far as is known."""
    holds_both_ways = [each.statement for way in (a_to_b, b_to_a) for each in way.proven if each.both_ways]
    if holds_both_ways or not (a_to_b.proven and b_to_a.proven):
        return holds_both_ways
    return [a_to_b.proven[0].statement, f"and {b_to_a.proven[0].statement}"]


def _connected(a: ComparedNode, b: ComparedNode) -> str | None:
    seen_by_a, seen_by_b = a.session_with(b), b.session_with(a)
    session = seen_by_a or seen_by_b
    if session is None:
        return None
    if seen_by_a is None or seen_by_b is None:
        sees, sees_not = (a, b) if seen_by_a is not None else (b, a)
        return f"{sees.name} says that they are connected, {sees_not.name} does not: the session just began or ended."
    dialed_by = "A" if seen_by_a.direction == Direction.OUTBOUND else "B"
    return f"They are connected; {dialed_by} dialed the other."
