"""The view is in the URL: it survives a reload, goes back and forward, and can be sent to somebody."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.page.browser import needs_the_page
from tests.web.page.looking import addresses, query, rows
from tests.web.page.program import MIX, ROWS, program, record_mix

pytestmark = needs_the_page

SHOWN = ROWS - MIX["backoff_active", "gossip"]


@pytest.fixture
def shown(running, tmp_path):
    made = running.enter_context(program(tmp_path))
    record_mix(made)
    return made


def chips(page):
    """The text of each chip, without the sign on its button."""
    texts = page.get_by_test_id("filters").locator(".chip").all_inner_texts()
    return [" ".join(text.split()[:-1]) for text in texts]


def test_a_copied_url_opens_the_same_view_elsewhere_and_after_a_reload(visitor, shown):
    page = visitor.open(shown.url)
    page.get_by_test_id("grid").get_by_role("button", name="connection refused from gossip").click()
    page.get_by_test_id("search").fill("203.0.113")
    head = page.get_by_test_id("dials").get_by_role("columnheader", name="Address")
    head.get_by_role("button").click()
    head.get_by_role("button").click()
    page.get_by_role("button", name="by source", exact=True).click()
    page.get_by_test_id("range").get_by_role("button", name="24h").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.wait_for_url("**/?*text=203.0.113*")
    wanted = {
        "reason": "connection_refused",
        "source": "gossip",
        "text": "203.0.113",
        "sort": "addr",
        "by": "source",
        "range": "24h",
    }
    assert query(page) == wanted
    expect(rows(page)).to_have_count(MIX["connection_refused", "gossip"])
    view = (chips(page), addresses(page))
    page.reload()
    for looked_at in (page, visitor.open(page.url)):
        expect(rows(looked_at)).to_have_count(MIX["connection_refused", "gossip"])
        assert (chips(looked_at), addresses(looked_at)) == view
        assert query(looked_at) == wanted
        expect(looked_at.get_by_role("button", name="by source", exact=True)).to_have_attribute("aria-pressed", "true")
        chosen = looked_at.get_by_test_id("range").get_by_role("button", name="24h")
        expect(chosen).to_have_attribute("aria-pressed", "true")


def test_back_and_forward_go_through_the_views(visitor, shown):
    page = visitor.open(shown.url)
    expect(rows(page)).to_have_count(SHOWN)
    grid = page.get_by_test_id("grid")
    grid.get_by_role("button", name="timeout from seed").first.click()
    expect(rows(page)).to_have_count(MIX["timeout", "seed"])
    page.get_by_role("tab", name="Peer book").click()
    expect(page.get_by_test_id("peers")).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(MIX["timeout", "seed"])
    page.go_back()
    expect(rows(page)).to_have_count(SHOWN)
    assert query(page) == {}
    page.go_forward()
    expect(rows(page)).to_have_count(MIX["timeout", "seed"])
    assert query(page) == {"reason": "timeout", "source": "seed"}
    page.go_forward()
    expect(page.get_by_role("tab", name="Peer book")).to_have_attribute("aria-selected", "true")


def test_chips_remove_filters(visitor, shown):
    page = visitor.open(f"{shown.url}?reason=timeout&source=gossip")
    assert chips(page) == ["reason timeout", "source gossip"]
    page.get_by_role("button", name="Remove the filter by source").click()
    expect(rows(page)).to_have_count(MIX["timeout", "gossip"] + MIX["timeout", "seed"])
    page.get_by_role("button", name="Clear all").click()
    expect(rows(page)).to_have_count(SHOWN)
    assert query(page) == {}


def test_nonsense_in_the_url_does_no_harm(visitor, shown):
    visitor.forgive("status of 422")  # the node's answer to an unknown reason
    page = visitor.open(
        f"{shown.url}?tab=none&range=5y&since=NaN&until=-1&by=color&sort=__proto__&theme=pink&reason=" + "x" * 3000
    )
    expect(page.get_by_test_id("dials")).to_contain_text("No dials match these filters.")
    assert chips(page) == [f"reason {'x' * 200}…"]
    page.get_by_role("button", name="Clear all").click()
    expect(rows(page)).to_have_count(SHOWN)
