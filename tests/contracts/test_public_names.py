"""The names that programs import, with their arguments: additions are free, any other change breaks programs."""

from __future__ import annotations

import dataclasses
import importlib.resources
import inspect
import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest

import nocarrier

OF_THE_CONTRACT = {
    "record_dial_failure": "addr reason source * detail via",
    "record_dial_success": "addr source * via duration_s",
    "get_dial_failures": "* limit reason source addr since_unix",
    "global_tracker": "",
    "classify": "exc phase",
    "DialTracker": "capacity clock",
    "dial": "addr source * via tracker",
    "PeerRejected": "reason detail",
    "asgi_app": "tracker",
    "serve": "tracker",
    "SqliteHistory": "path tracker * ttl_days max_bytes version clock",
    "DialCollector": "tracker",
    "Prober": "policy resolve",
}
"""Names and arguments; arguments after the star are keyword-only. Each may have more arguments, with defaults."""

FIELDS = {
    "addr",
    "reason",
    "timestamp_unix",
    "source",
    "phase",
    "kind",
    "blame",
    "detail",
    "via",
    "duration_s",
    "attempts",
    "evidence",
}


@pytest.mark.parametrize("name", OF_THE_CONTRACT)
def test_a_promised_name_accepts_its_arguments(name):
    parameters = inspect.signature(getattr(nocarrier, name)).parameters
    positional, _, by_name = OF_THE_CONTRACT[name].partition("*")
    taken = [each.name for each in parameters.values() if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert taken[: len(positional.split())] == positional.split()
    assert set(by_name.split()) <= parameters.keys()
    for parameter in parameters.values():
        known = parameter.name in OF_THE_CONTRACT[name].split()
        assert known or parameter.default is not parameter.empty, f"{parameter.name} is new and has no default"


@pytest.mark.parametrize("name", nocarrier.__all__)
def test_a_public_name_exists_and_has_a_docstring(name):
    assert inspect.getdoc(getattr(nocarrier, name))


def test_every_public_name_exists_and_no_other_is_promised():
    assert nocarrier.__all__ == sorted(nocarrier.__all__)
    assert all(getattr(nocarrier, name) is not None for name in nocarrier.__all__)


LATER = ("asgi_app", "serve", "SqliteHistory", "DialCollector")


@pytest.mark.parametrize("name", [*LATER, "Prober"])
def test_without_the_extra_the_error_says_how_to_install_it(name):
    script = (
        "import sys\n"
        "for missing in ('msgspec', 'prometheus_client', 'starlette', 'uvicorn'): sys.modules[missing] = None\n"
        f"import nocarrier; nocarrier.{name}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if name in LATER:
        assert "pip install 'nocarrier[node]'" in done.stderr.splitlines()[-1]
    else:
        assert done.returncode == 0, done.stderr


def test_docs_import_nothing_that_has_a_name_at_the_top():
    root = Path(__file__).resolve().parents[2]
    pages = [root / "README.md", *(root / "docs").rglob("*.md")]
    for page in pages:
        for module, names in re.findall(r"^from (nocarrier\.[\w.]+) import ([\w, ]+)$", page.read_text(), re.MULTILINE):
            assert not set(names.split(", ")) & set(nocarrier.__all__), f"{page.name} imports from {module}"


def test_names_that_need_the_extra_are_imported_only_when_used():
    script = "import sys, nocarrier; assert 'nocarrier.app' not in sys.modules; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "'nocarrier.dialing'" in loaded
    for package in ("starlette", "uvicorn", "msgspec", "rich", "click", "cryptography", "jwt"):
        assert f"'{package}'" not in loaded


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nocarrier.nonsense  # noqa: B018 - looking is the test


@pytest.mark.parametrize("name", ["Reason", "Source", "Phase", "Blame", "Kind"])
def test_the_words_are_text(name):
    assert issubclass(getattr(nocarrier, name), StrEnum)


def test_a_failure_has_the_promised_fields():
    assert {field.name for field in dataclasses.fields(nocarrier.DialFailure)} >= FIELDS


@pytest.mark.parametrize("method", ["record", "recent", "counts", "peers", "snapshot", "subscribe", "clear"])
def test_a_tracker_has_the_promised_methods(method):
    assert callable(getattr(nocarrier.DialTracker, method))


def test_the_package_is_typed():
    assert (importlib.resources.files("nocarrier") / "py.typed").is_file()
