"""`nocarrier report`: one file that says everything, reveals no identity, and is only text in any browser."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.cli.render.markdown import code, table, words
from nocarrier.cli.report.chart import block_chart, svg_chart
from nocarrier.cli.report.html import POLICY, report_html
from nocarrier.model.action import Action, filled
from nocarrier.model.finding import EvidenceItem, Finding, Severity
from nocarrier.model.taxonomy import Blame, Kind, Reason
from nocarrier.model.wording.text import address, quoted, say
from nocarrier.outputs.history import SqliteHistory
from tests.cli.command import nocarrier
from tests.cli.terminal import Terminal
from tests.client import samples
from tests.outputs.history.kit import eventually, written
from tests.web.api.fake_node import FakeNode

HOSTILE = (
    "<script>alert(1)</script> ![x](http://evil.example/a.png) [click](javascript:alert(1)) <img src=x onerror=y> "
    "\x1b[2J\u202egnp | `code` **bold** http://evil.example @somebody\r\n# heading\n```\n"
)

SECRETS = (
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.",
    "10.0.0.1",
    "peer.example",
    "evil.example",
    "2001:db8::7",
    "ab" * 32,
    "cd" * 32,
)
"""Addresses, names and identities of this test's network."""

NOW_UNIX = time.time()


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def history(tmp_path, tracker):
    with SqliteHistory(tmp_path / "history.sqlite3", tracker) as kept:
        yield kept


@pytest.fixture
def url(tracker, history):
    """A node with a history."""
    with api_server(tracker, node=FakeNode(), history=history, listen="127.0.0.1:0") as running:
        yield running.url


def busy(tracker):
    """Some events of every kind."""
    tracker.succeed(tracker.begin("198.51.100.1:7072", "seed"), duration_s=0.1, node_id="cd" * 32)
    for number in range(3):
        evidence = {"errno": "ECONNREFUSED", "decided_by": "network"}
        addr = f"192.0.2.1{number}:7072"
        tracker.record(addr, "connection_refused", "gossip", via="203.0.113.9:7072", evidence=evidence, duration_s=0.02)
    tracker.record("peer.example:7072", "handshake_error", "seed", detail="peer.example at 192.0.2.1 says no")
    tracker.record("[2001:db8::7]:7072", "ipv6_blocked", "seed", detail="2001:db8::7 is IPv6")
    tracker.record("192.0.2.1:7072", "genesis_mismatch", "peer_book", evidence={"ours": "ab" * 32, "theirs": "cd" * 32})


def report(url, path, *arguments):
    shown = nocarrier("report", "--url", url, "--output", str(path), *arguments)
    assert shown.returncode == 0, shown.stderr
    return path.read_text()


class Page(HTMLParser):
    """The text that a browser would show."""

    VOID = frozenset({"meta", "br", "hr"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def harmless(text):
    """The page of `text`, after a check that it contains nothing that acts or loads."""
    page = Page(text)
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "div",
        "span",
        "i",
        "b",
        "strong",
        "em",
        "code",
    }
    allowed |= {"h1", "h2", "h3", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "pre", "br"}
    allowed |= {"figure", "figcaption", "svg", "line", "text", "rect"}
    assert set(page.tags) <= allowed
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "poster"}
    assert not [name for name in names if name.startswith("on")]
    assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' in text
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    return page


# ---- what it tells --------------------------------------------------------------------------------------------------


def test_a_report_says_what_is_wrong_and_on_what_evidence(url, tracker, history, tmp_path):
    busy(tracker)
    history.record_findings((past_finding(),))
    written(history, 8)
    eventually(lambda: history.findings(None, None, 1))
    history.record_findings(())
    eventually(lambda: history.findings(None, None, 1)[0].ended_by)
    text = report(url, tmp_path / "report.md")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "Verdict"
    assert len(headings) == 9
    assert "| made | " in text
    assert re.search(r"### info: [^\n]*refuses? connections \(`peer_down`\)", text)
    assert "What to do:\n\n1. " in text
    assert re.search(r"\| its evidence was gone \| critical \| `seeds_down` \|", text)
    assert [kind for kind in Kind if f"| {kind.outcome} | " not in text] == []
    assert "| began |  | 6 |" in text
    assert "| succeeded | 1 | 1 |" in text
    assert "| failed | 5 | 5 |" in text
    assert "| `connection_refused` |  | 3 |  | 3 |" in text or "| `connection_refused` | 3 |  |  | 3 |" in text
    assert "| **total without skips** |" in text
    assert "5 failed dials, in steps of 60 s." in text
    assert f"### `connection_refused`: {Reason.CONNECTION_REFUSED.meaning}" in text
    assert "ECONNREFUSED" in text
    assert "| p2p_port | `7072` |" in text
    assert "1 peer connected; not known yet whether others can dial this node. Peer book: 2 addresses, " in text
    assert "| a ban made way for a newer one before it ended | 3 |" in text
    assert "| this node asked a peer to dial it back | 2 |" in text
    assert "| `gossip` |" in text
    assert "| history | working |" in text
    assert text.index("`genesis_mismatch`") < text.index("`ipv6_blocked`")


ACTIONS = (Action(text="Tell the operator of {addr}.", command="nocarrier failures --addr {addr} --url {url}"),)


def past_finding():
    return Finding(
        code="seeds_down",
        title=say("Seeds are down"),
        severity=Severity.CRITICAL,
        blame=Blame.THEM,
        summary=say("{addr} is down. {said}", addr=address("192.0.2.1:7072"), said=quoted(HOSTILE)),
        confidence=0.9,
        evidence=(
            EvidenceItem(statement=say("seeds that are silent"), count=1, addrs=("192.0.2.1:7072",), event_ids=()),
        ),
        affected_peers=1,
        affected_dials=1,
        next_actions=filled(ACTIONS, {"addr": address("192.0.2.1:7072")}),
        since_unix=NOW_UNIX,
    )


def test_without_a_history_a_report_uses_memory_and_says_so(tracker, tmp_path):
    busy(tracker)
    with api_server(tracker, listen="127.0.0.1:0") as running:
        text = report(running.url, tmp_path / "report.md")
    assert "From memory, which keeps only the newest failures" in text
    assert "set enabled = true under \\[history\\]" in text
    assert "By reason and source, everything since the program started, from memory" in text
    assert "| failed | 5 |" in text
    assert "5 failed dials, in steps of 60 s." in text
    assert "a program without a nocarrier node" in text
    assert "Sessions, peer book and reachability are unknown" in text
    assert "0 peers" not in text
    assert "### `connection_refused`" in text


def test_a_report_covers_only_the_requested_time(tracker, tmp_path):
    class Clock:
        now_unix = NOW_UNIX - 7_200

        def __call__(self):
            return self.now_unix

    clock = Clock()
    tracker = DialTracker(clock=clock)
    with SqliteHistory(tmp_path / "history.sqlite3", tracker, clock=clock) as kept:
        tracker.record("192.0.2.1:7072", "timeout", "seed")
        written(kept, 1)
        clock.now_unix = NOW_UNIX - 60
        tracker.record("192.0.2.1:7072", "connection_refused", "seed")
        written(kept, 2)
        with api_server(tracker, history=kept, listen="127.0.0.1:0") as running:
            newest = report(running.url, tmp_path / "newest.md", "--since", "1h")
            older = report(running.url, tmp_path / "older.md", "--since", "3h", "--until", "1h")
            both = report(running.url, tmp_path / "both.md", "--since", "3h")
    assert ("### `timeout`" in newest, "### `connection_refused`" in newest) == (False, True)
    assert ("### `timeout`" in older, "### `connection_refused`" in older) == (True, False)
    assert "2 failed dials, in steps of 5 min." in both


def test_a_report_can_be_made_from_a_node_with_a_token(tracker, tmp_path):
    with api_server(tracker, node=FakeNode(), listen="127.0.0.1:0", token="opensesame") as running:
        refused = nocarrier("report", "--url", running.url, "--output", "-")
        assert refused.returncode == 2
        shown = nocarrier("report", "--url", running.url, "--output", "-", NOCARRIER_TOKEN="opensesame")
    assert shown.returncode == 0
    assert shown.stdout.startswith("# nocarrier report\n")
    assert "opensesame" not in shown.stdout


# ---- who is given away ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_report_reveals_no_identity_unless_told_to(url, tracker, history, tmp_path, form):
    busy(tracker)
    tracker.record("192.0.2.1:7072", "handshake_error", "seed", detail=HOSTILE)
    history.record_findings((past_finding(),))
    written(history, 9)
    eventually(lambda: history.findings(None, None, 1))
    text = report(url, tmp_path / f"report.{form}")
    assert [secret for secret in SECRETS if secret in text] == []
    assert url.removeprefix("http://") not in text
    assert "addresses, names and identities are masked" in text
    plain = report(url, tmp_path / f"plain.{form}", "--unredacted")
    assert [secret for secret in ("192.0.2.1", "peer.example", "ab" * 32) if secret not in plain] == []
    assert "addresses, names and identities can be read" in plain


# ---- what a peer cannot do ------------------------------------------------------------------------------------------


def test_text_of_a_peer_stays_text_in_markdown(url, tracker, history, tmp_path):
    tracker.record(f"evil{HOSTILE}:7072", "timeout", "seed", via=HOSTILE, detail=HOSTILE)
    tracker.record("192.0.2.1:7072", "handshake_error", "seed", detail="x" * 1_000_000)
    history.record_findings((past_finding(),))
    written(history, 2)
    eventually(lambda: history.findings(None, None, 1))
    text = report(url, tmp_path / "report.md", "--unredacted")
    assert not any(character in text for character in "\x1b\x07\u202e\r")
    assert not re.search(r"(?<!\\)<(?!Counter)", text)
    assert "](" not in text.replace("\\](", "")
    assert "# heading" not in [line.strip() for line in text.splitlines()]
    assert text.count("```") == 2
    rows = [line for line in text.splitlines() if line.startswith("| 20") and "evil" in line]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)
    assert len(text) < 100_000


def test_the_html_has_no_script_and_nothing_to_load(url, tracker, history, tmp_path):
    busy(tracker)
    tracker.record(f"evil{HOSTILE}:7072", "timeout", "seed", via=HOSTILE, detail=HOSTILE)
    tracker.record("192.0.2.1:7072", "malformed_handshake", "seed", evidence={"theirs": HOSTILE, "ours": "x"})
    history.record_findings((past_finding(),))
    written(history, 10)
    eventually(lambda: history.findings(None, None, 1))
    text = report(url, tmp_path / "report.html", "--unredacted")
    page = harmless(text)
    assert "<script>alert(1)</script> ![x](http://evil.example/a.png)" in page.text
    assert "svg" in page.tags
    assert 'class="info"' in text


def test_markdown_that_gets_through_is_still_only_text_in_html():
    """If the Markdown were not escaped, the HTML would have to be safe by itself."""
    nothing = samples.series({"<script>": [1]})
    harmless(
        report_html(f"# nocarrier report\n\n{HOSTILE}\n\n<div onclick=x>\n\n[a]: http://evil.example\n\n[a]\n", nothing)
    )
    harmless(report_html("```text failures-over-time\nx\n```", nothing))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("connection_refused", "connection_refused"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("[a](b)", r"\[a\](b)"),
        ("<b>&amp;", r"\<b\>\&amp;"),
        ("http://x www.x", r"http\://x www\.x"),
        ("# x", r"\# x"),
        ("1. x", r"1\. x"),
        ("  - x", r"\- x"),
        ("a@b", "a`@`b"),
        ("a\nb", r"a\\nb"),
        ("x" * 1000, "x" * 399 + "…"),
    ],
)
def test_words_are_escaped(text, shown):
    assert words(text) == shown


def test_code_is_marked_as_code_where_possible_and_plain_elsewhere():
    assert code("[2001:db8::7]:7072") == "`[2001:db8::7]:7072`"
    assert code("a`b") == r"a\`b"
    assert code("a|b") == "a|b"
    assert code("") == ""
    assert table(("a", "b"), [(words("x|y"), code("z"))], numbers=1) == "| a | b |\n| --- | ---: |\n| x\\|y | `z` |"


# ---- the chart ------------------------------------------------------------------------------------------------------


def test_the_chart_shows_each_reason_and_the_rest_together():
    names = [f"reason{number}" for number in range(12)]
    counts = {name: [12 - place, 0, 1, 0] for place, name in enumerate(names)}
    series = samples.series(counts, until_unix=240, starts_unix=(90.0,))
    lines = block_chart(series).splitlines()
    assert lines[0].split() == ["all", "█", "▂", "|", "78"]
    assert [line.split()[0] for line in lines[1:]] == [*names[:7], "others", "UTC"]
    assert lines[-1].split() == ["UTC", "00:00", "00:04"]
    page = Page(svg_chart(series))
    assert page.tags.count("rect") == 16
    assert page.tags.count("line") == 4
    assert "others 20" in page.text


def test_a_report_without_events_still_has_a_chart(tracker, tmp_path):
    nothing = samples.series({})
    Page(svg_chart(nothing))
    with api_server(tracker, listen="127.0.0.1:0") as running:
        assert "No dial failed in this period." in report(running.url, tmp_path / "report.md")


# ---- the file -------------------------------------------------------------------------------------------------------


def test_the_default_file_name_contains_the_time_and_replaces_no_file(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = nocarrier("report", "--url", url, "--format", "html")
    [path] = tmp_path.glob("nocarrier-report-*.html")
    assert re.fullmatch(r"nocarrier-report-\d{8}T\d{6}Z\.html", path.name)
    assert f"Wrote {path.name} (" in shown.stdout
    path.write_text("mine")
    refused = nocarrier("report", "--url", url, "--output", str(path))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert path.read_text() == "mine"
    assert nocarrier("report", "--url", url, "--output", str(path), "--force").returncode == 0
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_a_file_that_cannot_be_written_is_reported_with_the_reason(url, tmp_path):
    shown = nocarrier("report", "--url", url, "--output", str(tmp_path / "missing" / "report.md"))
    assert shown.returncode == 1
    assert "No such file or directory" in shown.stderr


def test_impossible_times_are_refused_before_the_node_is_asked():
    shown = nocarrier("report", "--since", "1h", "--until", "2h", "--url", "http://127.0.0.1:1")
    assert shown.returncode == 2
    assert "--since must be before --until" in shown.stderr


def test_without_a_node_there_is_no_file(tmp_path):
    shown = nocarrier("report", "--url", "http://127.0.0.1:1", "--output", str(tmp_path / "report.md"))
    assert shown.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_progress_is_for_terminals_only(url, tracker, history, tmp_path):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    written(history, 1)
    shown = nocarrier("report", "--url", url, "--output", "-", TERM="xterm")
    assert "\x1b" not in shown.stdout
    assert shown.stderr == ""
    with Terminal("report", "--url", url, "--output", str(tmp_path / "report.md")) as terminal:
        assert terminal.ended() == 0
        terminal.wait_for("Wrote ")
        assert "asking" in terminal.written


def test_a_report_of_many_events_stays_small(tmp_path):
    tracker = DialTracker(capacity=10_000)
    sources = ("seed", "gossip", "direct", "peer_book", "handshake", "dht", "pex", "dns", "tracker", "other")
    with SqliteHistory(tmp_path / "history.sqlite3", tracker) as kept:
        number = 0
        for reason in Reason:
            for source in sources:
                for _ in range(5):
                    number += 1
                    tracker.record(f"198.18.{number // 250}.{number % 250}:7072", reason, source, detail=HOSTILE * 3)
        written(kept, number)
        with api_server(tracker, history=kept, listen="127.0.0.1:0") as running:
            text = report(running.url, tmp_path / "report.html", "--unredacted")
            assert len(report(running.url, tmp_path / "report.md")) < 500_000
    harmless(text)
    assert len(text) < 1_000_000
