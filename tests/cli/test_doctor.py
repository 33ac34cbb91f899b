"""`nocarrier doctor` as an operator runs it, against real servers and hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.app.node import attend, in_background
from nocarrier.cli.render.diagnosis_text import standing
from nocarrier.cli.render.probe_text import probe_lines
from nocarrier.model.probe import Answer, Hop, ProbeFacts, Target, Trace
from nocarrier.testing.fault_servers import closed_port
from nocarrier.web.api.server import Server
from nocarrier.web.views import ProbeView
from testbed.nodes import nodes_fixture
from tests.cli.command import nocarrier
from tests.client import samples
from tests.web.api.http_client import get

nodes = nodes_fixture


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def embedded(tracker):
    """The API of a program without a nocarrier node."""
    with api_server(tracker, listen="127.0.0.1:0") as running:
        yield running


def refuses(tracker, addr, source="gossip"):
    tracker.record(addr, "connection_refused", source, evidence={"errno": "ECONNREFUSED", "decided_by": "network"})


@contextlib.contextmanager
def answering(documents):
    """A server that answers these paths with these documents, and all others with 404."""

    async def answer(request):
        document = documents.get(request.url.path)
        return JSONResponse({"detail": "none"} if document is None else document, 404 if document is None else 200)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with Server(app, "127.0.0.1:0") as server:
        yield server.url


def found(*findings, **diagnosis):
    """The documents of a program with these findings."""
    return {
        "/api/p2p/diagnosis": samples.document(samples.diagnosis(*findings, **diagnosis)),
        "/api/p2p/debug": samples.document(samples.debug()),
    }


# ---- the verdict ----------------------------------------------------------------------------------------------------


def test_healthy_says_what_was_examined(embedded, tracker):
    tracker.succeed(tracker.begin("192.0.2.1:7072", "seed"))
    tracker.succeed(tracker.begin("198.51.100.1:7072", "seed"))
    shown = nocarrier("doctor", "--url", embedded.url)
    assert (shown.returncode, shown.stderr) == (0, "")
    said = " ".join(shown.stdout.split())
    assert said.startswith("Healthy: 2 dials (2 succeeded, 0 failed); ")
    assert "sessions and reachability are unknown" in said


async def test_a_healthy_node_says_so_in_one_line(nodes):
    dialer, _ = await nodes.pair()
    _, server = attend(dialer.node, dialer.tracker, listen="127.0.0.1:0")
    async with in_background(server.run()):
        shown = await asyncio.to_thread(nocarrier, "doctor", "--url", server.url, COLUMNS="200")
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == [
        "Healthy: 1 peer connected; 1 dial (1 succeeded, 0 failed); not known yet whether others can dial this node."
    ]


def test_without_a_dial_it_is_too_early_to_tell(embedded):
    shown = nocarrier("doctor", "--url", embedded.url)
    assert (shown.returncode, shown.stderr) == (3, "")
    first, second, *_ = shown.stdout.splitlines()
    assert first == "Too early to tell: no ended dial is on record."
    assert second.startswith("Based on: no dials yet; ")
    for probed in ((), ("--probe",)):
        as_json = nocarrier("doctor", "--json", *probed, "--url", embedded.url)
        answer = json.loads(as_json.stdout)
        assert (as_json.returncode, answer["status"], answer["healthy"]) == (3, "undetermined", False)
        assert answer["status_detail"] == "No ended dial is on record."


@pytest.mark.parametrize(
    ("answer", "exit_status", "first_line"),
    [
        ({"status": "healthy"}, 0, "Healthy: "),
        ({"status": "unhealthy"}, 1, "Not healthy, and the node does not say why: "),
        ({"status": "undetermined", "status_detail": "No."}, 3, "Too early to tell: no."),
        ({"status": "undetermined"}, 3, "Too early to tell: the node does not say why."),
        ({"status": "a word of a newer node"}, 3, "Too early to tell: the node does not say why."),
    ],
)
def test_the_exit_status_follows_the_status(answer, exit_status, first_line):
    with answering(found(**answer)) as url:
        for arguments in ((), ("--json",), ("--probe",)):
            shown = nocarrier("doctor", "--url", url, *arguments, COLUMNS="200")
            assert (shown.returncode, shown.stderr) == (exit_status, "")
            assert "--json" in arguments or shown.stdout.splitlines()[0].startswith(first_line)


def test_with_a_probe_the_verdict_is_the_one_after_the_probe():
    asked = []

    async def answer(request):
        asked.append(request.url.path)
        if request.url.path != "/api/p2p/diagnosis":
            return JSONResponse({"statements": []})
        findings = [] if "/api/p2p/diagnosis/probe" in asked else [samples.finding("offline")]
        return JSONResponse(samples.document(samples.diagnosis(*findings)))

    with Server(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]), "127.0.0.1:0") as server:
        shown = nocarrier("doctor", "--probe", "--json", "--url", server.url)
    assert (shown.returncode, json.loads(shown.stdout)["findings"]) == (0, [])
    assert "offline" in json.loads(shown.stdout)["probes"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", "ftp://127.0.0.1"),
        ("--url", "http://127.0.0.1:99999"),
        ("--url", "http://127.0.0.1:1"),
        ("--url", ""),
        ("--no-such-option",),
        ("argument",),
        ("--url",),
    ],
)
def test_bad_usage_and_an_unreachable_node_exit_with_2(arguments):
    shown = nocarrier("doctor", *arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr


def test_a_wrong_token_exits_with_2(tracker):
    with api_server(tracker, listen="127.0.0.1:0", token="a-token-of-some-length") as guarded:
        for token in ((), ("--token", "another-token-of-some-length")):
            shown = nocarrier("doctor", "--url", guarded.url, *token)
            assert (shown.returncode, shown.stdout) == (2, "")
            assert "token" in shown.stderr
        right = nocarrier("doctor", "--url", guarded.url, "--token", "a-token-of-some-length")
    assert right.returncode == 3


def test_the_first_line_names_the_worst_finding(embedded, tracker):
    tracker.succeed(tracker.begin("192.0.2.99:7072", "seed"))  # so that it is not cut off
    tracker.record("192.168.3.3:7072", "private_ip_blocked", "seed")
    for number in range(3):
        tracker.record(f"192.0.{number}.7:7072", "fd_exhausted", "gossip", evidence={"decided_by": "local"})
    shown = nocarrier("doctor", "--url", embedded.url)
    assert shown.returncode == 1
    findings = get(embedded, "/api/p2p/diagnosis").json["findings"]
    assert {"local_exhaustion", "seeds_misconfigured"} <= {finding["code"] for finding in findings}
    assert shown.stdout.splitlines()[0].startswith(f"Not healthy: {findings[0]['title']}")


def test_a_finding_says_what_why_since_when_and_what_to_do(embedded, tracker):
    refuses(tracker, "192.0.2.1:7072")
    shown = nocarrier("doctor", "--url", embedded.url)
    [finding] = get(embedded, "/api/p2p/diagnosis").json["findings"]
    said = " ".join(shown.stdout.split())
    assert f"{finding['severity'].upper()} {finding['title']} ({finding['code']})" in said
    assert finding["summary"] in said
    since = r"(new|for \d s)"  # on a busy machine the command takes a second to start
    assert re.search(
        rf"likely \({finding['confidence']:g}\); blame: {finding['blame']}; {since}; prevents connections to 1 peer",
        said,
    )
    assert f"- 1 {finding['evidence'][0]['statement']} 192.0.2.1:7072" in said
    assert finding["next_actions"]
    for number, action in enumerate(finding["next_actions"], 1):
        below = [action["command"], *(action["settings"] or "").splitlines()]
        assert " ".join([f"{number}. {action['text']}", *filter(None, below)]) in said


@pytest.mark.parametrize(("stands_s", "since"), [(0.9, "new"), (1, "for 1 s"), (90, "for 90 s")])
def test_a_finding_is_called_new_for_a_second(stands_s, since):
    finding = samples.finding(confidence=0.6, since_unix=100.0)
    assert standing(finding, 100.0 + stands_s) == f"likely (0.6); blame: them; {since}"


def test_the_worst_finding_comes_first_and_information_last():
    def finding(severity):
        return samples.finding(f"is_{severity}", severity=severity, title=f"The {severity} one.")

    with answering(found(*map(finding, ("critical", "warning", "warning", "info")))) as url:
        lines = nocarrier("doctor", "--url", url).stdout.splitlines()
    assert lines[0] == "Not healthy: The critical one; and 2 more."
    assert lines[1].startswith("Found: 1 critical, 2 warnings, 1 info. Based on: ")
    places = [lines.index(line) for line in lines if line.startswith(("CRITICAL", "WARNING", "Good to know:"))]
    assert len(places) == 4
    assert places == sorted(places)
    assert lines[places[3] + 1] == "  - is_info: The summary of is_info. (new)"


def test_info_alone_is_healthy():
    known = samples.finding(
        "peer_down",
        severity="info",
        summary="1 peer is off.",
        next_actions=[samples.action("Tell it.", "nocarrier failures")],
    )
    with answering(found(known)) as url:
        shown = nocarrier("doctor", "--url", url)
    assert shown.returncode == 0
    assert shown.stdout.startswith("Healthy: ")
    assert "  - peer_down: 1 peer is off. (new)\n    Tell it.\n        nocarrier failures\n" in shown.stdout


def test_what_a_finding_explains_is_named():
    offline = samples.finding("offline", hides=["seeds_down", "peer_down"])
    with answering(found(offline)) as url:
        shown = nocarrier("doctor", "--url", url).stdout
    assert "  also explains: seeds_down, peer_down\n" in shown


def test_lines_fit_the_terminal_and_have_no_trailing_blanks(embedded, tracker):
    for number in range(9):
        refuses(tracker, f"192.0.2.{number}:7072", "seed")
    for columns in (80, 60):
        lines = nocarrier("doctor", "--url", embedded.url, COLUMNS=str(columns)).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        assert [line for line in lines if line != line.rstrip()] == []


def test_colours_are_for_terminals_only(embedded, tracker):
    refuses(tracker, "192.0.2.1:7072")

    def on_a_terminal(**environ):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "nocarrier", "doctor", "--url", embedded.url]
        inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLORTERM"}}
        done = subprocess.run(command, stdout=theirs, env={**inherited, "TERM": "xterm", **environ}, check=False)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while part := os.read(ours, 65536):
                shown += part
        os.close(ours)
        assert done.returncode == 1
        return shown

    assert b"\x1b[" in on_a_terminal()
    assert b"\x1b[3" not in on_a_terminal(NO_COLOR="1")
    assert "\x1b" not in nocarrier("doctor", "--url", embedded.url, TERM="xterm").stdout


def test_a_terminal_without_unicode_gets_escapes_and_no_traceback(embedded, tracker):
    tracker.record("пример.рф:7072", "timeout", "gossip", detail="…")
    shown = nocarrier("doctor", "--url", embedded.url, PYTHONIOENCODING="ascii")
    assert shown.returncode == 1
    assert shown.stderr == ""
    assert r"\u043f" in shown.stdout


def test_json_is_the_answer_of_the_node(embedded, tracker):
    refuses(tracker, "192.0.2.1:7072")
    shown = nocarrier("doctor", "--url", embedded.url, "--json")
    assert shown.returncode == 1
    findings = get(embedded, "/api/p2p/diagnosis").json["findings"]
    assert json.loads(shown.stdout)["findings"] == findings


# ---- who answers ----------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_answer_is_reported_as_such():
    with api_server(DialTracker(), listen="127.0.0.1:0") as running:
        gone = running.url
    shown = nocarrier("doctor", "--url", gone)
    assert (shown.returncode, shown.stdout, len(shown.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    "documents",
    [
        {},
        {"/api/p2p/diagnosis": {"hello": "world"}},
        {"/api/p2p/diagnosis": {"healthy": "yes", "findings": []}},
        {"/api/p2p/diagnosis": {"healthy": True, "findings": None}},
        {"/api/p2p/diagnosis": {"healthy": False, "findings": [{"code": "x"}]}},
        {"/api/p2p/diagnosis": {"healthy": False, "findings": [7]}},
        {"/api/p2p/diagnosis": {"healthy": True, "findings": []}},
        {"/api/p2p/diagnosis": samples.document(samples.diagnosis())},
        found() | {"/api/p2p/debug": {"connected_peers": 7}},
    ],
)
def test_foreign_or_older_programs_are_reported_as_such(documents):
    with answering(documents) as url:
        shown = nocarrier("doctor", "--url", url)
    assert (shown.returncode, shown.stdout, len(shown.stderr.splitlines())) == (2, "", 1)


HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]bold[/red]\u202egnp.exe\u2066\r\nHealthy: all is well " + "x" * 300


def test_text_of_a_hostile_node_cannot_steer_the_terminal():
    def finding(severity):
        return samples.finding(
            HOSTILE + severity,
            title=HOSTILE,
            severity=severity,
            blame=HOSTILE,
            summary=HOSTILE,
            confidence=1e308,
            evidence=[samples.evidence(HOSTILE, -7, [HOSTILE, "192.0.2.1:7072"])],
            affected_peers=-1,
            next_actions=[samples.action(HOSTILE, HOSTILE, HOSTILE)] * 2,
            since_unix=-1e300,
            hides=[HOSTILE],
        )

    result = {
        "code": HOSTILE,
        "probed_unix": 1e300,
        "statements": [samples.statement(HOSTILE, HOSTILE)],
        "age_s": 1e300,
        "duration_s": 1e300,
        "facts": {
            "targets": [
                {"addr": HOSTILE, "trace": {"hops": [{"ttl": 1, "answer": HOSTILE, "addr": HOSTILE, "rtt_s": 1e300}]}}
            ]
        },
    }
    debug = samples.debug(
        connected_peers=[samples.connected_peer(HOSTILE)],
        reachability=HOSTILE,
        node=samples.node_info(node_id=HOSTILE, network=HOSTILE),
    )
    documents = found(finding(HOSTILE), finding("critical"), finding("info"), at_unix=1e300) | {
        "/api/p2p/debug": samples.document(debug),
        "/api/p2p/diagnosis/probe": result,
    }
    with answering(documents) as url:
        shown = nocarrier("doctor", "--url", url, "--probe", COLUMNS="80")
        as_json = nocarrier("doctor", "--url", url, "--probe", "--json")
    for done in (shown, as_json):
        assert done.returncode == 1
        assert done.stderr == ""
        assert not any(character in done.stdout for character in "\x1b\x07\u202e\u2066\r")
    assert "[red]bold[/red]" in shown.stdout
    assert "\nHealthy" not in shown.stdout
    assert shown.stdout.count("Good to know:") == 1


# ---- probing --------------------------------------------------------------------------------------------------------


async def test_the_results_of_a_probe_are_below_its_finding(tracker):
    async with closed_port("127.67.1.1") as port:
        addr = f"127.67.1.1:{port}"
        refuses(tracker, addr)
        with api_server(tracker, listen="127.0.0.1:0") as embedded:
            first = await asyncio.to_thread(nocarrier, "doctor", "--probe", "--url", embedded.url)
            second = await asyncio.to_thread(nocarrier, "doctor", "--probe", "--url", embedded.url)
            as_json = await asyncio.to_thread(nocarrier, "doctor", "--probe", "--json", "--url", embedded.url)
    assert (first.returncode, first.stderr) == (1, "")
    lines = first.stdout.splitlines()
    probed = lines.index("  probed now:")
    assert probed > lines.index("  what to do:")
    # A line about this machine's own gateway may come before it.
    assert any(line.startswith(f"    - {addr}: ") for line in lines[probed + 1 :])
    assert f"    the route to {addr}:" in lines
    assert lines[-2].split() == ["hop", "address", "ms", "what", "it", "said"]
    assert lines[-1].split()[:2] == ["1", "127.67.1.1"]
    assert lines[-1].endswith("refuses (RST)")
    assert "ago (at most once a minute):" in second.stdout
    answer = json.loads(as_json.stdout)
    assert answer["findings"][0]["code"] == "peer_down"
    assert answer["probes"]["peer_down"]["facts"]["targets"][0]["addr"] == addr


def test_a_finding_not_worth_probing_says_so_in_one_line(embedded, tracker):
    tracker.record("192.168.3.3:7072", "private_ip_blocked", "seed")
    shown = nocarrier("doctor", "--probe", "--url", embedded.url)
    assert "\n  Nothing to probe: " in shown.stdout


def test_a_node_that_cannot_probe_still_shows_its_findings():
    with answering(found(samples.finding("offline"))) as url:
        shown = nocarrier("doctor", "--probe", "--url", url)
    assert shown.returncode == 1
    assert "  not probed: none" in shown.stdout


def test_a_trace_is_a_short_table():
    hops = (
        Hop(ttl=1, answer=Answer.EXPIRED, addr="10.0.0.1", rtt_s=0.0004),
        *(Hop(ttl=ttl, answer=Answer.SILENT) for ttl in range(2, 9)),
        Hop(ttl=9, answer=Answer.UNREACHABLE, addr="198.51.100.250", rtt_s=0.0123, icmp_type=3, icmp_code=13),
    )
    target = Target(addr="203.0.113.7:7072", trace=Trace(hops=hops))
    result = ProbeView(
        code="offline",
        probed_unix=1.0,
        age_s=0.0,
        duration_s=0.0,
        statements=(samples.said("a"), samples.said("b")),
        facts=ProbeFacts(targets=(target,)),
    )
    rows = [f"{line.mark} {line.text}".split() for line in probe_lines(result)]
    assert rows[-4:] == [
        ["hop", "address", "ms", "what", "it", "said"],
        ["1", "10.0.0.1", "0.4", "a", "router", "on", "the", "way"],
        ["2-8", "*", "nothing"],
        ["9", "198.51.100.250", "12.3", "unreachable", "(ICMP", "type", "3", "code", "13)"],
    ]
