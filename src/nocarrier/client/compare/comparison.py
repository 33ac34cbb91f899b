"""`nocarrier diff`: two nodes side by side. Can they talk, do they, and if not, what is in the way? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from nocarrier.client.compare.compared_node import ComparedNode, Info
from nocarrier.client.compare.one_way import OneWay, one_way

SHOWN_DIGITS = 12
"""Of a genesis or node id: enough to see that two differ."""


class Outcome(StrEnum):
    """How two nodes stand to each other."""

    CONNECTED = "connected"
    POSSIBLE = "possible"
    """Nothing speaks against it."""
    FAILING = "failing"
    """Something keeps one of them from dialing the other, and the other one has not tried."""
    IMPOSSIBLE = "impossible"
    """Their settings, or what each sees of the other, keep them apart."""


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

    outcome: Outcome
    verdict: str
    """One sentence."""
    differences: list[Difference]
    """What keeps them apart comes first."""
    a_to_b: OneWay
    b_to_a: OneWay


def compare(a: ComparedNode, b: ComparedNode, *, clock_skew_max_s: float) -> Comparison:
    """How `a` and `b` stand to each other.

    Args:
        a: one node.
        b: the other one.
        clock_skew_max_s: how far two clocks may be apart in a handshake.
    """
    differences = [*_what_must_agree(a, b, clock_skew_max_s), *_what_may_differ(a, b)]
    differences.sort(key=lambda difference: not difference.keeps_apart)
    a_to_b, b_to_a = one_way(a, b), one_way(b, a)
    outcome, verdict = _verdict(a, b, [each for each in differences if each.keeps_apart], a_to_b, b_to_a)
    return Comparison(outcome=outcome, verdict=verdict, differences=differences, a_to_b=a_to_b, b_to_a=b_to_a)


# ---- settings -------------------------------------------------------------------------------------------------------


def _what_must_agree(a: ComparedNode, b: ComparedNode, clock_skew_max_s: float) -> Iterator[Difference]:
    ours, theirs = a.info, b.info
    if ours.node_id == theirs.node_id:
        yield _apart("node_id", _same_node(ours, theirs), ours.node_id, theirs.node_id)
    if _differ(ours.network, theirs.network):
        statement = f'A is of the network "{ours.network}", B of "{theirs.network}"'
        yield _apart("network", statement, ours.network, theirs.network)
    if _differ(ours.genesis, theirs.genesis):
        statement = f"A has the genesis {_short(ours.genesis)}, B {_short(theirs.genesis)}"
        yield _apart("genesis", statement, ours.genesis, theirs.genesis)
    if not _versions_overlap(ours, theirs):
        statement = f"A speaks protocol {_versions(ours)}, B {_versions(theirs)}"
        yield _apart("protocol_version", statement, _versions(ours), _versions(theirs))
    apart_s = a.clock_ahead_of(b)
    if apart_s:
        ahead, behind = ("A", "B") if apart_s > 0 else ("B", "A")
        yield Difference(
            field="clock",
            statement=f"the clock of {ahead} is {abs(apart_s):.0f} s ahead of that of {behind}; "
            f"at most {clock_skew_max_s:.0f} s are accepted",
            keeps_apart=abs(apart_s) > clock_skew_max_s,
            a=a.clock_unix,
            b=b.clock_unix,
        )


def _same_node(ours: Info, theirs: Info) -> str:
    if (ours.p2p_port, ours.started_at_unix) == (theirs.p2p_port, theirs.started_at_unix):
        return "both URLs lead to the same node"
    return (
        f"both nodes have the same id, {_short(ours.node_id)}: one has a copy of the other's node_key.pem, so each "
        "takes the other one for itself; delete that file of one of them"
    )


def _versions_overlap(ours: Info, theirs: Info) -> bool:
    limits = (ours.min_protocol_version, ours.protocol_version, theirs.min_protocol_version, theirs.protocol_version)
    oldest_of_ours, newest_of_ours, oldest_of_theirs, newest_of_theirs = limits
    if oldest_of_ours is None or newest_of_ours is None or oldest_of_theirs is None or newest_of_theirs is None:
        return True  # as far as is known
    return max(oldest_of_ours, oldest_of_theirs) <= min(newest_of_ours, newest_of_theirs)


def _what_may_differ(a: ComparedNode, b: ComparedNode) -> Iterator[Difference]:
    ours, theirs = a.info, b.info
    if _versions_overlap(ours, theirs) and _versions(ours) != _versions(theirs):
        yield _minor("protocol_version", _versions(ours), _versions(theirs))
    for field in ("version", "ipv4_only", "lan_mode", "offline"):
        if _differ(getattr(ours, field), getattr(theirs, field)):
            yield _minor(field, getattr(ours, field), getattr(theirs, field))
    if ours.reachability.state != theirs.reachability.state:
        yield _minor("reachability", ours.reachability.state, theirs.reachability.state)


def _differ(ours: object, theirs: object) -> bool:
    """Whether both are known, and not the same."""
    return ours is not None and theirs is not None and ours != theirs


def _apart(field: str, statement: str, a: object, b: object) -> Difference:
    return Difference(field=field, statement=statement, keeps_apart=True, a=a, b=b)


def _minor(field: str, a: object, b: object) -> Difference:
    shown = [str(value).lower() if isinstance(value, bool) else str(value) for value in (a, b)]
    return Difference(field=field, statement=f"A {shown[0]}, B {shown[1]}", keeps_apart=False, a=a, b=b)


def _versions(info: Info) -> str:
    return f"{info.min_protocol_version} to {info.protocol_version}"


def _short(text: str | None) -> str:
    return f"{text[:SHOWN_DIGITS]}…" if text is not None and len(text) > SHOWN_DIGITS else str(text)


# ---- verdict --------------------------------------------------------------------------------------------------------


def _verdict(
    a: ComparedNode, b: ComparedNode, apart: list[Difference], a_to_b: OneWay, b_to_a: OneWay
) -> tuple[Outcome, str]:
    connected = _connected(a, b)
    if a.info.node_id == b.info.node_id:
        return Outcome.IMPOSSIBLE, f"They cannot talk: {apart[0].statement}."
    if connected is not None:
        return Outcome.CONNECTED, connected
    if apart:
        return Outcome.IMPOSSIBLE, f"They cannot talk: {'; '.join(difference.statement for difference in apart)}."
    proven = [[each for each in way.obstacles if each.proven] for way in (a_to_b, b_to_a)]
    both_ways = [each.statement for way in proven for each in way if each.both_ways]
    if both_ways:
        return Outcome.IMPOSSIBLE, f"They cannot talk: {'; '.join(both_ways)}."
    if all(proven):
        return Outcome.IMPOSSIBLE, f"They cannot talk: {proven[0][0].statement}; and {proven[1][0].statement}."
    if proven[0]:
        return Outcome.FAILING, _failing(proven[0][0].statement, "B", "A", b_to_a)
    if proven[1]:
        return Outcome.FAILING, _failing(proven[1][0].statement, "A", "B", a_to_b)
    sure = (
        "Nothing speaks against it" if not (a_to_b.obstacles or b_to_a.obstacles) else "Nothing is known to forbid it"
    )
    return Outcome.POSSIBLE, (
        f"{sure}, and they are not connected. A has not dialed B: {a_to_b.not_dialed_because}. "
        f"B has not dialed A: {b_to_a.not_dialed_because}."
    )


def _failing(statement: str, other: str, one: str, other_way: OneWay) -> str:
    return (
        f"They do not get together: {statement}. The other way round {other} has not dialed {one}: "
        f"{other_way.not_dialed_because}."
    )


def _connected(a: ComparedNode, b: ComparedNode) -> str | None:
    seen_by_a, seen_by_b = a.session_with(b), b.session_with(a)
    session = seen_by_a or seen_by_b
    if session is None:
        return None
    if seen_by_a is None or seen_by_b is None:
        sees, sees_not = (a, b) if seen_by_a is not None else (b, a)
        return f"They are connected, says {sees.name}; {sees_not.name} does not say so: it has just begun, or ended."
    dialed_by = "A" if seen_by_a.direction == "outbound" else "B"
    return f"They are connected; {dialed_by} dialed the other."
