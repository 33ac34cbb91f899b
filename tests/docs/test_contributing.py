"""CONTRIBUTING.md leads from a clone to a first change that passes its test, and names files that are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, blocks_of

PAGE = ROOT / "CONTRIBUTING.md"
OF_THE_FIRST_CHANGE = "## Your first change"
TABLE = "src/nocarrier/classification/first_bytes.py"
ITS_TEST = "tests/classification/test_first_bytes.py"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the first change needs of the repository, to be changed."""
    (tmp_path / "tests").mkdir()
    unmade = shutil.ignore_patterns("__pycache__", "built")
    for name in ("src", "testbed", "tests/classification"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unmade)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def first_change() -> list[Block]:
    """The blocks of that section."""
    begin = PAGE.read_text().split(OF_THE_FIRST_CHANGE)[0].count("\n")
    end = begin + PAGE.read_text().split(OF_THE_FIRST_CHANGE)[1].split("\n## ")[0].count("\n")
    return [block for block in blocks_of(PAGE) if begin < block.line <= end + 1]


def apply(diff: str, path: Path) -> None:
    """Add a line above another one, as a reader of the page does."""
    added, below = diff.splitlines()
    assert (added[0], below[0]) == ("+", " ")
    text = path.read_text()
    assert text.count(f"{below[1:]}\n") == 1, f"{path} has no line {below[1:]}"
    path.write_text(text.replace(below[1:], f"{added[1:]}\n{below[1:]}"))


def run_tests(clone: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    python, *arguments = command.split()
    assert python == "python"
    return subprocess.run(
        [sys.executable, *arguments, "-p", "no:cacheprovider"],
        cwd=clone,
        env=environment | {"PYTHONPATH": os.pathsep.join([str(clone / "src"), str(clone)])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.timeout(180)
def test_the_first_change_fails_and_passes_as_the_page_says(clone: Path):
    row, test, example, check = first_change()
    (command,) = test.commands()
    assert check.commands() == ["make check"]

    apply(row.text, clone / TABLE)
    without_example = run_tests(clone, command)
    assert "1 failed" in without_example.stdout, without_example.stdout

    apply(example.text, clone / ITS_TEST)
    with_example = run_tests(clone, command)
    assert with_example.returncode == 0, with_example.stdout


def test_files_named_on_the_page_are_there():
    """Each `folder/file` in a sentence, but those that the reader is to make."""
    paths = set(re.findall(r"`([\w.-]+/[\w./-]*)`", PAGE.read_text()))
    assert len(paths) > 25
    assert [path for path in paths if not re.search(r"[A-Z]{4}", path) and not (ROOT / path).exists()] == []


def test_verbs_named_on_the_page_have_a_line_in_the_help():
    help_of_make = (ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"(?m)^\| `make (\w+)` \|", PAGE.read_text()))
    assert len(verbs) >= 5
    assert [verb for verb in verbs if f"make {verb}" not in help_of_make] == []
