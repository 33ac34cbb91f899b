"""docs/architecture.md is true: its table of packages is made of docstrings that the code obeys."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))

from reference import packages  # noqa: E402 - lies in tools/

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text()


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Which packages of the top level each of them imports, including lazy imports in functions."""
    graph = grimp.build_graph("nocarrier", cache_dir=None)
    found: dict[str, set[str]] = {name: set() for name in packages.top_level()}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            importer, target = (each.split(".") for each in (module, imported))
            if len(importer) > 1 and len(target) > 1 and importer[1] != target[1]:
                found[importer[1]].add(target[1])
    return found


@pytest.mark.parametrize("name", packages.top_level())
def test_a_package_imports_only_what_its_row_allows(name: str, imports: dict[str, set[str]]):
    assert imports[name] <= set(packages.may_import(name))
    assert imports[name].isdisjoint(packages.never_imports(name))


@pytest.mark.parametrize("name", packages.top_level())
def test_the_docstring_names_the_forbidden_imports(name: str):
    """A reader of the package finds there what `make check` will refuse."""
    position = packages.top_level().index(name)
    below = set(packages.top_level()[position + 1 :])
    assert packages.forbidden(name) & below <= packages.never_imports(name)
    assert packages.never_imports(name) <= set(packages.top_level()), "names a package that there is not"


@pytest.mark.parametrize("path", sorted(packages.SOURCE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_every_package_states_its_purpose_in_one_sentence(path: Path):
    name = path.parent.relative_to(packages.SOURCE).as_posix()
    said = packages.purpose("" if name == "." else name)
    assert re.fullmatch(r"[^.]+(\.\w[^.]*)*[.?]", said), said


def test_paths_named_on_the_page_exist():
    """A path on the page, such as `dialing/attempt.py`, is relative to the root or to src/nocarrier."""
    paths = re.findall(r"`([\w./-]+(?:/|\.py))`", PAGE)
    assert len(paths) > 30
    assert [
        path for path in paths if not any((folder / path).exists() for folder in (REPOSITORY, packages.SOURCE))
    ] == []


def test_every_folder_of_the_repository_has_a_row():
    """Ignored ones, such as caches, have none."""
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is not a clone")
    folders = {f"{line.split('/')[0]}/" for line in listed.stdout.splitlines() if "/" in line}
    assert set(re.findall(r"(?m)^\| `([\w.]+/)` \|", PAGE)) >= folders - {"src/"}
