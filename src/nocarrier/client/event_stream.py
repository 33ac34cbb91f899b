"""Follows a node's live stream (`GET /api/p2p/events`) over outages of network and node."""

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
"""A node says something every 10 s at least, so that a stream that is quiet for longer has broken off."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 10.0
"""The wait doubles from the first to the longest: soon back after a restart, and no load on a node in trouble."""

MAX_LINE_BYTES = 4 * 1024 * 1024
"""Far more than findings of a full tracker take; whoever sends more is no node."""

MAX_SEQ_DIGITS = 16
"""Of a number up to 2**53, beyond which no node counts."""


class SentEvent(NamedTuple):
    """One server-sent event as it came."""

    name: str
    """dial, gap, status or findings; a newer node may have more."""
    document: dict[str, Any]
    """Its data: JSON."""
    seq: int | None
    """Of a dial, its number."""


class StreamMessage(NamedTuple):
    """What one server-sent event says."""

    sent: SentEvent
    view: StreamView | None
    """None: a message of a newer node, which this version does not know."""


class Lost(NamedTuple):
    """The stream broke off, and is asked for again after a wait."""

    why: str
    retry_s: float


def follow(
    client: NodeClient, after_seq: int | None = None, *, sleep: Callable[[float], None] = time.sleep
) -> Generator[StreamMessage | Lost, None, None]:
    """What the node sends, without end.

    After an outage it goes on where it was: the node replays what it still has, and announces a gap where it has not.

    Args:
        client: whom to ask.
        after_seq: the newest event that is known already; None: only what comes from now on.
        sleep: waits before the next attempt.

    Raises:
        NodeUnreachableError: no node answers at the first attempt, or what answers is none.
        AnotherApiError: what it sends cannot be read, at whatever time: waiting would not help.
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
    """Where to go on after `message`, and in which start of the program."""
    from nocarrier.web.views import StatusView  # noqa: PLC0415
    from nocarrier.web.views.stream import Gap  # noqa: PLC0415

    match message.view:
        case StatusView() as status:
            # No dial yet: the newest that there was when the stream began.
            return status.seq if place is None else place, status.start_id
        case Gap() as gap:
            return gap.next_seq - 1, start_id
        case _:
            return message.sent.seq if message.sent.name == "dial" and message.sent.seq is not None else place, start_id


def parse(chunks: Iterable[bytes]) -> Iterator[SentEvent]:
    """The messages in a stream of server-sent events (WHATWG HTML, section 9.2.6), as soon as each is whole.

    Raises:
        NodeUnreachableError: it is none of a node.
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
            raise NodeUnreachableError("what answers there sends a line without end, which no node does; check --url")
        for line in whole:
            yield line.removesuffix(b"\r").decode(errors="replace")


def _document(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NodeUnreachableError("the stream is not that of a node; check --url, or update the older one") from error
    if not isinstance(data, dict):
        raise NodeUnreachableError("the stream is not that of a node; check --url, or update the older one")
    return data
