"""`nocarrier diff URL URL`: exits with 0 if nothing keeps two nodes apart, else 1; 2 if one cannot be asked."""

from __future__ import annotations

import sys

import click

from nocarrier.cli.render.text import print_json
from nocarrier.client.node_client import NodeClient


@click.command
@click.argument("url")
@click.argument("other_url")
@click.option("--token", envvar="NOCARRIER_TOKEN", help="The token of both nodes; safer in NOCARRIER_TOKEN.")
@click.option("--other-token", help="The second node's token, if different; '' if it has none.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def diff(url: str, other_url: str, token: str | None, other_token: str | None, *, as_json: bool) -> None:
    """Compare the node at URL with the one at OTHER_URL: can they talk, do they, and if not, why not?

    Exits with 0 if they are connected or nothing keeps them apart, 1 if something does, 2 if one of them cannot be
    asked.
    """
    import msgspec  # noqa: PLC0415 - loaded only to compare

    from nocarrier.cli.render.comparison_text import print_comparison  # noqa: PLC0415
    from nocarrier.client.compare.asked_node import ask  # noqa: PLC0415
    from nocarrier.client.compare.comparison import Relation, compare  # noqa: PLC0415
    from nocarrier.sources.node.wire.claims import CLOCK_SKEW_MAX_S  # noqa: PLC0415

    a = ask("A", NodeClient(url, token))
    b = ask("B", NodeClient(other_url, token if other_token is None else other_token))
    comparison = compare(a, b, clock_skew_max_s=CLOCK_SKEW_MAX_S)
    if as_json:
        nodes = {"a": {"url": url, "node_id": a.info.node_id}, "b": {"url": other_url, "node_id": b.info.node_id}}
        print_json(nodes | msgspec.to_builtins(comparison))
    else:
        print_comparison(comparison, ((url, a), (other_url, b)))
    sys.exit(0 if comparison.outcome in {Relation.CONNECTED, Relation.POSSIBLE} else 1)
