"""`nocarrier peers`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from nocarrier.cli.node_options import asks_node
from nocarrier.cli.render.text import clock_time, print_json, print_note, print_table
from nocarrier.client.node_client import NodeClient
from nocarrier.model.wording.numbers import span

if TYPE_CHECKING:
    from nocarrier.web.views import PeerView


@click.command
@asks_node
def peers(client: NodeClient, *, as_json: bool) -> None:
    """Show the peer book: what is known of each address, and when it will be dialed next."""
    answer = client.get("/api/p2p/peers")
    if as_json:
        print_json(answer.document)
        return
    from nocarrier.web.views import PeersView  # noqa: PLC0415 - loaded once there is an answer

    view = answer.read(PeersView)
    print_table(
        ("address", "state", "from", "last success", "streak", "last reason", "next dial"),
        map(_row, view.peers),
        whole=2,
    )
    if not view.peers:
        print_note("The peer book is empty; set seeds under [node], or dial a peer with: nocarrier connect ADDR")


def _row(peer: PeerView) -> tuple[object, ...]:
    return (
        peer.addr,
        f"{peer.state}, connected" if peer.connected else peer.state,
        peer.source + (f" via {peer.via}" if peer.via else ""),
        clock_time(peer.last_success_unix),
        peer.streak or "",
        peer.last_reason,
        _next_dial(peer),
    )


def _next_dial(peer: PeerView) -> str:
    if peer.connected:
        return ""
    if peer.because is None:
        return "any time"
    if peer.next_attempt_unix is None:
        return f"when something changes ({peer.because})"
    return f"in {span(max(0.0, peer.next_attempt_unix - time.time()))} ({peer.because})"
