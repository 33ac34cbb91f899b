"""`nocarrier failures`."""

from __future__ import annotations

import click

from nocarrier.cli.node_options import asks_node
from nocarrier.cli.render.text import print_json, print_table
from nocarrier.cli.render.times import Moment
from nocarrier.client.node_client import NodeClient


@click.command
@click.option("--reason", help="Only this reason, such as timeout.")
@click.option("--source", help="Only addresses that came from here, such as seed.")
@click.option("--kind", help="Only these: skip, failure, cancelled or disconnect.")
@click.option("--addr", help="Only this address.")
@click.option("--since", "since_unix", type=Moment(), help="Only the last 90s, 5m, 2h or 7d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Show at most this many.")
@asks_node
def failures(client: NodeClient, *, as_json: bool, **query: object) -> None:
    """Show the newest dial failures, newest first."""
    answer = client.get("/api/p2p/failures", query)
    if as_json:
        print_json(answer.document)
        return
    from nocarrier.cli.render.event_row import COLUMNS, event_row  # noqa: PLC0415 - loaded once there is an answer
    from nocarrier.web.views import FailuresView  # noqa: PLC0415

    view = answer.read(FailuresView)
    if not view.failures:
        click.echo("No failure matches." if view.by_reason else "No failure was recorded.")
        return
    print_table(COLUMNS, map(event_row, view.failures), whole=3)
