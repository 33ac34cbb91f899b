"""What the README and docs/how-to/diagnose.md show of a verdict is what nodes in such a network get."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from testbed.netns import Namespace
from testbed.netns_chain import Chain
from testbed.programs import requires_root_netns
from tests.docs.blocks import ROOT, blocks_of

PATIENCE_S = 60
LEFT_OUT = "…"

DIFF = "diff http://127.1.1.1:7070 http://127.2.1.1:7070"

pytestmark = [requires_root_netns, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `nocarrier` prints, by its arguments."""
    with Chain() as network:
        network.routers[1].firewall("forward", "tcp dport 7072 drop")
        settings = ["--timing-connect-timeout-s", "3", "--node-seeds", f"{network.server.ipv4}:7072"]
        start_node(network.client, tmp_path_factory.mktemp("node"), *settings)
        found = {arguments: nocarrier(network.client, arguments, {1}) for arguments in ("doctor", "doctor --probe")}

        # Anywhere that has these addresses and ports to itself.
        for host in ("127.1.1.1", "127.2.1.1"):
            listens = ["--http-listen", f"{host}:7070", "--node-p2p-listen", f"{host}:7072"]
            wrong = ["--node-advertise", f"{host}:7070"] if host == "127.1.1.1" else []
            settings = [*listens, *wrong, "--node-allow-networks", "127.0.0.0/8"]
            start_node(network.server, tmp_path_factory.mktemp("node"), *settings)
        nocarrier(network.server, "connect 127.1.1.1:7070 --url http://127.2.1.1:7070", {1})
        return found | {DIFF: nocarrier(network.server, DIFF, {1})}


def start_node(place: Namespace, data: Path, *settings: str) -> None:
    command = [sys.executable, "-u", "-m", "nocarrier", "run", "--node-data-dir", str(data), *settings]
    place.start(command, timeout_s=20)


def nocarrier(place: Namespace, arguments: str, statuses: Collection[int]) -> str:
    """Its output, as soon as its exit status is one of these."""
    deadline = time.monotonic() + PATIENCE_S
    command = ["env", "COLUMNS=80", sys.executable, "-m", "nocarrier", *arguments.split()]
    while True:
        done = place.run(command, check=False, timeout_s=PATIENCE_S)
        if done.returncode in statuses:
            return str(done.stdout)
        assert time.monotonic() < deadline, done
        time.sleep(0.3)


def in_one_line(text: str) -> str:
    """`text` without its line breaks, and without what differs from run to run: ages, times, skips and identities."""
    text = re.sub(r"\b(new|for \d+ s)\b", "AGE", " ".join(text.split()))
    text = re.sub(r"\b\d+ skips?\b", "SKIPS", text)
    text = re.sub(r"\b[0-9a-f]{12}…", "ID", text)
    return re.sub(r"(?<![\d.])\d+\.\d+(?![\d.])", "NUMBER", text)


def shown(page: Path) -> Iterator[tuple[str, str]]:
    """Each part of such an output on a page, between what the page leaves out, with the arguments that print it."""
    for block in blocks_of(page):
        command, _, output = block.text.partition("\n") if block.commands() else ("", "", block.text)
        arguments = command.removeprefix("$ nocarrier ") or ("doctor --probe" if "probed now" in output else "")
        if output and arguments in {"doctor", "doctor --probe", DIFF}:
            parts = re.split(rf"(?m)(?:^| ){LEFT_OUT}$", output)
            yield from ((arguments, in_one_line(part)) for part in parts if part.strip())


@pytest.mark.parametrize(("page", "least"), [("README.md", 2), ("docs/how-to/diagnose.md", 5)])
def test_an_output_on_the_page_is_what_is_printed(page: str, least: int, printed: dict[str, str]):
    parts = list(shown(ROOT / page))
    assert len(parts) >= least
    for arguments, part in parts:
        assert part in in_one_line(printed[arguments]), printed[arguments]
