"""Slow commands show progress, but only to people."""

from __future__ import annotations

import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from tests.cli.command import nocarrier
from tests.cli.terminal import Terminal
from tests.web.api.fake_node import FakeNode

HOSTILE = "\x1b]0;owned\x07evil\u202e"


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def url(tracker):
    with api_server(tracker, node=FakeNode(), listen="127.0.0.1:0") as running:
        yield running.url


def test_a_dial_that_takes_long_says_so_on_a_terminal(tracker):
    node = FakeNode()
    node.answer_dials.clear()
    with api_server(tracker, node=node, listen="127.0.0.1:0") as running:
        with Terminal("connect", f"{HOSTILE}:7072", "--url", running.url) as terminal:
            terminal.wait_until(lambda _: "dialing" in terminal.written)
            assert "\x1b]0" not in terminal.written
            assert "\u202e" not in terminal.written
        node.answer_dials._loop.call_soon_threadsafe(node.answer_dials.set)


@pytest.mark.parametrize(
    "arguments", [("connect", "192.0.2.1:7072"), ("doctor", "--probe"), ("report", "--output", "-"), ("peers",)]
)
@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}])
def test_no_escape_codes_in_a_pipe(url, tracker, arguments, environ):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    shown = nocarrier(*arguments, "--url", url, TERM="xterm-256color", **environ)
    assert "\x1b" not in shown.stdout + shown.stderr
    assert shown.stderr == ""


@pytest.mark.parametrize("arguments", [("report", "--output", "-"), ("history",), ("connect", "192.0.2.1:7072")])
def test_the_terminal_is_left_as_it_was(url, arguments):
    with Terminal(*arguments, "--url", url) as terminal:
        terminal.ended()
        assert terminal.is_set_back


def test_colours_of_progress_can_be_switched_off(url):
    with Terminal("report", "--output", "-", "--url", url, NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
        assert "\x1b[3" not in terminal.written
