"""Nodes for the examples of the documentation: one demo and one quiet node for all of them."""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.world import World, make_home


@contextlib.contextmanager
def _node(*arguments: str, folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Run `nocarrier` until it is up; its URL, and what it has printed so far."""
    command = [sys.executable, "-m", "nocarrier", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder
    ) as node:
        assert node.stdout is not None
        try:
            printed = ""
            for line in node.stdout:
                printed += line
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0], printed
                    break
            else:
                pytest.fail(f"it ended without saying where its API is: {printed}")
        finally:
            node.terminate()
            node.stdout.read()
            assert node.wait(20) == 0


@pytest.fixture(scope="session")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The demo, and a node of its own that knows no peers."""
    folder = tmp_path_factory.mktemp("docs")
    home, temporary = folder / "home", folder / "demo"
    temporary.mkdir()
    world = World("", "", "", home, folder)
    environment = world.environment | {"TMPDIR": str(temporary), "COLUMNS": "100"}
    del environment["NOCARRIER_URL"]
    with (
        _node("run", folder=folder, environment=environment) as (other_url, _),
        _node("demo", "--listen", "127.0.0.1:0", folder=folder, environment=environment) as (url, printed),
    ):
        (history,) = temporary.glob("nocarrier-demo-*/history.sqlite3")
        make_home(home, history)
        yield World(url, other_url, printed, home, folder)


@pytest.fixture
def world(two_nodes: World, tmp_path: Path) -> World:
    """The two nodes, a folder for this test, and what replaces the names on the pages."""
    url, other_url = two_nodes.url, two_nodes.other_url
    api = url.removeprefix("http://")
    stands_for = {
        "http://127.0.0.1:7070": url,
        "http://localhost:7070": url,
        "http://127.1.1.1:7070": url,
        "http://127.2.1.1:7070": other_url,
        "http://PEER:7070": other_url,
        "203.0.113.7:7072": api,  # accepts connections, which is enough for an example
        "127.0.0.1:7070": "127.0.0.1:0",
        "NODE_ID": "ab" * 32,
        "PUBLIC_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("="),
        ". .venv/bin/activate": f". {sys.prefix}/bin/activate",
        "timeout 120": "timeout 3",  # for a node that the demo never becomes
    }
    return World(url, other_url, two_nodes.printed, two_nodes.home, tmp_path, stands_for)
