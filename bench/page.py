"""How soon the page shows something, in a real browser, against how soon an empty page of the same server does."""

from __future__ import annotations

import shutil
import statistics

from bench.measure import Benchmark, Goal, Result, compare
from bench.samples import record_failed_dials
from nocarrier import DialTracker
from nocarrier.dashboard import BUILT
from nocarrier.embed import api_server

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Root needs the first; the others keep the browser from asking anybody but our server."""

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
FIRST_DATA = "performance.getEntriesByName('nocarrier-first-data')[0]?.startTime"


def page_first_paint(rounds: int) -> Result:
    from playwright.sync_api import sync_playwright  # a browser is driven by this benchmark alone

    browser_path = shutil.which("chromium")
    assert browser_path, "install chromium"
    assert (BUILT / "index.html").is_file(), "build the page: make page"
    tracker = DialTracker()
    record_failed_dials(tracker, 1_000)
    first_data: list[float] = []
    with api_server(tracker, listen="127.0.0.1:0") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(ARGUMENTS))

        def seconds_until_painted(path: str, *, has_data: bool) -> float:
            with browser.new_context() as context:  # nothing is in its cache
                page = context.new_page()
                page.goto(server.url + path)
                page.wait_for_function(FIRST_PAINT)
                if has_data:
                    page.wait_for_function(FIRST_DATA)
                    first_data.append(page.evaluate(FIRST_DATA) / 1e3)
                return float(page.evaluate(FIRST_PAINT)) / 1e3

        result = compare(
            lambda: seconds_until_painted("/", has_data=True),
            lambda: seconds_until_painted("/healthz", has_data=False),
            rounds=rounds,
            unit="s",
        )
        browser.close()
    more = {"first_data": statistics.median(first_data)}
    return Result(value=result.value, unit="s", baseline=result.baseline, ratio=result.ratio, more=more)


BENCHMARKS = (
    Benchmark(
        name="page_first_paint",
        what="from asking for the page to its first paint, in Chromium with an empty cache, on loopback",
        baseline="the same for /healthz, a line of text",
        goal=Goal(1.0, is_ceiling=True, of_ratio=False),
        rounds=7,
        run=page_first_paint,
    ),
)
