"""Pictures of the main views, for people: no test can say whether something is ugly."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.page.browser import ARTEFACTS, needs_the_page
from tests.web.page.looking import open_row, rows

pytestmark = needs_the_page


def shoot(page, name, *, full=False):
    """Take the picture once nothing is being fetched any more."""
    expect(rows(page).first.or_(page.get_by_test_id("peers")).or_(page.get_by_test_id("mesh"))).to_be_attached()
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / f"page-{name}.png"
    page.screenshot(path=path, full_page=full)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_whole_page(visitor, demo, scheme):
    page = visitor.open(demo.url, color_scheme=scheme)
    shoot(page, scheme)
    page.get_by_test_id("finding").first.get_by_role("heading").get_by_role("button").click()
    shoot(page, f"{scheme}-whole", full=True)


def test_the_narrow_page(visitor, demo):
    page = visitor.open(demo.url, width=360, height=780)
    shoot(page, "narrow")
    shoot(page, "narrow-whole", full=True)
    rows(page).first.click()
    expect(page.get_by_test_id("dial-panel").locator(".peer-history li").first).to_be_visible()
    shoot(page, "narrow-panel")


def test_the_tabs_and_the_panel(visitor, demo):
    page = visitor.open(f"{demo.url}?tab=mesh")
    expect(page.get_by_test_id("mesh").get_by_role("button").first).to_be_visible()
    shoot(page, "mesh", full=True)
    page.get_by_role("tab", name="Peer book").click()
    shoot(page, "peers", full=True)
    page.get_by_role("tab", name="Dials").click()
    panel = open_row(page, demo.tracker.recent(reason="version_mismatch", kind="failure")[0].addr)
    expect(panel.locator(".peer-history li").first).to_be_visible()
    shoot(page, "panel")
