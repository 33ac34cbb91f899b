"""A test with many examples passes on a machine that has little time for it."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st


def slowly(example):
    time.sleep(0.25)
    return example


@settings(max_examples=10)
@given(st.integers().map(slowly))
def test_examples_may_be_made_slowly(example):
    assert isinstance(example, int)


@settings(max_examples=2)
@given(st.integers())
def test_examples_may_be_looked_at_slowly(example):
    assert slowly(example) == example
