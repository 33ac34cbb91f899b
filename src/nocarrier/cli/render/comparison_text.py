"""Two nodes side by side, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console

from nocarrier.cli.render.lines import Line, print_lines
from nocarrier.client.compare.compared_node import ComparedNode
from nocarrier.client.compare.comparison import Comparison, Relation
from nocarrier.client.compare.one_way import OneWay
from nocarrier.model.wording.numbers import count_of, short_id

_STYLES = {
    Relation.CONNECTED: "bold green",
    Relation.POSSIBLE: "bold",
    Relation.FAILING: "bold yellow",
    Relation.IMPOSSIBLE: "bold red",
}


def print_comparison(comparison: Comparison, nodes: Iterable[tuple[str, ComparedNode]]) -> None:
    """Print `comparison` of `nodes`, each with its URL, with colours on a terminal only."""
    print_lines(Console(highlight=False), _lines(comparison, nodes))


def _lines(comparison: Comparison, nodes: Iterable[tuple[str, ComparedNode]]) -> Iterator[Line]:
    yield Line(0, comparison.verdict, style=_STYLES[comparison.outcome])
    yield Line(0, "")
    for url, node in nodes:
        yield Line(0, f"{url}: {_who(node)}", f"{node.name}:")
    apart = [difference for difference in comparison.differences if difference.keeps_apart]
    minor = [difference for difference in comparison.differences if not difference.keeps_apart]
    if apart:
        yield Line(0, "")
        yield Line(0, "what keeps them apart:")
    for difference in apart:
        yield Line(2, f"{difference.field}: {difference.statement}", "-", mark_style="red")
    for one, other, way in (("A", "B", comparison.a_to_b), ("B", "A", comparison.b_to_a)):
        # Why nobody has dialed matters only if a dial could work.
        if way.obstacles or comparison.outcome in {Relation.POSSIBLE, Relation.FAILING}:
            yield from _way(one, other, way)
    if minor:
        yield Line(0, "")
        yield Line(0, "other differences:")
    for difference in minor:
        yield Line(2, f"{difference.field}: {difference.statement}", "-")
    if comparison.unread:
        yield Line(0, "")
        yield Line(0, "could not be read, and was not considered:")
    for what in comparison.unread:
        yield Line(2, what, "-")


def _who(node: ComparedNode) -> str:
    info = node.info
    parts = [
        f"node {short_id(info.node_id)}",
        f'network "{info.network}"',
        f"protocol {info.min_protocol_version} to {info.protocol_version}",
        f"P2P port {info.p2p_port}",
        f"published as {info.advertised_p2p}" if info.advertised_p2p else "does not know its own address",
        f"reachability {info.reachability.state}",
        f"{count_of(len(node.sessions), 'peer')}",
    ]
    return ", ".join(parts)


def _way(one: str, other: str, way: OneWay) -> Iterator[Line]:
    yield Line(0, "")
    known = f"known as {', '.join(way.addrs)}" if way.addrs else "no address known"
    yield Line(0, f"{one} dialing {other} ({known}):")
    for obstacle in way.obstacles:
        yield Line(2, obstacle.statement if obstacle.proven else f"perhaps: {obstacle.statement}", "-")
    if not way.proven:
        yield Line(2, f"not dialed: {way.not_dialed_because}", "-")
