"""A failed assertion of a helper says what it compared, like one of a test."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize("name", ["tests.diagnosis.table", "tests.web.page.looking", "testbed.nodes"])
def test_a_failed_assertion_of_a_helper_is_explained(name):
    # pytest imports this into each module that it rewrites.
    assert "@pytest_ar" in vars(importlib.import_module(name)), "see register_assert_rewrite in tests/conftest.py"
