"""`nocarrier failures`."""

from __future__ import annotations

import click

from nocarrier.cli.node_options import asks_node, mistyped_words_told
from nocarrier.cli.render.text import print_json, print_note, print_table
from nocarrier.cli.render.times import Moment
from nocarrier.client.node_client import NodeClient
from nocarrier.model.taxonomy import Kind

_ENTRIES = tuple(kind for kind in Kind if kind.is_entry)
_USUAL_KINDS = ",".join(kind for kind in _ENTRIES if kind != Kind.SKIP)
"""A skip is not a failure, and a node in backoff makes many of them."""


@click.command
@click.option("--reason", help="Only this reason, such as timeout.")
@click.option("--source", help="Only addresses from this source, such as seed.")
@click.option("--kind", help=f"Only these kinds, separated by commas: {', '.join(_ENTRIES)}.  [default: all but skip]")
@click.option("--all", "all_kinds", is_flag=True, help="Show skips too: dials that policy prevented.")
@click.option("--addr", help="Only this address.")
@click.option("--since", "since_unix", type=Moment(), help="Only this far back, such as 90s, 5m, 2h or 7d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Show at most this many.")
@asks_node
def failures(client: NodeClient, *, as_json: bool, all_kinds: bool, kind: str | None, **query: object) -> None:
    """Show the newest dial failures, newest first. Skips are left out unless you ask for them with --kind or --all."""
    if all_kinds and kind is not None:
        raise click.UsageError("use either --all or --kind, not both")
    kinds = kind or (None if all_kinds else _USUAL_KINDS)
    filters = {**query, "kind": kinds}
    with mistyped_words_told(filters):
        answer = client.get("/api/p2p/failures", filters)
    if as_json:
        print_json(answer.document)
        return
    from nocarrier.cli.render.event_row import COLUMNS, event_row  # noqa: PLC0415 - loaded once there is an answer
    from nocarrier.web.views import FailuresView  # noqa: PLC0415

    view = answer.read(FailuresView)
    print_table(COLUMNS, map(event_row, view.failures), whole=3)
    if not view.failures:
        matching = "No failures match" if view.by_reason else "No failures are recorded"
        print_note(f"{matching}. Skips are left out; --all shows them." if kinds == _USUAL_KINDS else f"{matching}.")
