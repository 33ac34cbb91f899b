"""`nocarrier failures`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from nocarrier.cli.render.evidence import in_words
from nocarrier.cli.render.text import clock_time, print_table
from nocarrier.cli.render.times import Moment
from nocarrier.client.node_client import NodeClient, asks_node


@click.command
@click.option("--reason", help="Only this reason, such as timeout.")
@click.option("--source", help="Only addresses that came from here, such as seed.")
@click.option("--kind", help="Only these: skip, failure, cancelled or disconnect.")
@click.option("--addr", help="Only this address.")
@click.option("--since", "since_unix", type=Moment(), help="Only the last 90s, 5m, 2h or 7d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@asks_node
def failures(client: NodeClient, *, as_json: bool, **query: object) -> None:
    """Show the newest dial failures, newest first."""
    answer = client.get("/api/p2p/failures", query)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    if not answer["failures"]:
        click.echo("No failure matches." if answer["by_reason"] else "No failure was recorded.")
        return
    print_table(("time", "address", "reason", "from", "what is known"), map(_row, answer["failures"]), whole=3)


def _row(failure: Mapping[str, Any]) -> tuple[object, ...]:
    repeats = f" ({failure['repeats']} times)" if failure["repeats"] > 1 else ""
    via = f" via {failure['via']}" if failure["via"] else ""
    known = in_words(failure)
    return (
        clock_time(failure["at_unix"]),
        failure["addr"],
        failure["reason"] + repeats,
        failure["source"] + via,
        f"{failure['phase']}, blame {failure['blame']}" + (f": {known}" if known else ""),
    )
