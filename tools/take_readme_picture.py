"""Makes docs/images/page.png for the README: the page of a fresh `nocarrier demo`, rendered in Chromium.

make page && .venv/bin/python tools/take_readme_picture.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/images/page.png"

WIDTH, HEIGHT = 1440, 900
MOST_BYTES = 200_000
"""Every reader of the README downloads it."""

PATIENCE_MS = 60_000


def main() -> None:
    """Run the demo, wait until it has found its faults, and take the picture."""
    program = [str(Path(sys.executable).with_name("nocarrier")), "demo", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as demo:
        try:
            take(url_of(demo))
        finally:
            demo.terminate()
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{PICTURE} has {size:,} bytes, more than {MOST_BYTES:,}")
    print(f"{PICTURE.relative_to(ROOT)}: {WIDTH} x {HEIGHT}, {size:,} bytes")


def url_of(demo: subprocess.Popen[str]) -> str:
    """Return the URL of the page; the demo prints it once all of its faults are found.

    Raises:
        SystemExit: the demo ended before that.
    """
    assert demo.stdout is not None
    for line in demo.stdout:
        if found := re.search(r"look at it:\s+(http\S+)", line):
            return found[1]
    raise SystemExit("the demo ended without printing the URL of its page")


def take(url: str) -> None:
    """Take a picture of what is visible without scrolling."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(url)
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
        expect(page.get_by_test_id("dial-row").first).to_be_attached(timeout=PATIENCE_MS)
        expect(page.get_by_test_id("glance")).not_to_contain_text("measuring", timeout=PATIENCE_MS)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
