"""The history and, without a gap, what comes after it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from nocarrier.client import history_pages
from nocarrier.client.event_stream import Lost, follow
from nocarrier.client.node_client import NodeClient
from nocarrier.model.event import DialEvent
from nocarrier.web.views import HistoryView, StatusView
from nocarrier.web.views.stream import Gap

WRITTEN_WITHIN_S = 3.0
"""How long the newest events may take to get to disk, several times what they usually need; what comes later is told
as a gap."""

LOOK_EVERY_S = 0.2


class Notice(NamedTuple):
    """What happened to the stream."""

    text: str


class Followed(NamedTuple):
    """One event of the history or of the stream."""

    event: DialEvent
    document: Mapping[str, Any]
    """The same as the node sent it."""


class _Place(NamedTuple):
    """How far the history was written."""

    run: str
    """The present run of the program; events of earlier ones have numbers of their own."""
    seq: int


def follow_history(
    client: NodeClient, query: Mapping[str, object], limit: int, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Followed | Notice]:
    """The newest `limit` events that match `query`, oldest first, and then each as it happens; without end.

    Raises as `history_pages.read_events` and `event_stream.follow`.
    """
    place = _written(client, sleep)
    past = history_pages.read_events(client, query, limit)
    documents = past.document()["events"]
    yield from (Followed(*each) for each in zip(reversed(past.events), reversed(documents), strict=True))
    # The history may have been written further since we looked; it is written in order.
    newest = max((event.seq for event in past.events if event.run == place.run), default=place.seq)
    is_lost = False
    for message in follow(client, place.seq, sleep=sleep):
        if isinstance(message, Lost):
            is_lost = True
            yield Notice(f"{message.why}; trying again in {message.retry_s:.0f} s")
            continue
        if is_lost:
            is_lost = False
            yield Notice("the node answers again")
        match message.view:
            case Gap(missed=None):
                newest = 0
                yield Notice("the node restarted")
            case Gap(missed=missed):
                yield Notice(f"{missed} events were lost on the way here")
            case DialEvent() as event if event.seq > newest and _matches(event, query):
                yield Followed(event, message.sent.document)


def _written(client: NodeClient, sleep: Callable[[float], None]) -> _Place:
    """Wait until the history holds all that there was at the beginning. From then on the node keeps what comes."""
    with contextlib.closing(follow(client, sleep=sleep)) as stream:
        views = (message.view for message in stream if not isinstance(message, Lost))
        status = next(view for view in views if isinstance(view, StatusView))
    deadline = time.monotonic() + WRITTEN_WITHIN_S
    while True:
        newest = history_pages.get(client, history_pages.PATH, {"limit": 1}).read(HistoryView).events
        seq = newest[0].seq if newest and newest[0].run == status.start_id else 0
        if seq >= status.seq or time.monotonic() > deadline:
            return _Place(status.start_id, seq)
        sleep(LOOK_EVERY_S)


def _matches(event: DialEvent, query: Mapping[str, object]) -> bool:
    kinds = query.get("kind")
    if kinds is not None and event.kind not in str(kinds).split(","):
        return False
    return all(query.get(key) in {None, getattr(event, key)} for key in ("reason", "source", "phase", "addr", "via"))
