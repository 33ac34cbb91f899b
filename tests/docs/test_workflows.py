"""The workflows of docs/workflows.md, run with real curl and jq on a live node."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.programs import requires

PAGE = (Path(__file__).parents[2] / "docs" / "workflows.md").read_text()
COMMANDS = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
ALL_FAILURES = next(command for command in COMMANDS if command.rstrip().endswith("jq '.dial_failures'"))
CONNECT = next(command for command in COMMANDS if "-X POST" in command)

pytestmark = [requires("curl"), requires("jq"), pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def live_url() -> Iterator[str]:
    """The API of a node in a network with faults: the demo, on a port of the kernel's choice."""
    command = [sys.executable, "-m", "nocarrier", "demo", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        try:
            for line in demo.stdout:
                if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                    yield f"http://localhost:{found[1]}"
                    break
            else:
                pytest.fail("the demo ended without saying where its API is")
        finally:
            demo.terminate()
            demo.stdout.read()
            assert demo.wait(20) == 0


def run(command: str, url: str) -> list[object]:
    """Run a command of the page against `url`; the JSON values it prints."""
    shell = ["bash", "-o", "pipefail", "-ec", command.replace("http://localhost:7070", url)]
    output = subprocess.run(shell, capture_output=True, text=True, timeout=30, check=True).stdout
    decoder, values, position = json.JSONDecoder(), [], 0
    while output[position:].strip():
        position += len(output[position:]) - len(output[position:].lstrip())
        value, position = decoder.raw_decode(output, position)
        values.append(value)
    return values


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.strip().splitlines()[-1][:40])
def test_every_command_of_the_page_runs_and_finds_something(command: str, live_url: str):
    values = run(command, live_url)

    assert values
    assert all(value not in ([], {}, None) for value in values)


def named(text: str) -> str:
    """The command of the page that holds `text`."""
    (command,) = [command for command in COMMANDS if text in command]
    return command


def test_the_state_summary_counts_what_is_there(live_url: str):
    (state,) = run(named("connected: .connected_peers"), live_url)

    assert state["connected"] == 4
    assert state["peer_book"] >= 4
    assert state["failures"] >= 10


def test_only_timeouts_are_timeouts(live_url: str):
    assert {entry["reason"] for entry in run(named('contains("timeout")'), live_url)} == {"handshake_timeout"}


def test_groups_add_up_to_all_failures(live_url: str):
    debug = run("curl -s http://localhost:7070/api/p2p/debug | jq .", live_url)[0]
    by_reason = {group["reason"] for group in run(named("sort_by(.count)"), live_url)[0]}

    assert by_reason >= {"connection_refused", "version_mismatch", "not_our_protocol", "private_ip_blocked"}
    assert len(debug["dial_failures"]) <= 100
    totals = debug["dial_totals"]
    assert totals["started"] == totals["succeeded"] + totals["failed"] + totals["cancelled"] + totals["in_flight"]


def test_a_dial_that_fails_is_listed_with_its_reason(live_url: str):
    """A dial asked for over the API is tracked, once, with its source."""
    (result,) = run(CONNECT, live_url)
    assert result["outcome"] in {"failed", "skipped"}

    (failures,) = run(ALL_FAILURES, live_url)
    asked = [entry for entry in failures if entry["addr"] == "127.0.0.1:9999"]
    assert [entry["source"] for entry in asked] == ["direct"] * len(asked)
    assert asked[-1]["reason"] == result["reason"]
