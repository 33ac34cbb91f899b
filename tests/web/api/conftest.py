from __future__ import annotations

import pytest

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from tests.web.api.fake_node import FakeNode


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
def server(tracker, node):
    """The API of a node."""
    with api_server(tracker, node=node, listen="127.0.0.1:0") as running:
        yield running


@pytest.fixture
def embedded(tracker):
    """The API of a program without a nocarrier node."""
    with api_server(tracker, listen="127.0.0.1:0") as running:
        yield running


@pytest.fixture
def guarded(tracker, node):
    """The API of a node that has a token."""
    with api_server(tracker, node=node, listen="127.0.0.1:0", token="opensesame") as running:
        yield running
