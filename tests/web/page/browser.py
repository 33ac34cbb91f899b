"""A real Chromium that watches every page it shows for faults that no test of the page may cause."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from nocarrier.web.page import BUILT
from testbed.programs import NOT_PROVEN, requires

ROOT = Path(__file__).parents[3]
AXE = ROOT / "dashboard/node_modules/axe-core/axe.min.js"
ARTEFACTS = ROOT / "test-artefacts"
"""The folder for screenshots, for people to look at."""

PATIENCE_MS = 20_000
"""How long to wait for anything: long, because the machine may be busy with other tests."""

FLAGS = (
    "--no-sandbox",  # Chromium's own sandbox needs a user that is not root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

needs_the_page = [
    requires("chromium"),
    pytest.mark.skipif(
        not (BUILT / "index.html").is_file(),
        reason=f"{NOT_PROVEN}the page was not built; with Node.js 20 or newer and npm run: make page",
    ),
]
"""For `pytestmark` in every module here that opens the page."""

# Faults of the page that no console shows: a blocked script or style, and work that keeps it from responding.
WATCH_SCRIPT = """
window.violations = [];
window.longTasks = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """One browser for many tests."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Opens pages, each in its own context unless told otherwise, and remembers what went wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._forgiven: list[str] = []
        self.faults: list[str] = []
        self.requests: list[Request] = []

    def open(self, url: str, *, width: int = 1440, height: int = 900, wait: bool = True, **options: object) -> Page:
        """A page at `url` in a fresh context; `options` are those of a context.

        Args:
            url: the URL of a node's page, with or without a query.
            width: the width of the viewport.
            height: the height of the viewport.
            wait: whether to wait until the page has heard from the node.
            options: those of `Browser.new_context`.
        """
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH_SCRIPT)
        page = context.new_page()
        self._watch(page, urlsplit(url).netloc)
        page.goto(url)
        if wait:
            expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        return page

    def forgive(self, pattern: str) -> None:
        """Matching console messages are not faults: the browser itself logs what the test does to the node."""
        self._forgiven.append(pattern)

    def _watch(self, page: Page, host: str) -> None:
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("request", lambda request: self._see(request, host))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: self.faults.append(f"popup: {popup.url}"))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(re.search(pattern, text) for pattern in self._forgiven):
            self.faults.append(f"console {kind}: {text}")

    def _see(self, request: Request, host: str) -> None:
        self.requests.append(request)
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != host:
            self.faults.append(f"request to another server: {request.url}")

    def leave(self) -> None:
        """Close everything, and report what was seen.

        Raises:
            AssertionError: a page logged an error, contacted another server, or broke its own policy.
        """
        for context in self._contexts:
            for page in context.pages:
                violations = page.evaluate("window.violations ?? []")
                self.faults += [f"policy violated: {violation}" for violation in violations]
            context.close()
        assert self.faults == []
