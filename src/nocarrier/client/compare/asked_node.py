"""Asks a node, of this or another version, for everything that a comparison needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from nocarrier.client.compare.compared_node import ComparedNode
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import AnotherApiError, NodeUnreachableError, RequestRefusedError
from nocarrier.model.event import DialFailure
from nocarrier.model.node.state import ConnectedPeer, NodeInfo
from nocarrier.web.views import FailuresView, PeersView

MAX_FAILURES = 1_000
"""The most that a node returns."""

_Item = TypeVar("_Item")


def ask(name: str, client: NodeClient) -> ComparedNode:
    """The node that `client` asks, as it shows itself; `name` is what statements call it.

    A verdict needs the node's identity and its sessions. Its record and its peer book say more about why; if this
    version cannot read them, they are named in `ComparedNode.unread`.

    Raises:
        NodeUnreachableError: it does not answer, or the server there is not a node.
        AnotherApiError: what a verdict needs is missing.
    """
    try:
        debug = client.get("/api/p2p/debug")
    except RequestRefusedError as error:
        raise NodeUnreachableError(f"{client.url}: {error}") from error
    ahead_s = client.clock_ahead_s
    info = debug.part("node", NodeInfo)
    if info is None:
        raise NodeUnreachableError(f"{client.url} cannot be compared: that program has no nocarrier node")
    unread: list[str] = []
    return ComparedNode(
        name=name,
        url_host=client.host,
        clock_unix=time.time() + ahead_s if ahead_s is not None else None,
        clock_ahead_s=ahead_s,
        info=info,
        sessions=debug.part("connected_peers", list[ConnectedPeer]) or [],
        failures=[
            *_if_read(unread, lambda: debug.part("dial_failures", list[DialFailure]) or []),
            *_if_read(unread, lambda: _failures(client)),
        ],
        book=_if_read(unread, lambda: client.get("/api/p2p/peers").read(PeersView).peers),
        unread=tuple(unread),
    )


def _if_read(unread: list[str], ask: Callable[[], list[_Item]]) -> list[_Item]:
    """What `ask` returns; if that cannot be read, nothing, and the reason is added to `unread`."""
    try:
        return ask()
    except (AnotherApiError, RequestRefusedError) as error:
        unread.append(str(error))
        return []


def _failures(client: NodeClient) -> list[DialFailure]:
    view = client.get("/api/p2p/failures", {"limit": MAX_FAILURES}).read(FailuresView)
    # Samples keep failures that a noisy peer has pushed out of the record.
    return [*view.failures, *(failure for kept in view.samples for failure in kept.failures)]
