"""Follows a node's live stream (`GET /api/p2p/events`) across outages of the network and the node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from nocarrier.client.node_client import NodeClient
from nocarrier.errors import AnotherApiError, NocarrierError, NodeUnreachableError

if TYPE_CHECKING:
    from nocarrier.web.views.stream import StreamView

PATH = "/api/p2p/events"

SILENCE_S = 25.0
"""A node sends something at least every 10 s, so a stream that is quiet for this long has broken off."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 10.0
"""The wait doubles from the first to the longest: quick after a restart, and no load on a node in trouble."""

MAX_LINE_BYTES = 4 * 1024 * 1024
"""Far more than the findings of a full tracker take; a node never sends more."""

MAX_SEQ_DIGITS = 16
"""Digits of a number up to 2**53, beyond which no node counts."""


class SentEvent(NamedTuple):
    """One server-sent event as it came."""

    name: str
    """dial, gap, status or findings; a newer node may have more."""
    document: dict[str, Any]
    """Its data: JSON."""
    seq: int | None
    """The number of a dial; None for other messages."""


class StreamMessage(NamedTuple):
    """What one server-sent event says."""

    sent: SentEvent
    view: StreamView | None
    """None: a message that only a newer version knows."""


class Lost(NamedTuple):
    """The stream broke off, and is requested again after a wait."""

    why: str
    retry_s: float


def follow(
    client: NodeClient, after_seq: int | None = None, *, sleep: Callable[[float], None] = time.sleep
) -> Generator[StreamMessage | Lost, None, None]:
    """What the node sends, without end.

    After an outage the stream goes on where it was: the node replays the events that it still has, and announces a gap
    for those that it has not.

    Args:
        client: the client to ask with.
        after_seq: the newest event that is known already; None: only events from now on.
        sleep: waits before the next attempt.

    Raises:
        NodeUnreachableError: no node answers the first request, or the server is not a node.
        AnotherApiError: a message cannot be read, now or later: waiting would not help.
        RequestRefusedError: the node has no such stream.
    """
    place = after_seq
    start_id = None
    was_there = False
    retry_s = FIRST_RETRY_S
    while True:
        headers = {} if place is None else {"Last-Event-ID": str(place)}
        path = PATH if start_id is None else f"{PATH}?{urlencode({'start_id': start_id})}"
        why = "the node ended the stream"
        try:
            with client.stream(path, headers, SILENCE_S) as chunks:
                for sent in parse(chunks):
                    message = _read(client, sent)
                    was_there, retry_s = True, FIRST_RETRY_S
                    place, start_id = _after(message, place, start_id)
                    yield message
        except AnotherApiError:
            raise
        except NocarrierError as error:
            if not was_there:
                raise
            why = str(error)
        yield Lost(why, retry_s)
        sleep(retry_s)
        retry_s = min(2 * retry_s, LONGEST_RETRY_S)


def _read(client: NodeClient, sent: SentEvent) -> StreamMessage:
    from nocarrier.web.views.stream import MESSAGES  # noqa: PLC0415 - loaded once there is something to read

    view = MESSAGES.get(sent.name)
    return StreamMessage(sent, None if view is None else client.answer(PATH, sent.document).read(view))


def _after(message: StreamMessage, place: int | None, start_id: str | None) -> tuple[int | None, str | None]:
    """Where to go on after `message`, and in which run of the program."""
    from nocarrier.web.views import StatusView  # noqa: PLC0415
    from nocarrier.web.views.stream import Gap  # noqa: PLC0415

    match message.view:
        case StatusView() as status:
            # No dial has come yet: go on after the newest one when the stream began.
            return status.seq if place is None else place, status.start_id
        case Gap() as gap:
            return gap.next_seq - 1, start_id
        case _:
            return message.sent.seq if message.sent.name == "dial" and message.sent.seq is not None else place, start_id


def parse(chunks: Iterable[bytes]) -> Iterator[SentEvent]:
    """The messages in a stream of server-sent events (WHATWG HTML, section 9.2.6), as soon as each is whole.

    Raises:
        NodeUnreachableError: it is not the stream of a node.
    """
    event, seq = "", None
    data: list[str] = []
    for line in _lines(chunks):
        if not line:
            if any(data):
                yield SentEvent(event or "message", _document("\n".join(data)), seq)
            event, data, seq = "", [], None
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            event = value
        elif field == "data":
            data.append(value)
        elif field == "id" and value.isascii() and value.isdigit() and len(value) <= MAX_SEQ_DIGITS:
            seq = int(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise NodeUnreachableError("the server sends a line without an end, which no node does; check --url")
        for line in whole:
            yield line.removesuffix(b"\r").decode(errors="replace")


def _document(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NodeUnreachableError(
            "this is not the stream of a node; check --url, or upgrade the older program"
        ) from error
    if not isinstance(data, dict):
        raise NodeUnreachableError("this is not the stream of a node; check --url, or upgrade the older program")
    return data
