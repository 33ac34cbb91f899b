"""Light and dark, wide and narrow, with only the keyboard: the page is usable by everyone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from testbed.programs import NOT_PROVEN
from tests.web.page.browser import AXE, needs_the_page
from tests.web.page.looking import open_row, query, row_of, rows

pytestmark = needs_the_page

NARROW = 360

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

needs_axe = pytest.mark.skipif(
    not AXE.is_file(), reason=f"{NOT_PROVEN}axe-core is not installed; run: npm ci in dashboard/"
)


def violations(page):
    """What axe-core finds in the page as it is now, as one line for each element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
    assert {"color-contrast", "button-name"} <= {rule["id"] for rule in found["passes"]}, "axe-core looked at nothing"
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@needs_axe
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_nothing(visitor, demo, scheme):
    page = visitor.open(demo.url, color_scheme=scheme)
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    page.get_by_test_id("finding").first.get_by_role("heading").get_by_role("button").click()
    for name in ("Good to know", "Past findings"):
        page.get_by_test_id("verdict").get_by_text(name).click()
    page.get_by_test_id("grid").get_by_role("button", name="from seed").first.click()
    expect(rows(page).first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Clear all").click()
    for tab in ("Peer book", "Mesh", "Dials"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        assert violations(page) == [], f"in the tab {tab}"
    panel = open_row(page, demo.tracker.recent(reason="handshake_timeout", kind="failure")[0].addr)
    expect(panel.locator(".peer-history li").first).to_be_visible()
    panel.get_by_text("Raw evidence").click()
    assert violations(page) == [], "in the panel"


def test_dark_and_light_follow_the_system_until_somebody_chooses(visitor, demo):
    page = visitor.open(demo.url, color_scheme="dark")
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")

    def brightness():
        red, green, blue = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
        )
        return (red + green + blue) / 3

    assert brightness() < 60
    page.emulate_media(color_scheme="light")
    expect(html).to_have_attribute("data-theme", "light")
    assert brightness() > 200
    page.get_by_test_id("theme").click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(html).to_have_attribute("data-theme", "dark")
    assert brightness() < 60


def test_a_narrow_screen_never_scrolls_sideways(visitor, demo):
    page = visitor.open(f"{demo.url}?text=127", width=NARROW, height=780)
    expect(rows(page).first).to_be_attached()

    def widest():
        return page.evaluate("document.documentElement.scrollWidth")

    assert widest() <= NARROW
    page.get_by_test_id("finding").first.get_by_role("heading").get_by_role("button").click()
    for tab in ("Peer book", "Mesh", "Dials"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        assert widest() <= NARROW, f"in the tab {tab}"
    rows(page).first.click()
    panel = page.get_by_test_id("dial-panel")
    expect(panel.locator(".peer-history li").first).to_be_visible()
    assert widest() <= NARROW
    box = panel.bounding_box()
    assert box["x"] >= 0
    assert box["width"] <= NARROW
    assert panel.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_nothing_moves_for_users_who_want_reduced_motion(visitor, demo):
    page = visitor.open(demo.url, reduced_motion="reduce")
    open_row(page, demo.tracker.recent(reason="handshake_timeout", kind="failure")[0].addr)
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter(element => {
             const style = getComputedStyle(element);
             return style.animationName !== "none" || style.transitionDuration.split(", ").some(time => time !== "0s");
           }).map(element => `${element.localName}.${element.className}`)"""
    )
    assert moving == []


# The element that has the focus, and how that is visible.
FOCUSED = """() => {
  const element = document.activeElement;
  const shapes = [element, ...element.querySelectorAll("rect, circle, path")];
  const seen = shapes.some(shape => {
    const style = getComputedStyle(shape);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== "none";
  });
  const box = element.getBoundingClientRect();
  const name = element.getAttribute("aria-label") || element.innerText || element.id;
  return { name: `${element.localName} ${name}`.slice(0, 80), seen, inSight: box.bottom > 0 && box.top < innerHeight,
           isRow: element.dataset.testid === "dial-row", isSkip: element.classList.contains("skip") };
}"""

MOST_STOPS = 150


def test_the_keyboard_alone_is_enough_to_reach_a_dial(visitor, demo):
    page = visitor.open(demo.url, reduced_motion="reduce")  # otherwise the skip link is still moving when it is checked
    expect(rows(page).first).to_be_attached()
    stops = []
    while not stops or not stops[-1]["isRow"]:
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        assert len(stops) < MOST_STOPS, f"no dial after {stops[-1]}"
    assert stops[0]["isSkip"], "the first stop does not skip to the dials"
    assert [stop["name"] for stop in stops if not stop["seen"]] == []
    assert [stop["name"] for stop in stops if not stop["inSight"]] == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED)["isRow"]


def test_the_skip_link_leads_straight_to_the_dials(visitor, demo):
    page = visitor.open(demo.url)
    expect(rows(page).first).to_be_attached()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Dials")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Peer book")).to_be_focused()
    assert query(page) == {"tab": "peers"}
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("dials")).to_be_visible()


def test_the_keyboard_alone_is_enough_to_filter(visitor, demo):
    page = visitor.open(demo.url)
    page.get_by_test_id("search").focus()
    page.keyboard.type("not_our_protocol")
    expect(rows(page)).to_have_count(len(demo.tracker.recent(reason="not_our_protocol", kind="failure")))
    page.get_by_test_id("search").fill("")
    page.wait_for_url(demo.url)
    cell = page.get_by_test_id("grid").get_by_role("button", name="banned from seed")
    cell.focus()
    page.keyboard.press("Enter")
    assert query(page) == {"reason": "banned", "source": "seed"}
    addr = demo.tracker.recent(reason="banned", kind="failure")[0].addr
    expect(row_of(page, addr).first).to_be_visible()
    page.get_by_role("button", name="Remove the filter by reason").press("Enter")
    assert query(page) == {"source": "seed"}
