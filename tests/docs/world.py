"""The world of the documentation's examples: nodes on loopback in place of the ones that they name."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed.programs import NOT_PROVEN
from tests.docs.blocks import ROOT

PATIENCE_S = 60
"""How long an example may take. Most take less than a second; the machine may be busy."""

_STATUSES = {"doctor": {0, 1, 3}, "diff": {0, 1}, "connect": {0, 1}}
"""Verbs whose exit status says what was found. No verb of an example may exit with 2, which means it was mistyped."""

_ENDLESS = re.compile(r"nocarrier (top|run|history .*--follow)\b")

_COLLECT = "python -m pytest --collect-only -p no:cacheprovider"

_INSTALLED_LATER = ("curl", "jq", "sqlite3", "promtool")
"""Programs that may be missing on a machine; any other missing program is an error in the example."""


@dataclass(frozen=True)
class World:
    """A node in a network with faults, another node, and a folder to work in."""

    url: str
    other_url: str
    printed: str
    """What `make demo` printed."""
    home: Path
    """A home folder in which the first node has its history."""
    folder: Path
    stands_for: dict[str, str] = field(default_factory=dict)
    """What a page names, and what replaces it here."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "HOME": str(self.home),
            # Like an activated environment: `python` is the one that runs the tests.
            "PATH": os.pathsep.join([str(self.home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "PYTHONUNBUFFERED": "1",
            "NOCARRIER_URL": self.url,
            # `nocarrier run`, as typed, starts one more node, on ports chosen by the kernel.
            "NOCARRIER_HTTP_LISTEN": "127.0.0.1:0",
            "NOCARRIER_NODE_P2P_LISTEN": "127.0.0.1:0",
            "NOCARRIER_NODE_DATA_DIR": str(self.folder / "data"),
        }

    def here(self, text: str) -> str:
        """`text`, with names replaced by what exists here."""
        for named, stands_here in self.stands_for.items():
            text = text.replace(named, stands_here)
        return text

    def run(self, command: Sequence[str | Path], *, statuses: Sequence[int] | set[int] = (0,)) -> str:
        """Run a program to its end; returns its output."""
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode in statuses, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def running(self, command: Sequence[str | Path], until: str) -> Iterator[list[str]]:
        """Run a program that stays up. The block gets its output up to `until`; after the block it gets Ctrl-C."""
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment, cwd=self.folder
        ) as program:
            assert program.stdout is not None
            try:
                yield _lines_as_far_as(until, program)
            finally:
                program.send_signal(signal.SIGINT)
                try:
                    rest, _ = program.communicate(timeout=PATIENCE_S)
                finally:
                    program.kill()
        assert "Traceback" not in rest, rest
        assert program.returncode in {0, 130}, program.returncode

    def shell(self, command: str) -> str:
        """Run a command of a page in bash; returns its output.

        `make VERB` is only planned, and pytest only collects: that shows that the verb and the tests exist. To run them
        all here would be a test run within a test run. For npm, there must be such a script.
        """
        if command.startswith("npm "):
            return _script_of_page(command)
        for program in _INSTALLED_LATER:
            if re.search(rf"\b{program}\b", command) and shutil.which(program) is None:
                pytest.skip(f"{NOT_PROVEN}install {program}")
        here = re.sub(r"(?m)^make ", f"make -n -C {ROOT} ", self.here(command))
        here = re.sub(r"(?m)^python -m pytest ", f"cd {ROOT} && {_COLLECT} ", here)
        bash = ["bash", "-o", "pipefail", "-euc", here]
        if _ENDLESS.search(command):
            with self.running(["bash", "-euc", f"exec {here}"], until="") as lines:
                return "".join(lines)
        verbs = set(re.findall(r"\bnocarrier (\w+)", command))
        return self.run(bash, statuses={0}.union(*(_STATUSES.get(verb, {0}) for verb in verbs)))


def _script_of_page(command: str) -> str:
    """The script that `npm run NAME` or `npm test` runs, and npm itself for `npm ci`."""
    _, verb, *rest = shlex.split(command, comments=True)
    scripts: dict[str, str] = json.loads((ROOT / "dashboard" / "package.json").read_text())["scripts"]
    return verb if verb == "ci" else scripts[rest[0] if verb == "run" else verb]


def _lines_as_far_as(until: str, program: subprocess.Popen[str]) -> list[str]:
    assert program.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + PATIENCE_S
    for line in program.stdout:
        lines.append(line)
        if until in line:
            return lines
        assert time.monotonic() < deadline, lines
    pytest.fail(f"it ended without printing {until!r}: {lines}")


def make_home(home: Path, history: Path) -> None:
    """A home folder with `nocarrier` on the PATH, and the history of a node where a node keeps it."""
    program = home / "bin" / "nocarrier"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nocarrier "$@"\n')
    program.chmod(0o755)
    data = home / ".local" / "share" / "nocarrier"
    data.mkdir(parents=True)
    (data / history.name).symlink_to(history)
