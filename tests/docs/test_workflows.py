"""What the commands of docs/workflows.md find in a network with faults, beyond the fact that they run."""

from __future__ import annotations

import json

import pytest

from testbed.programs import requires
from tests.docs.blocks import ROOT, blocks_of
from tests.docs.world import World

COMMANDS = [block.text for block in blocks_of(ROOT / "docs" / "workflows.md") if block.language == "bash"]
ALL_FAILURES = "curl -s http://localhost:7070/api/p2p/debug | jq '.dial_failures'\n"

pytestmark = [requires("curl"), requires("jq"), pytest.mark.timeout(180)]


def values(world: World, *, command: str) -> list[object]:
    """The JSON values that a command prints."""
    printed, decoder, found = world.shell(command).strip(), json.JSONDecoder(), []
    while printed:
        value, end = decoder.raw_decode(printed)
        found.append(value)
        printed = printed[end:].strip()
    return found


def named(text: str) -> str:
    """The command of the page that contains `text`."""
    (command,) = [command for command in COMMANDS if text in command]
    return command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.strip().splitlines()[-1][:40])
def test_every_command_finds_something(command: str, world: World):
    found = values(world, command=command)

    assert found
    assert all(value not in ([], {}, None) for value in found)


def test_the_state_summary_counts_what_is_there(world: World):
    (state,) = values(world, command=named("connected: .connected_peers"))

    assert state["connected"] == 4
    assert state["peer_book"] >= 4
    assert state["failures"] >= 10


def test_only_timeouts_are_timeouts(world: World):
    timeouts = values(world, command=named('contains("timeout")'))

    assert {entry["reason"] for entry in timeouts} == {"handshake_timeout"}


def test_groups_add_up_to_all_failures(world: World):
    (debug,) = values(world, command="curl -s http://localhost:7070/api/p2p/debug | jq .")
    (groups,) = values(world, command=named("sort_by(.count)"))

    reasons = {group["reason"] for group in groups}
    assert reasons >= {"connection_refused", "version_mismatch", "not_our_protocol", "private_ip_blocked"}
    assert len(debug["dial_failures"]) <= 100
    totals = debug["dial_totals"]
    assert totals["started"] == totals["succeeded"] + totals["failed"] + totals["cancelled"] + totals["in_flight"]


def test_a_dial_that_fails_is_listed_with_its_reason(world: World):
    """A dial requested over the API is tracked, once, with its source."""
    assert ALL_FAILURES in COMMANDS
    (result,) = values(world, command=named("-X POST"))
    assert result["outcome"] in {"failed", "skipped"}

    (failures,) = values(world, command=ALL_FAILURES)
    asked = [entry for entry in failures if entry["addr"] == "127.0.0.1:9999"]
    assert [entry["source"] for entry in asked] == ["direct"] * len(asked)
    assert asked[-1]["reason"] == result["reason"]
