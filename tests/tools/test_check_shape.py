"""The check of sizes and names fails when it should."""

from __future__ import annotations

import pytest

from tools.check_shape import PROMISED, SOURCE, Shape, problems_of


@pytest.fixture
def shape():
    """A source within bounds, so that a test states only what is wrong."""
    return Shape.of(SOURCE)


def added(shape, text, file="new.py"):
    before = set(problems_of(shape))
    shape.take(file, text)
    return [problem for problem in problems_of(shape) if problem not in before]


def body(lines):
    return "def f():\n" + "    pass\n" * (lines - 1)


def test_a_source_within_bounds_has_no_problems(shape):
    branches = "".join(f"    if x == {number} and x: pass\n" for number in range(7))
    assert added(shape, body(60) + "\n" * 200) == []
    assert added(shape, f"def f(self, a, b, c, d, *, e, f, g, h):\n{branches}", "other.py") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n" * 401, "new.py has 401 lines; at most 400"),
        (body(61), "new.py f has 61 lines; at most 60"),
        ("class A:\n    def __init__(self, a, b, c, d, *, e, f, g, h, i): ...", "new.py A.__init__ has 9 parameters"),
        ("def f(x):\n    return x" + " or x" * 15, "new.py f has 16 ways through it; at most 15"),
        ("async def f(x):\n    " + "\n    ".join(["async for y in x: pass"] * 15), "new.py f has 16 ways through it"),
        ("def f(x):\n    match x:\n" + "        case 1: pass\n" * 15, "new.py f has 16 ways through it"),
        ("def f(x):\n    return [a for b in c if d if e]" + "; x = [a for a in b]" * 12, "new.py f has 16 ways"),
        ("class DialTracker: ...", "DialTracker is defined in tracking/tracker.py and new.py"),
        ("Reason = int | str", "Reason is defined in model/taxonomy.py and new.py"),
    ],
)
def test_code_that_is_too_large_or_defined_twice_is_named(shape, text, says):
    [problem] = added(shape, text)
    assert says in problem


def test_an_exception_that_is_no_longer_needed_is_reported(shape):
    name = next(iter(PROMISED))
    shape.parameters[name] = 8
    assert f"{name} has no more parameters than others; remove it from PROMISED" in list(problems_of(shape))
