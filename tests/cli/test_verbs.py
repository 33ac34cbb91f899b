"""The verbs as a user runs them: in their own process, against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from nocarrier import DialTracker, __version__
from nocarrier.app.embedded import api_server
from nocarrier.cli.main import VERBS
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.access import tickets
from nocarrier.web.api.server import Server
from tests.cli.command import nocarrier
from tests.cli.terminal import Terminal
from tests.web.api.fake_node import FakeNode

NODE_ID = "ab" * 32


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def url(tracker):
    with api_server(tracker, node=FakeNode(), listen="127.0.0.1:0") as running:
        yield running.url


def test_help_lists_every_verb_of_this_version():
    shown = nocarrier("--help")
    assert shown.returncode == 0
    assert all(f"  {verb} " in shown.stdout for verb in VERBS)


def test_every_verb_has_its_own_help():
    for verb in sorted(set(VERBS) - {"run", "demo"}):
        assert nocarrier(verb, "--help").returncode == 0, verb


def test_version_is_printed_without_loading_the_node_or_the_web_library():
    program = (
        "import sys; from nocarrier.cli.main import main\n"
        "try: main(['version'])\n"
        "finally: print(sorted({'starlette', 'uvicorn', 'cryptography', 'rich', 'msgspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.splitlines() == [f"nocarrier {__version__}", "[]"]


def test_the_version_is_an_option_too():
    assert nocarrier("--version").stdout == nocarrier("version").stdout == f"nocarrier {__version__}\n"


def test_failures_are_shown_newest_first(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record("192.0.2.2:7072", "connection_refused", "gossip", via="192.0.2.1:7072", detail="by RST")
    shown = nocarrier("failures", "--url", url)
    assert shown.returncode == 0
    lines = [line for line in shown.stdout.splitlines() if ":7072" in line]
    assert "192.0.2.2:7072" in lines[0]
    assert "by RST" in lines[0]
    assert "timeout" in lines[1]


def test_failures_are_filtered(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record("192.0.2.2:7072", "banned", "gossip")
    shown = nocarrier("failures", "--reason", "banned", "--since", "5m", "--limit", "5", "--url", url, "--json")
    assert [failure["addr"] for failure in json.loads(shown.stdout)["failures"]] == ["192.0.2.2:7072"]


def test_skips_are_shown_only_on_request(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    for number in range(50):
        tracker.record(f"192.0.3.{number}:7072", "slots_full", "gossip")

    def kinds(*arguments):
        shown = nocarrier("failures", *arguments, "--json", "--url", url)
        answer = json.loads(shown.stdout)
        return {entry["kind"] for entry in answer["failures"]}, len(answer["failures"])

    assert kinds("--limit", "10") == ({"failure"}, 1)
    assert kinds("--kind", "skip") == ({"skip"}, 50)
    assert kinds("--all") == ({"failure", "skip"}, 51)
    assert kinds("--kind", "failure,skip", "--limit", "10") == ({"skip"}, 10)
    assert nocarrier("failures", "--url", url).stdout.count(":7072") == 1
    none = nocarrier("failures", "--reason", "slots_full", "--url", url)
    assert none.stderr == "No failures match. Skips are left out; --all shows them.\n"
    assert nocarrier("failures", "--all", "--kind", "skip", "--url", url).returncode == 2


@pytest.mark.parametrize("verb", ["failures", "peers"])
def test_a_table_in_a_pipe_is_for_programs(url, tracker, verb):
    tracker.record("192.0.2.1:7072", "handshake_error", "seed", detail="two\ttabs\t and a line\n end")
    shown = nocarrier(verb, "--url", url)
    assert shown.stderr == ""
    header, *rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert {"address", "from"} <= set(header)
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    assert all(row[header.index("address")].endswith(":7072") for row in rows)


def test_an_empty_table_is_its_header_and_a_note_for_people():
    with api_server(DialTracker(), listen="127.0.0.1:0") as running:
        shown = nocarrier("peers", "--url", running.url)
        with Terminal("peers", "--url", running.url) as terminal:
            assert terminal.ended() == 0
            terminal.wait_for("The peer book is empty")
            assert "last success" not in terminal.written
    assert shown.stdout.splitlines() == ["address\tstate\tfrom\tlast success\tstreak\tlast reason\tnext dial"]
    assert "The peer book is empty" in shown.stderr


def test_json_is_the_nodes_answer(url, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    answer = json.loads(nocarrier("failures", "--json", NOCARRIER_URL=url).stdout)
    assert answer["by_reason"] == {"timeout": 1}


def test_an_impossible_filter_is_answered_with_what_is_allowed(url):
    shown = nocarrier("failures", "--reason", "timout", "--url", url)
    assert shown.returncode == 2
    assert shown.stderr.endswith("Error: --reason: there is no reason 'timout'. Did you mean timeout?\n")
    assert nocarrier("failures", "--since", "yesterday", "--url", url).stderr.count("5m") == 1


@pytest.mark.parametrize(
    ("option", "word", "says"),
    [
        ("--reason", "bogus", "there is no reason 'bogus'. List all with: nocarrier explain"),
        ("--source", "gosip", "Did you mean gossip?"),
        ("--kind", "failure,skp", "there is no kind 'skp'. Did you mean skip?"),
        ("--kind", "started", "Allowed are cancelled, disconnect, failure, skip."),
        ("--addr", "x" * 2000, "addr"),
    ],
)
def test_a_mistyped_filter_is_answered_with_the_nearest(url, option, word, says):
    shown = nocarrier("failures", option, word, "--url", url)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert says in shown.stderr
    assert len(shown.stderr) < 600


def test_a_reason_of_a_newer_node_is_left_to_the_node():
    """This program does not know the reason; the node that is asked does."""
    answer = {"failures": [], "by_reason": {}, "by_source": {}, "by_addr": {}, "samples": []}
    app = Starlette(routes=[Route("/api/p2p/failures", lambda _: JSONResponse(answer))])
    with Server(app, "127.0.0.1:0") as newer:
        shown = nocarrier("failures", "--reason", "of_a_newer_node", "--json", "--url", newer.url)
    assert (shown.returncode, json.loads(shown.stdout)) == (0, answer)


def test_a_mistyped_verb_is_answered_with_the_nearest():
    shown = nocarrier("doctr")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.endswith("Error: There is no verb 'doctr'. Did you mean doctor?\n")
    hostile = nocarrier("\x1b[2J")
    assert hostile.returncode == 2
    assert "\x1b" not in hostile.stderr


def test_text_of_a_peer_cannot_steer_the_terminal(url, tracker):
    hostile = "\x1b]0;owned\x07\x1b[2J[red]bold[/red]\u202egnp.exe\u2066\r\nfake row"
    tracker.record("192.0.2.1:7072", "handshake_error", "seed", detail=hostile)
    shown = nocarrier("failures", "--url", url)
    assert shown.returncode == 0
    assert not any(character in shown.stdout for character in "\x1b\x07\u202e\u2066\r")
    assert "[red]bold[/red]" in shown.stdout
    assert "\nfake row" not in shown.stdout


def test_peers_are_shown_with_when_and_why_not_now(url):
    shown = nocarrier("peers", "--url", url)
    assert shown.returncode == 0
    assert "hot, connected" in shown.stdout
    assert "when something changes (peer_id_mismatch)" in shown.stdout


def test_connect_that_connects_exits_with_0(url):
    shown = nocarrier("connect", "198.51.100.1:7072", "--url", url)
    assert shown.returncode == 0
    assert "connected" in shown.stdout


def test_connect_that_fails_explains_itself_and_exits_with_1(url):
    shown = nocarrier("connect", "192.0.2.1:7072", "--url", url)
    assert shown.returncode == 1
    assert "connection_refused" in shown.stdout
    assert Reason.CONNECTION_REFUSED.meaning in shown.stdout
    assert Reason.CONNECTION_REFUSED.next_step in shown.stdout
    assert json.loads(nocarrier("connect", "192.0.2.1:7072", "--url", url, "--json").stdout)["outcome"] == "failed"


@pytest.mark.parametrize(
    "arguments", [("failures",), ("peers",), ("connect", "192.0.2.1:7072"), ("failures", "--json")]
)
def test_without_a_node_one_line_says_what_to_do(arguments):
    with api_server(DialTracker(), listen="127.0.0.1:0") as running:
        gone = running.url
    shown = nocarrier(*arguments, "--url", gone)
    assert shown.returncode == 2
    assert len(shown.stderr.splitlines()) == 1
    assert gone in shown.stderr
    assert "nocarrier run" in shown.stderr
    assert shown.stdout == ""


def test_a_url_needs_no_scheme(url):
    bare = url.removeprefix("http://")
    assert nocarrier("failures", "--url", bare).returncode == 0
    assert nocarrier("peers", NOCARRIER_URL=bare).returncode == 0
    assert nocarrier("diff", bare, url).returncode == 1  # both lead to the same node


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:99999", "http://", "http://[bad", "http://h:99999"])
def test_text_that_is_not_a_url_is_reported_as_such(url):
    shown = nocarrier("failures", "--url", url)
    assert shown.returncode == 2
    assert len(shown.stderr.splitlines()) == 1


def test_a_token_is_asked_for_and_taken_from_the_environment(tracker):
    with api_server(tracker, listen="127.0.0.1:0", token="opensesame") as running:
        refused = nocarrier("failures", "--url", running.url)
        assert refused.returncode == 2
        assert "needs a token; set --token or NOCARRIER_TOKEN" in refused.stderr
        wrong = nocarrier("failures", "--url", running.url, "--token", "sesame")
        assert wrong.returncode == 2
        assert "does not accept this token; check --token or NOCARRIER_TOKEN" in wrong.stderr
        assert nocarrier("failures", "--url", running.url, NOCARRIER_TOKEN="opensesame").returncode == 0
        assert nocarrier("failures", "--url", running.url, "--token", "opensesame").returncode == 0


def test_a_proxy_of_the_environment_is_not_used(url):
    shown = nocarrier("failures", "--url", url, http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1")
    assert shown.returncode == 0


def test_another_server_is_not_taken_for_a_node():
    app = PlainTextResponse("hello")
    with Server(Starlette(routes=[Route("/{path:path}", app)]), "127.0.0.1:0") as other:
        shown = nocarrier("failures", "--url", other.url)
    assert shown.returncode == 2
    assert "not like a node" in shown.stderr


def test_a_reason_is_explained_without_a_node():
    shown = nocarrier("explain", "handshake-timeout", NOCARRIER_URL="http://127.0.0.1:1")
    assert shown.returncode == 0
    assert Reason.HANDSHAKE_TIMEOUT.meaning in shown.stdout
    assert Reason.HANDSHAKE_TIMEOUT.next_step in shown.stdout
    row = json.loads(nocarrier("explain", "timeout", "--json").stdout)
    assert (row["name"], row["phase"]) == ("timeout", "connect")


def test_an_issued_ticket_admits_its_node(tmp_path: Path):
    key = tmp_path / "issuer.pem"
    made = nocarrier(
        "ticket", "issue", "--key", str(key), "--new-key", "--node-id", NODE_ID, "--network", "lab", "--json"
    )
    issued = json.loads(made.stdout)
    claims = {"admission_key": issued["admission_key"], "node_id": NODE_ID, "network": "lab"}
    now_unix = key.stat().st_mtime
    tickets.verify(issued["ticket"], **claims, now_unix=now_unix + 29 * 86_400)
    with pytest.raises(Exception, match="expired"):
        tickets.verify(issued["ticket"], **claims, now_unix=now_unix + 31 * 86_400)
    again = nocarrier("ticket", "issue", "--key", str(key), "--node-id", NODE_ID, "--network", "lab")
    assert again.returncode == 0
    tickets.verify(again.stdout.strip(), **claims, now_unix=now_unix + 60)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--node-id", "short"), "64 lower-case hex digits"),
        (("--node-id", NODE_ID, "--days", "0"), "more than 0"),
        (("--node-id", NODE_ID, "--days", "nan"), "more than 0"),
    ],
)
def test_an_impossible_ticket_is_refused(tmp_path, arguments, says):
    shown = nocarrier("ticket", "issue", "--key", str(tmp_path / "issuer.pem"), "--new-key", *arguments)
    assert shown.returncode == 1
    assert says in shown.stderr


def test_an_issuer_key_is_never_replaced(tmp_path):
    key = tmp_path / "issuer.pem"
    tickets.create_issuer_key(key)
    before = key.read_bytes()
    shown = nocarrier("ticket", "issue", "--key", str(key), "--new-key", "--node-id", NODE_ID)
    assert shown.returncode == 1
    assert "not replaced" in shown.stderr
    assert key.read_bytes() == before


def test_an_impossible_setting_is_one_line_of_error_from_run_too(tmp_path):
    shown = nocarrier("run", "--node-data-dir", str(tmp_path), NOCARRIER_NODE_TARGET_PERS="3")
    assert shown.returncode == 1
    assert len(shown.stderr.splitlines()) == 1
    assert "Did you mean target_peers?" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--node-target-peers", "many"), "--node-target-peers"),
        (("--node-target-peers", "65"), "0 to max_peers (64)"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_an_impossible_flag_of_run_is_a_mistyped_command(tmp_path, arguments, says):
    shown = nocarrier("run", "--node-data-dir", str(tmp_path), *arguments)
    assert shown.returncode == 2
    assert says in shown.stderr
