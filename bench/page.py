"""How soon the page shows something in a real browser, compared with an empty page from the same server."""

from __future__ import annotations

import shutil
import statistics
from typing import TYPE_CHECKING

from bench.measure import Benchmark, Goal, Result, compare
from bench.samples import record_failed_dials
from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.web.page import BUILT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Root needs the first; the others keep the browser from contacting anything but our server."""

FIRST_PAINT = "first-contentful-paint"
FIRST_DATA = "nocarrier-first-data"


def page_first_paint(rounds: int) -> Result:
    from playwright.sync_api import sync_playwright  # only this benchmark drives a browser

    browser_path = shutil.which("chromium")
    assert browser_path, "install chromium"
    assert (BUILT / "index.html").is_file(), "build the page: make page"
    tracker = DialTracker()
    record_failed_dials(tracker, 1_000)
    first_data: list[float] = []
    with api_server(tracker, listen="127.0.0.1:0") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(ARGUMENTS))

        def page_s() -> float:
            paint_s, data_s = seconds_until(browser, f"{server.url}/", FIRST_PAINT, FIRST_DATA)
            first_data.append(data_s)
            return paint_s

        def plain_text_s() -> float:
            [paint_s] = seconds_until(browser, f"{server.url}/healthz", FIRST_PAINT)
            return paint_s

        result = compare(page_s, plain_text_s, rounds=rounds, unit="s")
        browser.close()
    more = {"first_data": statistics.median(first_data)}
    return Result(value=result.value, unit="s", baseline=result.baseline, ratio=result.ratio, more=more)


def seconds_until(browser: Browser, url: str, *entries: str) -> list[float]:
    """Seconds from requesting `url` with an empty cache to these entries of its performance timeline."""
    # The usual way to wait evaluates an expression in the page, which the page's policy forbids.
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(url)
        start_ms = [
            page.wait_for_function(f"performance.getEntriesByName('{entry}')[0]?.startTime") for entry in entries
        ]
        return [float(handle.json_value()) / 1e3 for handle in start_ms]


BENCHMARKS = (
    Benchmark(
        name="page_first_paint",
        what="from requesting the page to its first paint, in Chromium with an empty cache, on loopback",
        baseline="the same for /healthz, a line of text",
        goal=Goal(1.0, is_ceiling=True, of_ratio=False),
        rounds=7,
        run=page_first_paint,
    ),
)
