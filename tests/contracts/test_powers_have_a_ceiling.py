"""A power whose exponent is a counter overflows one day, after some thousand rounds."""

from __future__ import annotations

import ast
from pathlib import Path

import nocarrier
from nocarrier.model.pause import doubling_pause_s

SOURCES = Path(nocarrier.__file__).parent

BOUNDED = {
    "pause.py": "the one place where pauses double, with a ceiling",
    "partition.py": "a share of one, which only gets smaller",
    "confidence.py": "the same: a doubt below one",
    "not_reachable.py": "the same: a doubt below one",
}


def _grows(node: ast.AST) -> bool:
    is_power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift)
    return is_power and not isinstance(node.right, ast.Constant)


def test_a_power_with_a_computed_exponent_is_bounded():
    grown = {
        path.name
        for path in SOURCES.rglob("*.py")
        if any(map(_grows, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert grown == BOUNDED.keys()


def test_a_pause_doubles_up_to_its_limit_however_often():
    assert [doubling_pause_s(1.0, 10.0, times) for times in range(-1, 6)] == [1, 1, 2, 4, 8, 10, 10]
    assert doubling_pause_s(1.0, 10.0, 10**9) == 10.0
