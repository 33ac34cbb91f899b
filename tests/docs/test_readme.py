"""The README is short, and a newcomer gets what it shows."""

from __future__ import annotations

import json
import re
import sys
import urllib.request

import pytest

from tests.docs.blocks import ROOT, Block, blocks_of
from tests.docs.world import World

PAGE = ROOT / "README.md"
MOST_WORDS = 900


def block(language: str, text: str) -> Block:
    """The block of the README in this language that contains `text`."""
    (found,) = [each for each in blocks_of(PAGE) if each.language == language and text in each.text]
    return found


def test_it_is_short():
    assert len(PAGE.read_text().split()) < MOST_WORDS


def test_the_first_command_is_the_demo():
    first = next(blocks_of(PAGE))
    assert first.commands() == ["make demo"]


def test_what_it_shows_of_the_demo_is_what_the_demo_prints(world: World):
    """Rows of its table and sentences of its doctor, each between what the README leaves out."""
    table, verdict, rest = block("text", "the doctor says").text.split("…\n")
    rows = table.splitlines()
    assert len(rows) >= 4
    printed = {_without_ports(row) for row in world.printed.splitlines()}
    assert [row for row in rows if _without_ports(row) not in printed] == []
    assert verdict.startswith("the doctor says:")
    assert rest.strip() == ""
    assert _without_ports(verdict) in _without_ports(world.printed)


def _without_ports(text: str) -> str:
    """`text` in one line, without the ports that the kernel chose."""
    return re.sub(r":\d{4,5}\b", ":PORT", " ".join(text.split()))


@pytest.mark.timeout(180)
def test_the_example_stays_up_and_shows_its_answer(world: World):
    """It prints the failure, and API and page show it for as long as it runs."""
    example = block("python", "nocarrier.serve")
    program = world.folder / "program.py"
    program.write_text(world.here(example.text))
    assert example.until
    with world.running([sys.executable, program], example.until) as lines:
        url = re.search(r"http://127\.0\.0\.1:\d+", lines[-1])[0]
        debug = json.loads(_read(f"{url}/api/p2p/debug"))
        assert _read(f"{url}/"), "the page, or how to build it"

    raised, failure, _ = lines
    assert "Connection refused" in raised
    assert failure.startswith("127.0.0.1:9999 connection_refused connect them {'errno': 'ECONNREFUSED'")
    (entry,) = debug["dial_failures"]
    assert (entry["addr"], entry["reason"], entry["source"]) == ("127.0.0.1:9999", "connection_refused", "seed")
    assert entry["evidence"]["decided_by"] == "network"


def test_what_it_says_that_the_example_prints_is_what_it_prints(world: World):
    printed = block("text", "raised as before").text.splitlines()
    example = block("python", "nocarrier.serve")
    assert printed[0] == "raised as before: [Errno 111] Connection refused, connecting to 127.0.0.1:9999"
    assert printed[-1] == "Open http://127.0.0.1:7070, end with Ctrl-C."
    assert 'print(f"Open {server.url}, end with Ctrl-C.")' in example.text


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()
