"""`nocarrier top`: what a node does, live."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

import click
from rich.console import Console, Group
from rich.live import Live

from nocarrier.cli.node_options import asks_node
from nocarrier.cli.top.keyboard import keyboard
from nocarrier.cli.top.lines import lines
from nocarrier.cli.top.screen import Screen, body, footer
from nocarrier.cli.top.state import Filter, TopState
from nocarrier.client.event_stream import Lost, StreamMessage, follow
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import NocarrierError
from nocarrier.web.views import DebugView, FailuresView

LOOK_EVERY_S = 0.1
"""How often keys, messages and the size of the terminal are checked: people take it for at once."""

MAX_WAITING = 10_000
"""Messages that wait while the screen is paused. Beyond that the stream is not read, and the node announces a gap."""

TERMINATED = 128 + signal.SIGTERM
"""Exit status of a process that SIGTERM ended, by the convention of shells."""


@click.command
@asks_node
def top(client: NodeClient, *, as_json: bool) -> None:
    """Show what the node does, live: findings, failures by reason and source, the newest dials.

    Keys: q quits, p pauses, f lists dials, failures, skips, or dials and skips in turn. If standard output is not a
    terminal, each change is printed as a line; with --json, each message of the node's stream.
    """
    stream = follow(client)
    first = next(stream)  # fails here if no node answers, before the screen changes
    console = Console(highlight=False)
    with contextlib.suppress(KeyboardInterrupt, EOFError):  # the ways to end it
        if as_json:
            for message in _chain(first, stream):
                click.echo(json.dumps(_document(message)))
        elif not console.is_terminal or console.is_dumb_terminal:
            for line in lines(_chain(first, stream)):
                click.echo(line)
        else:
            _watch(console, client, _chain(first, stream))


def _chain(first: StreamMessage | Lost, rest: Iterator[StreamMessage | Lost]) -> Iterator[StreamMessage | Lost]:
    yield first
    yield from rest


def _document(message: StreamMessage | Lost) -> dict[str, object]:
    """`message` for programs."""
    if isinstance(message, Lost):
        return message._asdict()
    return {"event": message.sent.name, "data": message.sent.document, "seq": message.sent.seq}


def _watch(console: Console, client: NodeClient, stream: Iterator[StreamMessage | Lost]) -> None:
    """Draw until the user quits."""
    state = TopState()
    news = _News(client, stream)
    screen = Screen(width=0, height=0, url=client.url, is_utf8=console.encoding.lower().startswith("utf"))
    with _signals(), keyboard() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        screen = replace(screen, has_keys=keys.has_keys)
        drawn: Screen | None = None
        while True:
            has_news = not screen.is_paused and news.take(state)
            screen = replace(screen, width=console.width, height=console.height)
            if has_news or screen != drawn:
                live.update(Group(*body(state, screen), footer(screen)), refresh=True)
                drawn = screen
            for key in keys.read(LOOK_EVERY_S):
                if key in {"q", "Q"}:
                    return
                screen = _after(key, screen)


def _after(key: str, screen: Screen) -> Screen:
    if key in {"p", "P", " "}:
        return replace(screen, is_paused=not screen.is_paused)
    if key in {"f", "F"}:
        order = list(Filter)
        return replace(screen, wanted=order[(order.index(screen.wanted) + 1) % len(order)])
    return screen


class _News:
    """The messages of the stream, read by a thread so that keys work while the node is quiet."""

    def __init__(self, client: NodeClient, stream: Iterator[StreamMessage | Lost]) -> None:
        self._queue: queue.Queue[FailuresView | DebugView | StreamMessage | Lost | Exception] = queue.Queue(MAX_WAITING)
        threading.Thread(target=self._read, args=(client, stream), name="nocarrier-top", daemon=True).start()

    def take(self, state: TopState) -> bool:
        """Hand new messages to `state`, and say whether there were any; raises what ended the stream."""
        has_news = False
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return has_news
            has_news = True
            match item:
                case FailuresView():
                    state.take_past(item)
                case DebugView():
                    state.take_node(item)
                case StreamMessage() | Lost():
                    state.take(item)
                case error:
                    raise error

    def _read(self, client: NodeClient, stream: Iterator[StreamMessage | Lost]) -> None:
        try:
            # Both are optional: not every answer of a node of another version can be read.
            with contextlib.suppress(NocarrierError):
                self._queue.put(client.get("/api/p2p/failures", {"limit": 1000}).read(FailuresView))
            with contextlib.suppress(NocarrierError):
                self._queue.put(client.get("/api/p2p/debug").read(DebugView))
            for message in stream:
                self._queue.put(message)
        except Exception as error:  # noqa: BLE001 - a thread's boundary; raised again by `take`
            self._queue.put(error)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Restore the terminal on a signal to end, and do not suspend while the screen is in use."""

    def end(*_: object) -> NoReturn:
        sys.exit(TERMINATED)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
