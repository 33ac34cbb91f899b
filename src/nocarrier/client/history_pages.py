"""Reads a node's history page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from nocarrier.client.node_client import NodeClient, RequestRefusedError

PATH = "/api/p2p/history"
FINDINGS_PATH = "/api/p2p/history/findings"

PAGE_EVENTS = 1_000
"""The most that a node gives at once."""

USUAL_KINDS = ("succeeded", "failure", "cancelled", "disconnect")
"""How dials ended. Their beginnings, and the dials that policy kept from starting, are many and say little."""


class Events(NamedTuple):
    """Events of the history, newest first."""

    events: list[Mapping[str, Any]]
    is_complete: bool
    """Whether these are all that match."""
    cover: Mapping[str, Any]


class NoHistoryError(RequestRefusedError):
    """The node keeps no history."""


def read_events(
    client: NodeClient, query: Mapping[str, object], limit: int, tell: Callable[[str], None] = lambda _: None
) -> Events:
    """The newest `limit` events that match `query`.

    Args:
        client: whom to ask.
        query: filters of the route.
        limit: at most so many.
        tell: is called with how far it is.

    Raises:
        NoHistoryError: it keeps none.
        NodeUnreachableError: no node answers, or it cannot read its history now.
        RequestRefusedError: a filter cannot be.
    """
    events: list[Mapping[str, Any]] = []
    cursor = None
    while True:
        page = get(client, PATH, {**query, "limit": min(PAGE_EVENTS, limit - len(events)), "cursor": cursor})
        events += page["events"]
        cursor = page["next_cursor"]
        if cursor is None or len(events) >= limit:
            return Events(events, cursor is None, page["cover"])
        tell(f"reading the history: {len(events)} of {limit} events")


def get(client: NodeClient, path: str, query: Mapping[str, object]) -> Any:
    """The answer of one of the routes of the history; raises as `read_events`."""
    try:
        return client.get(path, query)
    except RequestRefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise NoHistoryError(f"{error} What is in memory: nocarrier failures", error.status) from error
        raise
