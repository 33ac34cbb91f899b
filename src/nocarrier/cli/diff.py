"""`nocarrier diff URL URL`: exits with 0 where nothing keeps two nodes apart, 1 where something does, 2 unanswered."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from nocarrier.client.node_client import NodeClient, RequestRefusedError
from nocarrier.errors import NodeUnreachableError


@click.command
@click.argument("url")
@click.argument("other_url")
@click.option("--token", envvar="NOCARRIER_TOKEN", help="The nodes' token; better given as NOCARRIER_TOKEN.")
@click.option("--other-token", help="The second node's token, where it has another one; '' where it has none.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def diff(url: str, other_url: str, token: str | None, other_token: str | None, *, as_json: bool) -> None:
    """Compare the node at URL with that at OTHER_URL: can they talk, do they, and if not, why not?

    Exits with 0 where they are connected or nothing keeps them apart, 1 where something does, 2 where one of them
    cannot be asked.
    """
    import msgspec  # noqa: PLC0415 - loaded by who compares

    from nocarrier.cli.render.comparison_text import print_comparison  # noqa: PLC0415
    from nocarrier.client.compare.comparison import Outcome, compare  # noqa: PLC0415
    from nocarrier.sources.node.wire.claims import CLOCK_SKEW_MAX_S  # noqa: PLC0415

    a = _ask("A", url, token)
    b = _ask("B", other_url, token if other_token is None else other_token)
    comparison = compare(a, b, clock_skew_max_s=CLOCK_SKEW_MAX_S)
    if as_json:
        nodes = {"a": {"url": url, "node_id": a.info.node_id}, "b": {"url": other_url, "node_id": b.info.node_id}}
        click.echo(json.dumps(nodes | msgspec.to_builtins(comparison), indent=2))
    else:
        print_comparison(comparison, ((url, a), (other_url, b)))
    sys.exit(0 if comparison.outcome in {Outcome.CONNECTED, Outcome.POSSIBLE} else 1)


def _ask(name: str, url: str, token: str | None) -> Any:
    from nocarrier.client.compare.compared_node import read_node  # noqa: PLC0415

    client = NodeClient(url, token)
    try:
        debug = client.get("/api/p2p/debug")
    except RequestRefusedError as error:
        raise NodeUnreachableError(f"{url}: {error}") from error
    ahead_s = client.clock_ahead_s
    try:
        return read_node(
            name,
            client.host,
            debug=debug,
            failures=_get_if_there(client, "/api/p2p/failures", {"limit": 1000}),
            peers=_get_if_there(client, "/api/p2p/peers", {}),
            clock_unix=time.time() + ahead_s if ahead_s is not None else None,
            clock_ahead_s=ahead_s,
        )
    except ValueError as error:
        raise NodeUnreachableError(f"{url} cannot be compared: {error}") from error


def _get_if_there(client: NodeClient, path: str, query: dict[str, object]) -> Any:
    """The answer, or None where an older node has no such route."""
    try:
        return client.get(path, query)
    except RequestRefusedError:
        return None
