"""Every reason in the table has a test that really provokes it; see `testbed/provokes.py`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nocarrier.model.taxonomy import Reason

TESTS = Path(__file__).resolve().parents[1] / "reasons"

NOT_YET: set[Reason] = set()
"""Reasons that still have no such test. The list may only shrink: remove a reason once it has a test."""


def provoked() -> dict[str, list[str]]:
    """For each name of a reason, the functions with `provokes(Reason.NAME)`, on themselves or on a parameter."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.glob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call in (node for marks in function.decorator_list for node in ast.walk(marks)):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "provokes":
                    for argument in call.args:
                        assert isinstance(argument, ast.Attribute), f"{path.name}: write provokes(Reason.NAME)"
                        found.setdefault(argument.attr, []).append(f"{path.name}::{function.name}")
    return found


PROVOKED = provoked()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_test_that_provokes_it(reason):
    if reason in NOT_YET:
        assert reason.name not in PROVOKED, f"take {reason} out of NOT_YET: {PROVOKED[reason.name]} provokes it"
    else:
        assert reason.name in PROVOKED, f"no test in {TESTS.name}/ says provokes(Reason.{reason.name})"


def test_only_reasons_of_the_table_are_provoked_and_only_by_tests():
    assert PROVOKED.keys() <= Reason.__members__.keys()
    for tests in PROVOKED.values():
        assert all("::test_" in name for name in tests)


def test_no_test_of_a_reason_calls_the_recorder_for_it():
    for path in sorted(TESTS.glob("test_*.py")):
        calls = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert calls.isdisjoint({"record", "record_dial_failure", "fail"}), f"{path.name} records instead of provoking"
