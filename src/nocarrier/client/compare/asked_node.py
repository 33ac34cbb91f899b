"""Asks a node for all that a comparison looks at, be it an older one or a newer one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from nocarrier.client.compare.compared_node import ComparedNode
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import AnotherApiError, NodeUnreachableError, RequestRefusedError
from nocarrier.model.event import DialFailure
from nocarrier.model.node_state import ConnectedPeer, NodeInfo
from nocarrier.web.views import FailuresView, PeersView

MAX_FAILURES = 1_000
"""The most that a node gives."""

_Item = TypeVar("_Item")


def ask(name: str, client: NodeClient) -> ComparedNode:
    """The node that `client` asks, as it shows itself; `name` is what statements call it.

    A verdict needs who the node is and with whom it is connected. Its record and its peer book say more about why, and
    where this version cannot read them, they are named in `ComparedNode.unread`.

    Raises:
        NodeUnreachableError: it does not answer, or what answers is no node.
        AnotherApiError: what a verdict needs is missing.
    """
    try:
        debug = client.get("/api/p2p/debug")
    except RequestRefusedError as error:
        raise NodeUnreachableError(f"{client.url}: {error}") from error
    ahead_s = client.clock_ahead_s
    info = debug.part("node", NodeInfo)
    if info is None:
        raise NodeUnreachableError(f"{client.url} cannot be compared: there is no nocarrier node in that program")
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
    """What `ask` gives; where it cannot be read, nothing, and why is added to `unread`."""
    try:
        return ask()
    except (AnotherApiError, RequestRefusedError) as error:
        unread.append(str(error))
        return []


def _failures(client: NodeClient) -> list[DialFailure]:
    view = client.get("/api/p2p/failures", {"limit": MAX_FAILURES}).read(FailuresView)
    # Samples keep what a noisy peer has pushed out of the record.
    return [*view.failures, *(failure for kept in view.samples for failure in kept.failures)]
