"""A node with a token: the page asks for it, keeps it only in its tab, and works with it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from nocarrier import DialTracker
from tests.web.page.browser import needs_the_page
from tests.web.page.looking import open_row, row_of, rows
from tests.web.page.program import program

pytestmark = needs_the_page

TOKEN = "open-sesame-41"


@pytest.fixture
def shown(running, tmp_path):
    return running.enter_context(program(tmp_path, tracker=DialTracker(), token=TOKEN))


def enter(page, token):
    page.get_by_label("token").fill(token)
    page.get_by_role("button", name="Continue").click()


def test_it_asks_until_the_token_is_right_and_then_shows_all(visitor, shown):
    visitor.forgive("status of 401")
    shown.tracker.record("203.0.113.1:7072", "timeout", "seed")
    page = visitor.open(shown.url, wait=False)
    form = page.get_by_test_id("token-form")
    expect(form).to_be_visible()
    expect(page.get_by_test_id("connection")).to_contain_text("Token needed")
    expect(page.get_by_test_id("verdict")).to_contain_text("The node needs a token first.")
    assert "203.0.113.1" not in page.content()

    enter(page, "wrong")
    expect(form).to_contain_text("The node refused that token")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "refused")

    enter(page, TOKEN)
    expect(form).to_have_count(0)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    expect(row_of(page, "203.0.113.1:7072")).to_have_count(1)
    shown.tracker.record("203.0.113.2:7072", "timeout", "seed")
    expect(rows(page)).to_have_count(2)
    panel = open_row(page, "203.0.113.1:7072")
    expect(panel.locator(".peer-history li")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_test_id("grid").get_by_role("button", name="timeout from seed: 2").click()

    assert TOKEN not in page.url
    assert TOKEN not in page.evaluate("JSON.stringify({...localStorage}) + document.cookie")
    assert all(TOKEN not in request.url for request in visitor.requests)
    bearing = [request for request in visitor.requests if request.headers.get("authorization") == f"Bearer {TOKEN}"]
    assert bearing
    assert all("/api/" in request.url for request in bearing)


def test_a_reload_of_the_tab_keeps_it_and_another_tab_has_none(visitor, shown):
    visitor.forgive("status of 401")
    page = visitor.open(shown.url, wait=False)
    enter(page, TOKEN)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    page.reload()
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    expect(page.get_by_test_id("token-form")).to_have_count(0)
    another = page.context.new_page()
    another.goto(shown.url)
    expect(another.get_by_test_id("token-form")).to_be_visible()
