"""`nocarrier history` as an operator runs it, against a real history on disk."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time

import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.model.action import NextAction
from nocarrier.model.finding import EvidenceItem, Finding, Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import quoted, say
from nocarrier.outputs.history import SqliteHistory
from tests.cli.command import nocarrier
from tests.cli.terminal import Terminal, command, environment
from tests.outputs.history.kit import eventually, written

HOSTILE = "\x1b]0;owned\x07[red]bold[/red]\u202egnp.exe\r\nfake row"


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def history(tmp_path, tracker):
    with SqliteHistory(tmp_path / "history.sqlite3", tracker) as kept:
        yield kept


@pytest.fixture
def url(tracker, history):
    with api_server(tracker, history=history, listen="127.0.0.1:0") as running:
        yield running.url


def finding(code="seeds_down", summary="The seeds are down."):
    return Finding(
        code=code,
        title=say("Seeds are down"),
        severity=Severity.CRITICAL,
        blame=Blame.THEM,
        summary=say("{said}", said=quoted(summary)),
        confidence=0.9,
        evidence=(
            EvidenceItem(statement=say("seeds that are silent"), count=1, addrs=("192.0.2.1:7072",), event_ids=()),
        ),
        affected_peers=1,
        affected_dials=1,
        next_actions=(NextAction(text=say("Tell their operators.")),),
        since_unix=time.time(),
    )


def rows(shown):
    return [line.split() for line in shown.stdout.splitlines() if ":7072" in line]


def test_events_are_shown_newest_first_and_without_beginnings(url, tracker, history):
    dial_id = tracker.begin("192.0.2.1:7072", "seed")
    tracker.succeed(dial_id, duration_s=0.25, node_id="ab" * 32)
    tracker.record("192.0.2.2:7072", "timeout", "gossip", via="192.0.2.1:7072", detail="no answer")
    tracker.record("192.0.2.3:7072", "slots_full", "gossip")
    written(history, 4)
    shown = nocarrier("history", "--url", url)
    assert shown.returncode == 0
    failed, succeeded = rows(shown)
    assert failed[1:6] == ["192.0.2.2:7072", "timeout", "gossip", "via", "192.0.2.1:7072"]
    assert "no answer" in shown.stdout
    assert succeeded[1:4] == ["192.0.2.1:7072", "succeeded", "seed"]
    assert "250 ms, node abababababab…" in shown.stdout
    assert "All 2 matching events (all history, since " in shown.stderr
    assert "slots_full" not in shown.stdout
    several = nocarrier("history", "--kind", "skip,failure", "--url", url)
    assert [row[2] for row in rows(several)] == ["slots_full", "timeout"]
    assert "left out" not in several.stderr
    started = nocarrier("history", "--kind", "started", "--url", url)
    assert [row[2] for row in rows(started)] == ["started"]


def test_an_empty_history_also_says_what_it_covers(url, history):
    written(history, 0)
    shown = nocarrier("history", "--url", url)
    assert shown.stdout == "time\taddress\toutcome\tfrom\twhat is known\n"
    assert shown.stderr == (
        "No events match (all history, which is empty). Skips are left out; --kind skip shows them.\n"
    )


def test_more_than_a_page_is_read_page_by_page(url, tracker, history):
    for number in range(2_600):
        dial_id = tracker.begin(f"192.0.2.{number % 256}:7072", "seed")
        tracker.succeed(dial_id)
    written(history, 5_200)
    shown = nocarrier("history", "--limit", "2500", "--json", "--url", url)
    answer = json.loads(shown.stdout)
    ids = [event["id"] for event in answer["events"]]
    assert len(ids) == len(set(ids)) == 2_500
    assert ids == sorted(ids, reverse=True)
    assert ids[0] == 5_200
    assert {event["kind"] for event in answer["events"]} == {"succeeded"}
    assert not answer["is_complete"]
    rest = json.loads(nocarrier("history", "--limit", "3000", "--json", "--url", url).stdout)
    assert len(rest["events"]) == 2_600
    assert rest["is_complete"]


def test_filters_and_times_are_applied_by_the_node(url, tracker, history):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record("192.0.2.2:7072", "banned", "gossip", via="192.0.2.1:7072")
    written(history, 2)

    def addrs(*arguments):
        answer = json.loads(nocarrier("history", *arguments, "--json", "--url", url).stdout)
        return [event["addr"] for event in answer["events"]]

    assert addrs("--reason", "banned", "--source", "gossip", "--phase", "handshake") == ["192.0.2.2:7072"]
    assert addrs("--addr", "192.0.2.1:7072", "--kind", "failure") == ["192.0.2.1:7072"]
    assert addrs("--via", "192.0.2.1:7072") == ["192.0.2.2:7072"]
    assert addrs("--since", "5m", "--until", "4m") == []
    assert len(addrs("--since", "2020-01-01T10:00")) == 2
    refused = nocarrier("history", "--reason", "timout", "--url", url)
    assert refused.returncode == 2
    assert "Did you mean timeout?" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "yesterday"),
        ("--follow", "--until", "5m"),
        ("--follow", "--findings"),
        ("--findings", "--reason", "timeout"),
    ],
)
def test_options_that_exclude_each_other_are_a_mistyped_command(arguments):
    shown = nocarrier("history", *arguments, "--url", "http://127.0.0.1:1")
    assert shown.returncode == 2
    assert "history [OPTIONS]" in shown.stderr
    assert "Error: " in shown.stderr


def test_past_findings_have_a_beginning_and_an_end(url, history):
    history.record_findings((finding(), finding("peer_down", HOSTILE)))
    eventually(lambda: len(history.findings(None, None, 10)) == 2)
    history.record_findings((finding("peer_down", HOSTILE),))
    eventually(lambda: any(past.ended_by for past in history.findings(None, None, 10)))
    shown = nocarrier("history", "--findings", "--url", url)
    assert shown.returncode == 0
    [cleared] = [line for line in shown.stdout.splitlines() if "seeds_down" in line]
    [stands] = [line for line in shown.stdout.splitlines() if "peer_down" in line]
    assert "its evidence was gone" in cleared
    assert "still active" in stands
    assert not any(character in shown.stdout for character in "\x1b\x07\u202e\r")
    answer = json.loads(nocarrier("history", "--findings", "--json", "--url", url).stdout)
    assert [past["finding"]["code"] for past in answer["findings"]] == ["peer_down", "seeds_down"]


def test_without_a_history_it_says_how_to_enable_it(tracker):
    with api_server(tracker, listen="127.0.0.1:0") as running:
        for arguments in ((), ("--findings",), ("--follow",)):
            shown = nocarrier("history", *arguments, "--url", running.url)
            assert shown.returncode == 1
            assert "set enabled = true under [history]" in shown.stderr
            assert "nocarrier failures" in shown.stderr
            assert len(shown.stderr.splitlines()) == 1


def test_a_history_that_cannot_be_read_is_reported_with_the_reason(tmp_path, tracker):
    (tmp_path / "history.sqlite3").mkdir()
    with (
        SqliteHistory(tmp_path / "history.sqlite3", tracker) as broken,
        api_server(tracker, history=broken, listen="127.0.0.1:0") as running,
    ):
        shown = nocarrier("history", "--url", running.url)
    assert shown.returncode == 2
    assert "the history cannot be read" in shown.stderr


def test_text_of_a_peer_cannot_steer_the_terminal(url, tracker, history):
    tracker.record("192.0.2.1:7072", "handshake_error", "seed", detail=HOSTILE)
    written(history, 1)
    shown = nocarrier("history", "--url", url)
    assert not any(character in shown.stdout for character in "\x1b\x07\u202e\r")
    assert "[red]bold[/red]" in shown.stdout
    assert "\nfake row" not in shown.stdout


def test_reading_shows_progress_on_a_terminal_but_not_in_a_pipe(url, tracker, history):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    written(history, 1)
    assert "\x1b" not in nocarrier("history", "--url", url, TERM="xterm").stdout
    assert nocarrier("history", "--url", url, TERM="xterm").stderr.startswith("All 1 matching event ")
    with Terminal("history", "--url", url) as terminal:
        assert terminal.ended() == 0
        terminal.wait_for("192.0.2.1:7072")
        assert "reading the history" in terminal.written


# ---- following ------------------------------------------------------------------------------------------------------


class Following:
    """`nocarrier history --follow` in the background."""

    def __init__(self, *arguments):
        self.lines, self.notices = [], []
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command("history", "--follow", *arguments), stdout=pipe, stderr=pipe, text=True, env=environment()
        )
        self._readers = [
            threading.Thread(target=self._read, args=each)
            for each in ((self.process.stdout, self.lines), (self.process.stderr, self.notices))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, lines):
        for line in stream:
            if not line.startswith("time\t"):
                lines.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


def test_following_continues_from_the_past_without_gap_or_repetition(url, tracker, history):
    for number in range(30):
        tracker.record(f"192.0.2.{number}:7072", "timeout", "seed")
    written(history, 30)
    stop = threading.Event()

    def dial():
        for number in range(30, 200):
            tracker.record(f"192.0.2.{number}:7072", "timeout", "seed")
            stop.wait(0.01)  # some are recorded before it looks, some meanwhile, some after

    dialing = threading.Thread(target=dial)
    dialing.start()
    with Following("--json", "--limit", "1000", "--url", url) as following:
        eventually(lambda: len(following.lines) >= 200, 20)
        stop.set()
        dialing.join()
        seen = [json.loads(line)["addr"] for line in following.lines]
        assert seen == [f"192.0.2.{number}:7072" for number in range(200)]
        assert following.notices == []
        following.process.send_signal(signal.SIGINT)
        assert following.process.wait(10) == 0


def test_following_filters_new_events_and_leaves_beginnings_out(url, tracker, history):
    with Following("--reason", "banned", "--url", url) as banned, Following("--url", url) as everything:
        time.sleep(1.5)
        tracker.succeed(tracker.begin("192.0.2.1:7072", "seed"))
        tracker.record("192.0.2.2:7072", "timeout", "seed", detail=HOSTILE)
        tracker.record("192.0.2.3:7072", "banned", "seed")
        eventually(lambda: banned.lines and len(everything.lines) >= 3)
        assert [line.split()[1:3] for line in banned.lines] == [["192.0.2.3:7072", "banned"]]
        assert [line.split()[2] for line in everything.lines] == ["succeeded", "timeout", "banned"]
        assert not any(character in "".join(everything.lines) for character in "\x1b\x07\u202e\r")


def test_following_says_that_the_node_went_away_and_came_back(tmp_path):
    def node(tracker, name, listen):
        kept = SqliteHistory(tmp_path / name, tracker)
        return kept, api_server(tracker, history=kept, listen=listen)

    first = DialTracker()
    kept, server = node(first, "first.sqlite3", "127.0.0.1:0")
    with server:
        listen = str(server.address)
        following = Following("--url", server.url)
        with following:
            for number in range(5):
                first.record(f"192.0.2.{number}:7072", "timeout", "seed")
            eventually(lambda: len(following.lines) == 5)
            server.close()
            kept.close()
            eventually(lambda: any("trying again" in notice for notice in following.notices))
            second = DialTracker()
            kept, again = node(second, "second.sqlite3", listen)
            with again:
                eventually(lambda: "-- the node answers again --" in following.notices)
                second.record("192.0.2.77:7072", "timeout", "seed")
                eventually(lambda: any("192.0.2.77" in line for line in following.lines))
                assert "-- the node restarted --" in following.notices
            kept.close()
