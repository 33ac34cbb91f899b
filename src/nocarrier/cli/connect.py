"""`nocarrier connect ADDR`."""

from __future__ import annotations

import json
import sys

import click

from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import printable
from nocarrier.client.node_client import NodeClient, asks_node
from nocarrier.model.taxonomy import Reason

TIMEOUT_S = 120.0
"""A dial has its own deadlines, connecting (10 s) and the handshake window (36 s) by default; this is for others."""


@click.command
@click.argument("addr")
@asks_node
def connect(client: NodeClient, addr: str, *, as_json: bool) -> None:
    """Dial ADDR (host:port) now, passing backoff, and say what became of it."""
    with progress(f"dialing {addr}"):
        result = client.post("/api/p2p/connect", {"peer_addr": addr}, TIMEOUT_S)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo("\n".join(_lines(result)))
    sys.exit(0 if result["outcome"] == "connected" else 1)


def _lines(result: dict[str, object]) -> list[str]:
    addr, reason = printable(result["peer_addr"]), result["reason"]
    took = f" after {result['duration_s']:.3g} s" if isinstance(result["duration_s"], int | float) else ""
    if reason is None:
        node = f", node {printable(result['node_id'])}" if result["node_id"] else ""
        return [f"{addr}: {printable(result['outcome'])}{took}{node}"]
    lines = [
        f"{addr}: {printable(result['outcome'])}{took}: {printable(reason)}, in phase {printable(result['phase'])}"
    ]
    if result["detail"]:
        lines.append(f"  detail:    {printable(result['detail'])}")
    # A newer node may know reasons that this program does not.
    known = {row.value: row for row in Reason}.get(str(reason))
    if known is not None:
        lines += [f"  meaning:   {known.meaning}", f"  next step: {known.next_step}"]
    return lines
