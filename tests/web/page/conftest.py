"""The browser, visitors with it, and a demo network to look at, which takes long to start and is therefore shared.

Playwright keeps an event loop in this thread for as long as it runs, so it runs only while tests of this folder do.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.web.page.browser import Visitor, chromium
from tests.web.page.page_node import running_demo


@pytest.fixture(scope="package")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def running():
    """Whatever a test enters here runs until the visitor has left: a page whose node is gone complains."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def visitor(browser, running):
    """A visitor that opens pages; the test fails if a page had an error, even if it looked right."""
    made = Visitor(browser)
    yield made
    made.leave()


@pytest.fixture(scope="package")
def demo(tmp_path_factory):
    """The demo with all its faults found; tests only look at it and change nothing that others see."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running
