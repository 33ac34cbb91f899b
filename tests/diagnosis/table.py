"""Tables of worlds that must raise a cause, and of near misses that must not."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nocarrier.diagnosis.cause import SAMPLES, TITLE_LENGTH
from nocarrier.model.finding import Diagnosis, Finding, HealthStatus, Severity
from nocarrier.model.wording.text import ValueKind
from tests.diagnosis.world import World

_NOUNS = "peer|seed|address|name|ticket|session|network|dial|connection|time"

_ONE_OF_MANY = rf"1 (?:dead )?(?:{_NOUNS})e?s\b(?!' )"
_MANY_OF_ONE = rf"(?:0|[2-9]|[1-9]\d+) (?:dead )?(?:{_NOUNS})\b(?!'s|-)"
_DISAGREES = re.compile(rf"(?<![\w.:])(?:{_ONE_OF_MANY}|{_MANY_OF_ONE})")
"""A number that does not agree with its noun, such as "1 seeds" or "3 peer"."""


_THIS_SIDE = re.compile(r"\b[Tt]his (?:node|program|machine)\b")

_NAMING = frozenset({ValueKind.ADDRESS, ValueKind.HOST})

_SUBJECT_AND_VERB = re.compile(
    r"(?:^|: )(?:(?:All )?(?P<many>[2-9]|[1-9]\d+) [a-z]+s|1 [a-z]+|(?:peer|seed|address) \S+) (?P<verb>[a-z]+)",
    re.IGNORECASE,
)

_OF_BOTH = frozenset({"cannot", "and", "in", "from", "private", "soon", "of"})
"""Words after a subject that are the same for one and for several."""


@dataclass(frozen=True)
class Row:
    """A world, and what else is expected of the finding."""

    world: World
    first: bool | None = None
    """Whether the finding must come first."""
    says: str = ""
    """Part of its sentence."""
    does: str = ""
    """Part of its next actions."""
    instead: str | None = None
    """For a near miss: the cause that is found instead."""
    expected: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the finding."""


def row(world: World, **expected: Any) -> Row:
    """Make a row; `expected` are fields of `Row` or of the finding."""
    own = {name: expected.pop(name) for name in ("first", "says", "does", "instead") if name in expected}
    return Row(world, **own, expected=expected)


@dataclass(frozen=True)
class Table:
    """Worlds that raise one cause, and near misses that do not, each by a description."""

    code: str
    raised: Mapping[str, Row]
    near_misses: Mapping[str, Row]


def raised(*tables: Table) -> pytest.MarkDecorator:
    """The rows that raise the cause, as parameters `code` and `expected`."""
    return _rows([(table.code, words, each) for table in tables for words, each in table.raised.items()])


def near_misses(*tables: Table) -> pytest.MarkDecorator:
    """The rows that must not raise it, as the same parameters."""
    return _rows([(table.code, words, each) for table in tables for words, each in table.near_misses.items()])


def _rows(rows: list[tuple[str, str, Row]]) -> pytest.MarkDecorator:
    parameters = [pytest.param(code, each, id=f"{code}: {words}") for code, words, each in rows]
    return pytest.mark.parametrize(("code", "expected"), parameters)


def check_raised(code: str, expected: Row) -> None:
    """Check that the cause is found, as expected."""
    diagnosis = expected.world.diagnosis()
    check_sound(diagnosis)
    found = finding_of(diagnosis, code)
    assert found is not None, f"not found; but: {described(diagnosis)}"
    if expected.first is not None:
        assert (diagnosis.findings[0].code == code) is expected.first, described(diagnosis)
    assert expected.says in str(found.summary)
    assert expected.does in done(found)
    assert {name: getattr(found, name) for name in expected.expected} == dict(expected.expected)


def check_near_miss(code: str, expected: Row) -> None:
    """Check that the cause is not found, and that another one is if that is expected."""
    diagnosis = expected.world.diagnosis()
    check_sound(diagnosis)
    codes = [found.code for found in diagnosis.findings]
    assert code not in codes, described(diagnosis)
    if expected.instead is not None:
        assert expected.instead in codes, described(diagnosis)


def check_sound(diagnosis: Diagnosis) -> None:
    """Check what is true of every diagnosis."""
    codes = [found.code for found in diagnosis.findings]
    assert len(set(codes)) == len(codes)
    is_wrong = any(found.severity is not Severity.INFO for found in diagnosis.findings)
    assert (diagnosis.status is HealthStatus.UNHEALTHY) is is_wrong
    assert diagnosis.healthy is (diagnosis.status is HealthStatus.HEALTHY)
    assert (diagnosis.status_detail is not None) is (diagnosis.status is HealthStatus.UNDETERMINED)
    ranks = [found.severity.rank for found in diagnosis.findings]
    assert ranks == sorted(ranks), "the worst first"
    for found in diagnosis.findings:
        assert 0 <= found.confidence <= 1
        assert str(found.summary).endswith(".")
        check_title(found)
        assert found.evidence
        assert all(len(item.addrs) <= SAMPLES and item.count >= 0 for item in found.evidence)
        for sentence in (f"{item.count} {item.statement}" for item in found.evidence):
            assert not _DISAGREES.search(sentence), sentence
        assert not _DISAGREES.search(str(found.summary)), found.summary
        assert all(len(item.addrs) <= item.count or not item.event_ids for item in found.evidence)
        assert found.next_actions, f"{found.code} gives the operator nothing to do"
        assert found.since_unix <= diagnosis.at_unix


def check_title(found: Finding) -> None:
    """The title is a headline that names its subject, and its words agree with their numbers."""
    title = str(found.title)
    assert 0 < len(title) <= TITLE_LENGTH, title
    assert not title.endswith("."), title
    assert "  " not in title, title
    assert title == title.strip(), title
    assert not _DISAGREES.search(title), title
    assert names_subject(found), title
    for match in _SUBJECT_AND_VERB.finditer(title):
        is_one = match["many"] is None
        assert match["verb"] in _OF_BOTH or match["verb"].endswith("s") is is_one, title


def names_subject(found: Finding) -> bool:
    """Whether the title says what the finding is about: an address, how many of something, or this side."""
    title = str(found.title)
    named = {value.text for value in found.title.values.values() if value.kind in _NAMING}
    return bool(
        _THIS_SIDE.search(title) or re.search(r"\b(?:\d+|Both) [a-z]", title) or any(name in title for name in named)
    )


def done(found: Finding) -> str:
    """All actions, one per line."""
    parts = [part for action in found.next_actions for part in (action.text, action.command, action.settings)]
    return "\n".join(str(part) for part in parts if part is not None)


def finding_of(diagnosis: Diagnosis, code: str) -> Finding | None:
    """The finding called `code`."""
    return next((found for found in diagnosis.findings if found.code == code), None)


def codes(world: World) -> list[str]:
    """What is found, the worst first."""
    return [found.code for found in world.diagnosis().findings]


def described(diagnosis: Diagnosis) -> str:
    """The findings, for readers of a failed test."""
    return "; ".join(f"{found.code} ({found.severity}): {found.summary}" for found in diagnosis.findings) or "nothing"


def all_tables() -> dict[str, Table]:
    """The tables of all files, by the code of their cause."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    modules = [importlib.import_module(f"tests.diagnosis.{path.stem}") for path in files]
    found = [table for module in modules for table in getattr(module, "TABLES", ())]
    by_code = {table.code: table for table in found}
    assert len(by_code) == len(found), "one table for each cause"
    return by_code
