"""The history and, without a gap, what comes after it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from nocarrier.client import history_pages
from nocarrier.client.event_stream import Lost, Message, follow
from nocarrier.client.node_client import NodeClient

WRITTEN_WITHIN_S = 3.0
"""How long the newest events may take to get to disk, several times what they usually need; what comes later is told
as a gap."""

LOOK_EVERY_S = 0.2


class Notice(NamedTuple):
    """What happened to the stream."""

    text: str


class _Place(NamedTuple):
    """How far the history was written."""

    seq: int
    started_unix: float
    """Events before that are of earlier starts of the program, with numbers of their own."""


def follow_history(
    client: NodeClient, query: Mapping[str, object], limit: int, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Mapping[str, Any] | Notice]:
    """The newest `limit` events that match `query`, oldest first, and then each as it happens; without end.

    Raises as `history_pages.read_events` and `event_stream.follow`.
    """
    place = _written(client, sleep)
    past = history_pages.read_events(client, query, limit).events
    yield from reversed(past)
    # The history may have been written further since we looked; it is written in order.
    newest = max((event["seq"] for event in past if event["at_unix"] >= place.started_unix), default=place.seq)
    is_lost = False
    for message in follow(client, place.seq, sleep=sleep):
        if isinstance(message, Lost):
            is_lost = True
            yield Notice(f"{message.why}; trying again in {message.retry_s:.0f} s")
            continue
        if is_lost:
            is_lost = False
            yield Notice("the node answers again")
        if message.event == "gap":
            missed = message.data["missed"]
            newest = newest if missed is not None else 0
            yield Notice(
                "the node was started anew" if missed is None else f"{missed} events were lost on the way here"
            )
        elif message.event == "dial" and message.data["seq"] > newest and _matches(message.data, query):
            yield message.data


def _written(client: NodeClient, sleep: Callable[[float], None]) -> _Place:
    """Wait until the history holds all that there was at the beginning. From then on the node keeps what comes."""
    with contextlib.closing(follow(client, sleep=sleep)) as stream:
        status = next(message.data for message in stream if isinstance(message, Message) and message.event == "status")
    started_unix, wanted = status["started_unix"], status["seq"]
    deadline = time.monotonic() + WRITTEN_WITHIN_S
    while True:
        newest = history_pages.get(client, history_pages.PATH, {"limit": 1})["events"]
        seq = newest[0]["seq"] if newest and newest[0]["at_unix"] >= started_unix else 0
        if seq >= wanted or time.monotonic() > deadline:
            return _Place(seq, started_unix)
        sleep(LOOK_EVERY_S)


def _matches(event: Mapping[str, Any], query: Mapping[str, object]) -> bool:
    kinds = query.get("kind")
    if kinds is not None and event["kind"] not in str(kinds).split(","):
        return False
    return all(query.get(key) in {None, event[key]} for key in ("reason", "source", "phase", "addr", "via"))
