"""Following a stream of server-sent events: from complete messages to outages."""

from __future__ import annotations

import asyncio
import itertools

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.client import event_stream
from nocarrier.client.event_stream import Lost, SentEvent, follow, parse
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import AnotherApiError, NodeUnreachableError
from nocarrier.web.api.server import Server
from nocarrier.web.views import Gap
from tests.client import samples

STREAM = b'retry: 1000\n\n: a comment\nid: 7\nevent: dial\ndata: {"a":\ndata: 1}\n\nevent: status\ndata:{"b":2}\r\n\r\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_messages_are_read_however_they_are_cut(size):
    chunks = [STREAM[place : place + size] for place in range(0, len(STREAM), size)]
    assert list(parse(chunks)) == [SentEvent("dial", {"a": 1}, 7), SentEvent("status", {"b": 2}, None)]


def test_an_incomplete_message_is_not_returned():
    assert list(parse([b'event: dial\ndata: {"a": 1}\n'])) == []


@pytest.mark.parametrize("line", [b"data: no json\n\n", b"data: [1]\n\n", b"data: " + b"[" * 100_000 + b"\n\n"])
def test_text_that_no_node_sends_is_reported_as_such(line):
    with pytest.raises(NodeUnreachableError, match="not the stream of a node"):
        list(parse([line]))


def test_an_endless_line_is_abandoned():
    with pytest.raises(NodeUnreachableError, match="without an end"):
        list(parse(itertools.repeat(b"x" * 65_536)))


def test_an_endless_number_is_ignored():
    assert list(parse([b"id: " + b"9" * 5_000 + b"\ndata: {}\n\n"])) == [SentEvent("message", {}, None)]


# ---- against servers ------------------------------------------------------------------------------------------------


def serving(*answers):
    """A server that answers successive requests with these texts; `asked` collects their Last-Event-ID."""
    asked, left = [], list(answers)

    async def events(request):
        asked.append(request.headers.get("last-event-id"))
        text = left.pop(0) if left else b""

        async def parts():
            yield b"retry: 1\n\n" + text
            if not left:
                await asyncio.sleep(0.05)

        return StreamingResponse(parts(), media_type="text/event-stream")

    return Server(Starlette(routes=[Route(event_stream.PATH, events)]), "127.0.0.1:0"), asked


def taken(client, number, waits=None):
    stream = follow(client, sleep=(waits if waits is not None else []).append)
    found = list(itertools.islice(stream, number))
    stream.close()
    return found


def sent(name, view, seq=None):
    place = b"" if seq is None else b"id: %d\n" % seq
    return b"%sevent: %s\ndata: %s\n\n" % (place, name.encode(), msgspec.json.encode(view))


def dial(seq):
    return sent("dial", samples.recorded(seq), seq)


def test_it_reconnects_and_continues_where_it_was():
    server, asked = serving(dial(1) + dial(2), dial(3))
    with server:
        found = taken(NodeClient(server.url, None), 4)
    assert ["lost" if isinstance(each, Lost) else each.view.seq for each in found] == [1, 2, "lost", 3]
    assert asked == [None, "2"]


def test_before_any_dial_it_continues_from_the_number_in_the_status():
    server, asked = serving(sent("status", samples.status(seq=40)), dial(41))
    with server:
        taken(NodeClient(server.url, None), 3)
    assert asked == [None, "40"]


def test_after_a_gap_it_continues_behind_the_gap():
    gap = sent("gap", Gap(after_seq=5000, next_seq=1, missed=None))
    server, asked = serving(dial(5000) + gap, dial(1))
    with server:
        taken(NodeClient(server.url, None), 4)
    assert asked == [None, "0"]


def test_it_waits_longer_each_time_up_to_a_limit():
    waits = []
    server, _ = serving(dial(1))
    with server:
        client = NodeClient(server.url, None)
        stream = follow(client, sleep=waits.append)
        next(stream)
    assert all(isinstance(next(stream), Lost) for _ in range(7))
    stream.close()
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_it_does_not_wait_for_a_server_that_never_answered():
    with api_server(DialTracker(), listen="127.0.0.1:0") as running:
        gone = running.url
    with pytest.raises(NodeUnreachableError, match="no node answers"):
        next(follow(NodeClient(gone, None)))


def test_unknown_messages_of_a_newer_node_are_passed_on_unchanged():
    server, _ = serving(b'event: weather\ndata: {"sunny": true}\n\n' + dial(1))
    with server:
        weather, first = taken(NodeClient(server.url, None), 2)
    assert (weather.sent.document, weather.view, first.view.seq) == ({"sunny": True}, None, 1)


def test_it_does_not_wait_for_a_node_that_it_cannot_read():
    server, asked = serving(dial(1) + b'event: status\ndata: {"at_unix": "noon"}\n\n')
    with server, pytest.raises(AnotherApiError, match="events: the server there speaks another version"):
        taken(NodeClient(server.url, None), 3)
    assert len(asked) == 1


def test_an_older_node_without_a_stream_is_reported_as_such():
    server = Server(Starlette(routes=[Route(event_stream.PATH, PlainTextResponse("hello"))]), "127.0.0.1:0")
    with server, pytest.raises(NodeUnreachableError, match="not like a node"):
        next(follow(NodeClient(server.url, None)))


def test_a_token_is_sent_with_the_stream():
    with api_server(DialTracker(), listen="127.0.0.1:0", token="opensesame") as running:
        with pytest.raises(NodeUnreachableError, match="token"):
            next(follow(NodeClient(running.url, "another")))
        message = taken(NodeClient(running.url, "opensesame"), 1)[0]
        assert message.sent.name in {"status", "findings"}
