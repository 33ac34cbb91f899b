"""The table of dials: live, searched, sorted, paused, and smooth with thousands of rows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from nocarrier import DialTracker
from tests.web.page.browser import needs_the_page
from tests.web.page.looking import addresses, first_number, glance, query, row_of, rows, same_at_last
from tests.web.page.page_node import eventually
from tests.web.page.program import MIX, ROWS, measured, program, record_mix, written

pytestmark = needs_the_page

HELD = 5_000
"""How many rows the page holds at most."""

SHOWN = ROWS - MIX["backoff_active", "gossip"]
"""Rows without the skips, which the table leaves out unless they are requested."""


@pytest.fixture
def shown(running, tmp_path):
    made = running.enter_context(program(tmp_path))
    record_mix(made)
    return made


def test_a_dial_appears_when_it_ends_without_a_reload(visitor, running):
    shown = running.enter_context(program())
    page = visitor.open(shown.url)
    page.evaluate("window.notReloaded = true")
    shown.tracker.record("203.0.113.200:7072", "timeout", "dns")
    expect(row_of(page, "203.0.113.200:7072")).to_have_count(1)
    dial = shown.tracker.begin("203.0.113.201:7072", "seed")
    eventually(lambda: glance(page)["In flight"][0] == "1")
    expect(row_of(page, "203.0.113.201:7072")).to_have_count(0)
    shown.tracker.succeed(dial, duration_s=0.25)
    expect(row_of(page, "203.0.113.201:7072")).to_contain_text("succeeded")
    assert addresses(page) == ["203.0.113.201:7072", "203.0.113.200:7072"]
    assert page.evaluate("window.notReloaded")


def test_a_paused_table_stands_still_and_counts_what_waits(visitor, shown):
    page = visitor.open(shown.url)
    expect(rows(page)).to_have_count(SHOWN)
    pause = page.get_by_test_id("pause")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    before = addresses(page)
    for number in range(3):
        shown.tracker.record(f"192.0.2.{number}:7072", "timeout", "dns")
    expect(pause).to_have_text("Resume (3 waiting)")
    assert addresses(page) == before
    # Each choice queries the history, which also contains the waiting ones.
    written(shown, ROWS + 3)
    for kind in ("Failures", "All dials"):
        with page.expect_response("**/api/p2p/history?*"):
            page.get_by_role("button", name=kind, exact=True).click()
    page.wait_for_timeout(500)
    assert addresses(page) == before
    pause.click()
    expect(pause).to_have_text("Pause")
    expect(rows(page)).to_have_count(SHOWN + 3)
    assert addresses(page) == ["192.0.2.2:7072", "192.0.2.1:7072", "192.0.2.0:7072", *before]


def test_search_covers_addresses_and_details_and_is_kept_in_the_url(visitor, shown):
    page = visitor.open(shown.url)
    page.get_by_test_id("search").fill("detail of HANDSHAKE_timeout")
    expect(rows(page)).to_have_count(MIX["handshake_timeout", "gossip"])
    assert query(page) == {"text": "detail of HANDSHAKE_timeout"}
    page.get_by_test_id("search").fill("203.0.113.7:")
    expect(rows(page)).to_have_count(1)
    page.get_by_test_id("search").fill("nowhere")
    expect(rows(page)).to_have_count(0)
    page.get_by_role("button", name="Clear them").click()
    expect(rows(page)).to_have_count(SHOWN)
    expect(page.get_by_test_id("search")).to_have_value("")


def test_skips_are_left_out_with_a_note_until_requested(visitor, shown):
    page = visitor.open(shown.url)
    skips = MIX["backoff_active", "gossip"]
    expect(page.get_by_test_id("dials")).to_contain_text(f"{skips} skips are left out")
    page.get_by_role("button", name="show everything").click()
    expect(rows(page)).to_have_count(ROWS)
    page.get_by_role("button", name="Skips", exact=True).click()
    expect(rows(page)).to_have_count(skips)
    same_at_last(lambda: sorted(addresses(page)), lambda: sorted(event["addr"] for event in shown.events(kind="skip")))


SORTED_BY = {
    "Time": lambda event: event["at_unix"],
    "Address": lambda event: event["addr"],
    "Source": lambda event: f"{event['source']} {event['via'] or ''}",
    "Outcome": lambda event: event["reason"] or event["kind"],
    "Phase": lambda event: event["phase"] or "",
    "Blame": lambda event: event["blame"] or "",
    "Duration": lambda event: event["duration_s"] or 0,
}


def test_every_column_sorts_both_ways(visitor, shown):
    page = visitor.open(f"{shown.url}?kind=any")
    expect(rows(page)).to_have_count(ROWS)
    by_addr = {event["addr"]: event for event in shown.events()}
    for name, value in SORTED_BY.items():
        head = page.get_by_role("grid").get_by_role("columnheader").filter(has_text=re.compile(rf"^{name}( [▲▼])?$"))
        for order in ("ascending", "descending") if name == "Time" else ("descending", "ascending"):
            head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", order)
            values = [value(by_addr[addr]) for addr in addresses(page)]
            assert len(values) == ROWS
            assert values == sorted(values, reverse=order == "descending"), f"by {name}, {order}"


@pytest.mark.slow
def test_five_thousand_rows_stay_smooth_and_memory_bounded(visitor, running):
    shown = running.enter_context(program(tracker=DialTracker(capacity=HELD)))
    page = visitor.open(shown.url)
    for number in range(HELD):
        shown.tracker.record(f"10.{number // 250}.{number % 250}.1:7072", "timeout", "dht", f"detail {number}")
    note = page.locator(".table-note")
    expect(note).to_contain_text("5,000 rows of 5,000 on this page")
    in_document = rows(page).count()
    assert 0 < in_document < 80, "the rows out of sight are in the document"
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(HELD + 1))

    page.evaluate("window.longTasks.length = 0")
    first = rows(page).first
    first.scroll_into_view_if_needed()
    first.focus()
    most_rows = 0
    seen: set[str] = set()

    def scroll_through() -> None:
        nonlocal most_rows
        scroller = page.locator(".dial-scroll")
        length = scroller.evaluate("element => element.scrollHeight")
        for step in range(1, 51):
            # Waits for two frames, so that newly visible rows are drawn.
            scroller.evaluate(
                """(element, top) => { element.scrollTop = top; return new Promise(
                     done => requestAnimationFrame(() => requestAnimationFrame(done))) }""",
                length * step / 50,
            )
            here = addresses(page)
            seen.update(here)
            most_rows = max(most_rows, len(here))

    took_s = measured(scroll_through)
    assert took_s < 15, "scrolling through takes too long"
    assert most_rows < 80
    assert len(seen) > 1_000, "the rows did not change while the table was scrolled"
    expect(row_of(page, "10.0.0.1:7072")).to_be_visible()  # the oldest is the last
    longest_ms = page.evaluate("Math.max(0, ...window.longTasks)")
    assert longest_ms < 500, f"the page did not answer for {longest_ms} ms"

    for number in range(100):
        shown.tracker.record(f"192.0.2.{number}:7072", "timeout", "dht")
    expect(note).to_contain_text("5,000 rows of 5,000 on this page")
    expect(note).to_contain_text("100 older rows were removed because the page is full")
    assert rows(page).count() < 80
    page.get_by_test_id("search").fill("192.0.2.")
    eventually(lambda: first_number(note.inner_text()) == 100)


def test_older_dials_come_from_the_history(visitor, running, tmp_path):
    shown = running.enter_context(program(tmp_path))
    for number in range(2_200):
        shown.tracker.record(f"10.1.{number // 250}.{number % 250}:7072", "timeout", "dht")
    written(shown, 2_200)
    page = visitor.open(shown.url)
    note = page.locator(".table-note")
    expect(note).to_contain_text("1,500 rows of 1,500")
    for expected in ("2,000", "2,200"):
        page.get_by_role("button", name="Load older").click()
        expect(note).to_contain_text(f"{expected} rows of {expected}")
    expect(page.get_by_text("The history has no older dials")).to_be_visible()
    page.get_by_role("grid").get_by_role("row").nth(1).focus()
    page.keyboard.press("End")
    expect(row_of(page, "10.1.0.0:7072")).to_be_focused()
