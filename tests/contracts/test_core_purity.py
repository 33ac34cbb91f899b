"""The core is cheap to embed: only the standard library, nothing of ours above it, and no work at import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src/nocarrier"

MAY_IMPORT = {
    "model": {"model", "errors"},
    "classification": {"classification", "model", "errors"},
    "tracking": {"tracking", "model", "errors"},
    "host": {"host", "model", "errors"},
    "dialing": {"dialing", "host", "classification", "model", "errors"},
}
"""Packages of the core, and the packages that they may import."""

MODULES = sorted(path for package in MAY_IMPORT for path in (PACKAGE / package).glob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_module_of_the_core_imports_nothing_above_it(path):
    allowed = MAY_IMPORT[path.parent.name]
    for name in imported(path):
        package, _, rest = name.partition(".")
        if package == "nocarrier":
            assert rest.partition(".")[0] in allowed, f"{path.name} imports {name}"
        else:
            assert package in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_the_core_imports_without_site_packages():
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools/check_core_is_stdlib_only.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_starts_no_threads_and_opens_no_files():
    script = """
import os, threading
before = os.listdir("/proc/self/fd")
import nocarrier
assert threading.active_count() == 1
assert len(os.listdir("/proc/self/fd")) == len(before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
