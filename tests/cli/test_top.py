"""`nocarrier top` on a real terminal, in a pipe, and its screen in every size."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.cli.top.lines import lines
from nocarrier.cli.top.screen import Screen, body, footer
from nocarrier.cli.top.state import Filter, TopState
from nocarrier.client.event_stream import Lost
from nocarrier.tracking import Totals
from nocarrier.web.views import Gap
from tests.cli.command import nocarrier
from tests.cli.terminal import Terminal, command, environment
from tests.client import samples
from tests.outputs.history.kit import eventually
from tests.web.api.fake_node import FakeNode

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]bold[/red]\u202egnp.exe\u2066\r\nfake row"

TERMINATED = 128 + signal.SIGTERM


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def url(tracker):
    with api_server(tracker, node=FakeNode(), listen="127.0.0.1:0") as running:
        yield running.url


def listed(screen):
    """The part of the screen that lists dials."""
    return screen.partition("newest ")[2]


# ---- on a terminal --------------------------------------------------------------------------------------------------


def test_it_shows_node_findings_failures_and_dials_as_they_happen(url, tracker):
    tracker.record("192.0.2.1:7072", "connection_refused", "gossip", evidence={"errno": "ECONNREFUSED"})
    with Terminal("top", "--url", url) as terminal:
        screen = terminal.wait_for("live", "connected 1/8", "192.0.2.1:7072", "ECONNREFUSED")
        assert "node abababababab" in screen
        assert "peer book 1 hot, 0 warm, 1 cold" in screen
        assert "history off" in screen
        assert "failures by reason, last 5 min: 1" in screen
        assert "finding" in screen
        tracker.succeed(tracker.begin("192.0.2.2:7072", "seed"), duration_s=0.25)
        screen = terminal.wait_for("192.0.2.2:7072", "succeeded 50% of 2")
        newest, older = listed(screen).splitlines()[1:3]
        assert newest.split()[1:5] == ["192.0.2.2:7072", "succeeded", "250", "ms"]
        assert older.split()[1] == "192.0.2.1:7072"
        terminal.press("q")
        assert terminal.ended() == 0


def test_keys_choose_the_list_and_pause_it(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record("192.0.2.2:7072", "backoff_active", "seed")
    with Terminal("top", "--url", url) as terminal:
        assert "192.0.2.2:7072" not in listed(terminal.wait_for("newest dials", "192.0.2.1:7072"))
        terminal.press("f")
        assert "192.0.2.2:7072" not in listed(terminal.wait_for("newest failures", "192.0.2.1:7072"))
        terminal.press("f")
        assert "192.0.2.1:7072" not in listed(terminal.wait_for("newest skips", "192.0.2.2:7072"))
        terminal.press("f")
        terminal.wait_for("newest dials and skips", "192.0.2.1:7072", "192.0.2.2:7072")
        terminal.press("fp")  # the first key again: back at the start
        terminal.wait_for("newest dials ", "paused")
        tracker.record("192.0.2.3:7072", "timeout", "seed")
        eventually(lambda: tracker.seq == 3)
        time.sleep(0.5)
        assert "192.0.2.3:7072" not in listed(terminal.screen)
        terminal.press("p")
        terminal.wait_for("192.0.2.3:7072")
        terminal.press("xyz\x1b[A")  # keys without a meaning
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, TERMINATED)])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(url, number, status):
    with Terminal("top", "--url", url) as terminal:
        terminal.wait_for("live")
        assert not terminal.is_set_back
        terminal.process.send_signal(number)
        assert terminal.ended() == status
        assert "Traceback" not in terminal.written


def test_it_works_without_keys(url):
    with Terminal("top", "--url", url, has_keys=False) as terminal:
        terminal.wait_for("live", "Ctrl-C to quit")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 0


def test_it_follows_the_size_of_the_terminal(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    with Terminal("top", "--url", url, width=120, height=40) as terminal:
        terminal.wait_for("failures by reason", "by source")
        terminal.wait_until(lambda screen: len(screen.splitlines()) == 40)
        terminal.resize(50, 12)
        screen = terminal.wait_until(lambda screen: len(screen.splitlines()) == 12)
        assert max(map(len, screen.splitlines())) <= 50


def test_text_of_a_peer_cannot_steer_the_terminal(url, tracker):
    tracker.record("192.0.2.1:7072", "handshake_error", "seed", detail=HOSTILE)
    tracker.record(f"evil{HOSTILE}:7072", "timeout", "gossip", via=HOSTILE)
    with Terminal("top", "--url", url, width=200, height=40) as terminal:
        screen = terminal.wait_for("[red]bold[/red]", "handshake_error", "timeout")
        assert len(screen.splitlines()) == 40
        assert not any(character in screen for character in "\x1b\x07\u202e\u2066")
        assert "\x1b]0" not in terminal.written
        assert "\x1b[2J" not in terminal.written


def test_colours_can_be_switched_off(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    for environ, has_colours in (({}, True), ({"NO_COLOR": "1"}, False)):
        with Terminal("top", "--url", url, **environ) as terminal:
            terminal.wait_for("192.0.2.1:7072")
            assert ("\x1b[3" in terminal.written or "\x1b[1;3" in terminal.written) is has_colours


def test_a_node_that_goes_away_and_comes_back_is_reported(tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    server = api_server(tracker, listen="127.0.0.1:0")
    with server, Terminal("top", "--url", server.url) as terminal:
        terminal.wait_for("live", "no nocarrier node")
        server.close()
        terminal.wait_for("NOT ANSWERING", "trying again")
        again = DialTracker()
        with api_server(again, listen=str(server.address)):
            terminal.wait_for("live", "the node restarted")
            again.record("192.0.2.77:7072", "timeout", "seed")
            terminal.wait_for("192.0.2.77:7072", "192.0.2.1:7072")
            terminal.press("q")
            assert terminal.ended() == 0


def test_a_node_that_does_not_answer_is_reported_before_the_screen_changes():
    with api_server(DialTracker(), listen="127.0.0.1:0") as running:
        gone = running.url
    with Terminal("top", "--url", gone) as terminal:
        assert terminal.ended() == 2
        assert "no node answers" in terminal.wait_for("nocarrier run")
        assert "\x1b" not in terminal.written


# ---- in a pipe ------------------------------------------------------------------------------------------------------


def piped(until, *arguments):
    """What `top` writes into a pipe until `until(line)` is true; then it gets SIGINT."""
    process = subprocess.Popen(
        command("top", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    with process:
        try:
            written = []
            for line in process.stdout:
                written.append(line)
                if until(line):
                    break
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
    return "".join(written)


def test_in_a_pipe_each_change_is_a_line(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed", detail=HOSTILE)
    written = piped(lambda line: "connected" in line, "--url", url)
    assert "\x1b" not in written
    assert "connected 1/8, dials 1 = 0 succeeded + 1 failed + 0 cancelled + 0 in flight" in written


def test_json_is_a_message_a_line(url, tracker):
    written = piped(lambda line: '"event": "status"' in line, "--json", "--url", url)
    messages = [json.loads(line) for line in written.splitlines()]
    assert {"findings", "status"} >= {message["event"] for message in messages}
    [status] = [message["data"] for message in messages if message["event"] == "status"]
    assert status["connected"] == 1


def test_a_dumb_terminal_gets_lines(url):
    with Terminal("top", "--url", url, TERM="dumb") as terminal:
        terminal.wait_for("connected 1/8, dials 0")
        assert "\x1b" not in terminal.written
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 0


def test_without_a_node_one_line_says_what_to_do():
    shown = nocarrier("top", "--url", "http://127.0.0.1:1")
    assert shown.returncode == 2
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stdout == ""


def test_lines_report_findings_that_come_and_go_and_gaps():
    def found(*codes):
        findings = [samples.finding(code, summary=f"It is {code}.") for code in codes]
        return samples.message("findings", samples.diagnosis(*findings))

    doubt = samples.diagnosis(status="undetermined", status_detail="No.")

    told = [
        line.partition(" ")[2].partition(" ")[2] if line[:4].isdigit() else line
        for line in lines(
            [
                samples.message("findings", doubt),
                found("a", "b"),
                found("b"),
                gap(50),
                gap(None),
                Lost("it is gone", 2.0),
            ]
        )
    ]
    assert told == [
        "= too early to tell: No.",
        "= not healthy",
        "+ warning a: It is a.",
        "+ warning b: It is b.",
        "- a is over",
        "! 50 events were missed",
        "! the node restarted",
        "! it is gone; trying again in 2 s",
    ]


# ---- what it knows --------------------------------------------------------------------------------------------------


def event(seq, **more):
    return samples.message("dial", samples.recorded(seq, **more), seq)


def status(at_unix, started, **more):
    return samples.message("status", samples.status(at_unix=at_unix, dial_totals=Totals(started=started), **more))


def gap(missed):
    return samples.message("gap", Gap(after_seq=1, next_seq=52, missed=missed))


def test_the_bars_count_the_last_minutes_only():
    state = TopState()
    state.take(status(1_000.0, 3))
    state.take(event(1, at_unix=650.0))
    state.take(event(2, at_unix=900.0, reason="banned", source="gossip"))
    state.take(event(3, at_unix=990.0))
    state.take(event(4, kind="skip", reason="backoff_active", at_unix=990.0))
    assert state.failures_by_reason() == [("banned", 1), ("timeout", 1)]
    state.take(status(1_250.0, 3))
    assert state.failures_by_source() == [("seed", 1)]


def test_the_rate_is_that_of_the_last_minute():
    state = TopState()
    state.take(status(1_000.0, 10))
    assert state.dials_per_minute() is None
    state.take(status(1_030.0, 40))
    assert state.dials_per_minute() == 60
    state.take(status(1_070.0, 40))
    state.take(status(1_100.0, 40))
    assert state.dials_per_minute() == 0


def test_past_events_are_not_shown_twice():
    state = TopState()
    state.take_past(samples.failures(samples.failure(seq=2), samples.failure(seq=1)))
    for seq in (1, 2, 3):
        state.take(event(seq))
    assert [each.seq for each in state.listed(Filter.ALL)] == [3, 2, 1]


def test_gaps_are_reported_and_added_up():
    state = TopState()
    state.take(status(1.0, 1))
    state.take(gap(50))
    state.take(gap(7))
    screen = "\n".join(line.plain for line in body(state, Screen(width=80, height=24, url="http://127.0.0.1")))
    assert "7 events were missed (57 since top started)" in screen


@pytest.mark.parametrize(
    ("answer", "heading"),
    [
        ({"status": "healthy"}, "healthy: nothing found"),
        ({"status": "undetermined", "status_detail": "No peer yet."}, "too early to tell: "),
        ({"status": "unhealthy"}, "not healthy: "),
        ({"status": "of a newer node"}, "of a newer node: "),
    ],
)
def test_the_screen_never_shows_an_old_status_as_the_present_one(answer, heading):
    state = TopState()
    state.take(samples.message("findings", samples.diagnosis(**answer)))
    state.take(status(1_000.0, 0))
    screen = Screen(width=80, height=24, url="http://127.0.0.1:7070")
    shown = [line.plain for line in body(state, screen)]
    assert any(line.startswith(f"─ {heading}") for line in shown)
    assert ("No peer yet." in shown) is ("status_detail" in answer)
    assert any("bold green" in str(line.spans) for line in found_heading(state, screen)) is (
        answer["status"] == "healthy"
    )
    state.take(Lost("it is gone", 2.0))
    assert not any("bold green" in str(line.spans) for line in found_heading(state, screen))


def found_heading(state, screen):
    return [line for line in body(state, screen) if "nothing found" in line.plain]


def test_the_screen_fits_every_terminal():
    state = TopState()
    finding = samples.finding(
        "seeds_down",
        severity="critical",
        summary="宽" * 200,
        next_actions=[samples.action("x" * 300, "y" * 300, "z\n" * 30)],
    )
    state.take(samples.message("findings", samples.diagnosis(*[finding] * 30)))
    state.take(
        status(
            1_000.0,
            1_000_000,
            target_peers=8,
            offline=True,
            dropped={"subscriber_slow": 3},
            history={"state": "failing", "detail": "d" * 300},
        )
    )
    for seq in range(100):
        state.take(
            event(seq, at_unix=1_000.0, addr="宽" * seq + ":1", reason=f"reason{seq % 20}", source=f"s{seq % 12}")
        )
    state.take(gap(5))
    for width in (1, 2, 10, 20, 39, 40, 60, 80, 89, 90, 91, 120, 250):
        for height in (1, 2, 5, 10, 17, 18, 24, 60):
            for wanted in Filter:
                screen = Screen(width=width, height=height, url="http://127.0.0.1:7070", wanted=wanted)
                shown = [*body(state, screen), footer(screen)]
                assert len(shown) == height
                assert max(line.cell_len for line in shown) <= width
                assert not any("\n" in line.plain for line in shown)
