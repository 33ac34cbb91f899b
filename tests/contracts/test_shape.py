"""Files, functions and signatures stay small enough to read, and each public name means one thing."""

from __future__ import annotations

import pytest

from tools.check_shape import SOURCE, Shape, problems_of


def test_the_source_is_within_bounds():
    assert list(problems_of(Shape.of(SOURCE))) == []


TOO_MUCH = {
    "has 21 files": {f"package/part_{number}.py": "" for number in range(21)},
    "has 401 lines": {"large.py": "\n" * 401},
    "has 61 lines": {"function.py": "def f():\n" + "    pass\n" * 60},
    "has 9 parameters": {"signature.py": "def f(a, b, c, d, e, f, g, h, i): ..."},
    "has 16 ways through it": {"branches.py": "def f(a):\n" + "    if a: pass\n" * 15},
    "is defined in": {"one.py": "class Twice: ...", "two.py": "class Twice: ..."},
}


@pytest.mark.parametrize("complaint", TOO_MUCH)
def test_what_is_too_much_is_named(tmp_path, complaint):
    for name, text in TOO_MUCH[complaint].items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    # An empty source also lacks the code that the exceptions were made for.
    (problem,) = (each for each in problems_of(Shape.of(tmp_path)) if "remove it from" not in each)
    assert complaint in problem
