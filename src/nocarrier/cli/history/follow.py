"""The history, followed without a gap by live events."""

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
"""How long to wait for the newest events to reach the disk: several times what they usually take. Events that take
longer are reported as a gap."""

LOOK_EVERY_S = 0.2


class Notice(NamedTuple):
    """What happened to the stream."""

    text: str


class Followed(NamedTuple):
    """One event of the history or of the stream."""

    event: DialEvent
    document: Mapping[str, Any]
    """The event as the node sent it."""


class _Place(NamedTuple):
    """How far the history had been written."""

    run: str
    """The current run of the program; earlier runs have numbers of their own."""
    seq: int


def follow_history(
    client: NodeClient, query: Mapping[str, object], limit: int, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Followed | Notice]:
    """The newest `limit` events that match `query`, oldest first, then new ones as they happen, without end.

    Raises what `history_pages.read_events` and `event_stream.follow` raise.
    """
    place = _written(client, sleep)
    past = history_pages.read_events(client, query, limit)
    documents = past.document()["events"]
    yield from (Followed(*each) for each in zip(reversed(past.events), reversed(documents), strict=True))
    # More events may have been written since `_written` looked; they are written in order.
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
                yield Notice(f"{missed} events were missed")
            case DialEvent() as event if event.seq > newest and _matches(event, query):
                yield Followed(event, message.sent.document)


def _written(client: NodeClient, sleep: Callable[[float], None]) -> _Place:
    """Wait until the history holds every event up to now; the live stream has the later ones."""
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
