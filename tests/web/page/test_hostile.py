"""Whatever a peer sends is text: it runs nowhere, loads nothing, hides nothing, and does not stop the page."""

from __future__ import annotations

import urllib.request

import pytest
from playwright.sync_api import expect

from nocarrier.web.api.page import POLICY
from tests.web.page.browser import needs_the_page
from tests.web.page.hostile_node import INVISIBLE, LONG, NASTY, TEXTS, hostile_node
from tests.web.page.looking import query, rows
from tests.web.page.program import measured

pytestmark = needs_the_page

RIGHT_TO_LEFT = NASTY.index("\u202e\u2066gpj.exe\u2069\u202c")

SOME = (NASTY[2], NASTY[RIGHT_TO_LEFT], NASTY[9], "__proto__", LONG)
"""One of each kind, if opening all of them would take too long."""

# What a peer's text could have become if it had been taken for markup.
ALIEN = """() => {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || /^\\s*javascript:/i.test(value) && ["href", "src", "action"].includes(name))
        found.push(`<${element.localName} ${name}>`);
    }
  }
  for (const element of document.querySelectorAll("iframe, object, embed, base, form, a[href*='evil']"))
    found.push(`<${element.localName}>`);
  for (const script of document.querySelectorAll("script, link, style, img")) {
    const from = script.src ?? script.href;
    if (!from?.startsWith(location.origin)) found.push(`<${script.localName}> from ${from}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def node():
    with hostile_node() as made:
        yield made


@pytest.fixture
def page(node, visitor):
    visitor.forgive("status of 400")  # the node's answer to a request with a megabyte of address
    opened = visitor.open(node[1])
    expect(rows(opened)).to_have_count(len(TEXTS))
    return opened


def expect_harmless(page):
    """Check that nothing alien is in the document, and no invisible character."""
    assert page.evaluate(ALIEN) == []
    html = page.evaluate("document.documentElement.outerHTML")
    assert [f"U+{ord(character):04X}" for character in INVISIBLE if character in html] == []
    expect(page.get_by_test_id("verdict")).to_be_visible()


def test_it_is_served_with_the_policy_of_the_real_page(node):
    with urllib.request.urlopen(node[1], timeout=20) as answer:
        assert answer.headers["content-security-policy"] == POLICY


def test_every_view_shows_it_as_text(page):
    expect_harmless(page)
    for text in NASTY:
        if text.isprintable() and text.isascii():
            expect(rows(page).filter(has_text=text).first).to_be_visible()
    expect(rows(page).filter(has_text="\\u202e\\u2066gpj.exe\\u2069\\u202c")).to_have_count(1)
    expect(rows(page).filter(has_text="zero\\u200bwidth\\ufeff\\u00ad\\u2060\\u{e0041}tag")).to_have_count(1)
    for tab in ("Peer book", "Mesh", "Dials"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        expect_harmless(page)


def test_every_finding_shows_it_as_text(page):
    cards = page.get_by_test_id("finding")
    expect(cards).to_have_count(len(TEXTS))
    for card in cards.all():
        card.get_by_role("heading").get_by_role("button").click()
        expect(card.locator(".actions")).to_be_visible()
    expect_harmless(page)
    expect(cards.nth(RIGHT_TO_LEFT)).to_contain_text("\\u202e\\u2066gpj.exe")
    for text, card in zip(TEXTS, cards.all(), strict=True):
        *_, as_it_is, _ = card.locator(".command").all()
        shown = as_it_is.locator("code").text_content()
        can_be_copied = as_it_is.get_by_role("button", name="Copy the command").count() == 1
        assert can_be_copied is (shown == text), f"nobody pastes more than they read: {text[:80]!a} as {shown[:80]!a}"


def test_every_panel_shows_it_as_text(page):
    panel = page.get_by_test_id("dial-panel")
    for text in SOME:
        rows(page).nth(len(TEXTS) - 1 - TEXTS.index(text)).click()
        expect(panel).to_be_visible()
        expect(panel.locator(".peer-history li, .problem").first).to_be_visible()
        if text is not LONG:
            expect(panel.locator(".chain li")).to_have_count(len(TEXTS))
        panel.get_by_text("Raw evidence").click()
        expect_harmless(page)
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()


def test_a_peer_in_the_panel_shows_it_as_text(page):
    page.get_by_role("tab", name="Peer book").click()
    panel = page.get_by_test_id("dial-panel")
    peers = page.locator("tr.peer-row")
    expect(peers).to_have_count(len(TEXTS))
    for text in SOME:
        peers.nth(TEXTS.index(text)).get_by_role("button").first.click()
        expect(panel).to_be_visible()
        expect(panel).to_contain_text("connected now")
        expect_harmless(page)
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()


def test_a_megabyte_is_cut_and_opens_without_stopping_the_page(page):
    page.evaluate("window.longTasks.length = 0")
    row = rows(page).first  # the newest
    row.click()
    panel = page.get_by_test_id("dial-panel")
    detail = panel.locator(".detail")
    expect(detail).to_contain_text(f"show all {len(LONG):,} characters")
    assert len(detail.inner_text()) < 2_000

    def open_it() -> None:
        detail.get_by_role("button", name="show all").click()
        expect(detail.get_by_role("button", name="show less")).to_be_visible()
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert measured(open_it) < 5
    whole = detail.evaluate("element => element.querySelector('.long-text-box').textContent")
    assert whole == LONG.replace("\u202e", "\\u202e")
    expect_harmless(page)
    page.keyboard.press("Escape")
    longest_ms = page.evaluate("Math.max(0, ...window.longTasks)")
    assert longest_ms < 1_000, f"the page did not answer for {longest_ms} ms"


def test_a_filter_by_hostile_text_is_kept_in_the_url(page):
    for text in SOME[:-1]:
        card = page.get_by_test_id("finding").nth(TEXTS.index(text))
        card.get_by_role("heading").get_by_role("button").click()
        card.locator("button.address").click()
        expect(page.get_by_test_id("filters").locator(".chip")).to_have_count(1)
        expect(rows(page)).to_have_count(1)
        assert query(page) == {"addr": text}
        page.reload()
        expect(rows(page)).to_have_count(1)
        expect_harmless(page)


def test_a_filter_by_a_megabyte_leaves_the_page_working(page):
    card = page.get_by_test_id("finding").nth(TEXTS.index(LONG))
    card.get_by_role("heading").get_by_role("button").click()
    card.locator("button.address").click()
    expect(page.get_by_test_id("filters").locator(".chip")).to_have_count(1)
    expect(rows(page)).to_have_count(1)
    expect_harmless(page)
    page.get_by_role("button", name="Clear all").click()
    expect(rows(page)).to_have_count(len(TEXTS))
