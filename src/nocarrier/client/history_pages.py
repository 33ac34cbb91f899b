"""Reads a node's history page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from nocarrier.client.answer import NodeAnswer
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import NoHistoryError, RequestRefusedError
from nocarrier.model.taxonomy import Kind

if TYPE_CHECKING:
    from nocarrier.model.history import StoredEvent
    from nocarrier.web.views import Coverage, HistoryView

PATH = "/api/p2p/history"
FINDINGS_PATH = "/api/p2p/history/findings"

PAGE_EVENTS = 1_000
"""The most that a node returns at once."""

USUAL_KINDS = tuple(kind.value for kind in Kind if kind.ends_dial or kind is Kind.DISCONNECT)
"""How dials ended. Their starts, and the dials that policy prevented, are many and say little."""


@dataclass(frozen=True, slots=True)
class HistoryPages:
    """Events of the history, newest first, in one page or more."""

    answers: list[NodeAnswer]
    views: list[HistoryView]
    """The same, read."""

    @property
    def events(self) -> list[StoredEvent]:
        """The events of all pages."""
        return [event for view in self.views for event in view.events]

    @property
    def is_complete(self) -> bool:
        """Whether these are all that match."""
        return self.views[-1].next_cursor is None

    @property
    def cover(self) -> Coverage:
        """Since when events are kept."""
        return self.views[-1].cover

    def document(self) -> dict[str, Any]:
        """All pages as one, in the node's own words."""
        events = [event for answer in self.answers for event in answer.document["events"]]
        return {"events": events, "is_complete": self.is_complete, "cover": self.answers[-1].document["cover"]}


def read_events(
    client: NodeClient, query: Mapping[str, object], limit: int, tell: Callable[[str], None] = lambda _: None
) -> HistoryPages:
    """The newest `limit` events that match `query`.

    Args:
        client: the client to ask with.
        query: filters of the route.
        limit: at most this many.
        tell: called with the progress.

    Raises:
        NoHistoryError: the node keeps no history.
        NodeUnreachableError: no node answers, or it cannot read its history now.
        RequestRefusedError: a filter is not allowed.
    """
    from nocarrier.web.views import HistoryView  # noqa: PLC0415 - loaded once there is something to read

    pages = HistoryPages([], [])
    count = 0
    cursor = None
    while True:
        answer = get(client, PATH, {**query, "limit": min(PAGE_EVENTS, limit - count), "cursor": cursor})
        view = answer.read(HistoryView)
        pages.answers.append(answer)
        pages.views.append(view)
        count += len(view.events)
        cursor = view.next_cursor
        if cursor is None or count >= limit:
            return pages
        tell(f"reading the history: {count} of {limit} events")


def get(client: NodeClient, path: str, query: Mapping[str, object]) -> NodeAnswer:
    """The answer of one of the routes of the history; raises as `read_events`."""
    try:
        return client.get(path, query)
    except RequestRefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise NoHistoryError(
                f"{error} See the failures in memory with: nocarrier failures", error.status
            ) from error
        raise
