from __future__ import annotations

import pytest

from nocarrier import DialTracker
from tests.outputs.history.kit import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(clock):
    return DialTracker(clock=clock)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite3"
