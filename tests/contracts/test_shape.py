"""Files, functions and signatures stay small enough to be taken in, and each public name stands for one thing."""

from __future__ import annotations

from tools.check_shape import SOURCE, Shape, problems_of


def test_the_source_is_within_bounds():
    assert list(problems_of(Shape.of(SOURCE))) == []
