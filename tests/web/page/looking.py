"""What a visitor reads on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.web.page.page_node import eventually


def rows(page: Page) -> Locator:
    """The rows of the table of dials that are in the document."""
    return page.get_by_test_id("dial-row")


def row_of(page: Page, addr: str) -> Locator:
    return rows(page).filter(has_text=addr)


def addresses(page: Page) -> list[str]:
    """The texts of the rows, from the top, read at one instant."""
    found: list[str] = page.locator("[data-testid=dial-row] td.col-addr").all_inner_texts()
    return found


def query(page: Page) -> dict[str, str]:
    """What the URL says."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def glance(page: Page) -> dict[str, tuple[str, str]]:
    """Each number at a glance and the note below it, by its label."""
    facts = page.get_by_test_id("glance").locator("dl > div")
    read = facts.evaluate_all(
        """facts => facts.map(fact => ["dt", ".fact-value", ".fact-note"].map(
             part => (fact.querySelector(part)?.innerText ?? "").replace(/\\s+/g, " ").trim()))"""
    )
    return {label: (value, note) for label, value, note in read}


def first_number(text: str) -> int:
    """The first number in `text`, which may have commas between its thousands."""
    found = re.search(r"[\d,]+", text)
    assert found, text
    return int(found.group().replace(",", ""))


def same_at_last(shown: Callable[[], Any], asked: Callable[[], Any]) -> None:
    """The page shows what the API says. Both change while a node runs, so compare them until they agree."""
    seen: list[tuple[Any, Any]] = []

    def meet() -> bool:
        seen.append((shown(), asked()))
        return bool(seen[-1][0] == seen[-1][1])

    try:
        eventually(meet, within_s=20)
    except AssertionError:
        on_page, by_api = seen[-1]
        assert on_page == by_api


def open_row(page: Page, addr: str) -> Locator:
    """Press the row of `addr`; returns the panel."""
    row_of(page, addr).first.click()
    panel = page.get_by_test_id("dial-panel")
    expect(panel).to_be_visible()
    expect(panel).to_contain_text(addr)
    return panel
