"""`nocarrier connect ADDR`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from nocarrier.cli.node_options import asks_node
from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import print_json, printable
from nocarrier.client.node_client import NodeClient

if TYPE_CHECKING:
    from nocarrier.model.node.state import DialResult

TIMEOUT_S = 120.0
"""More than a dial takes by default, which is 10 s to connect and 36 s for the handshake."""


@click.command
@click.argument("addr")
@asks_node
def connect(client: NodeClient, addr: str, *, as_json: bool) -> None:
    """Dial ADDR (host:port) now, even if it is in backoff, and say how it ended.

    Exits with 0 if it is connected, 1 if the dial failed or was skipped, 2 if the node cannot be asked.
    """
    with progress(f"dialing {addr}"):
        answer = client.post("/api/p2p/connect", {"peer_addr": addr}, TIMEOUT_S)
    from nocarrier.model.node.state import DialOutcome, DialResult  # noqa: PLC0415 - loaded once there is an answer

    result = answer.read(DialResult)
    if as_json:
        print_json(answer.document)
    else:
        click.echo("\n".join(_lines(result)))
    sys.exit(0 if result.outcome == DialOutcome.CONNECTED else 1)


def _lines(result: DialResult) -> Iterator[str]:
    took = f" after {result.duration_s:.3g} s" if result.duration_s is not None else ""
    said = f"{printable(result.peer_addr)}: {printable(result.outcome)}{took}"
    reason = result.reason
    if reason is None:
        yield said + (f", node {printable(result.node_id)}" if result.node_id else "")
        return
    yield f"{said}: {printable(reason)}, in phase {printable(result.phase)}"
    if result.detail:
        yield f"  detail:    {printable(result.detail)}"
    if reason.is_known:
        yield f"  meaning:   {reason.meaning}"
        yield f"  next step: {reason.next_step}"
