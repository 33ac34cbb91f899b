"""A node that goes away and comes back: the page says so, continues where it was, and never hides what it missed."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.outputs.history import FILE_NAME, SqliteHistory
from tests.web.page.browser import needs_the_page
from tests.web.page.looking import addresses, row_of, rows
from tests.web.page.page_node import eventually
from tests.web.page.program import own_host

pytestmark = needs_the_page


@pytest.fixture
def tracker():
    return DialTracker()


@pytest.fixture
def patient(visitor):
    """A visitor that expects the node to go away: the browser logs every request that nobody answers."""
    visitor.forgive(r"net::ERR_|status of 5\d\d")
    return visitor


def lose(page, server):
    """End the node; the page says that it is gone, and that its data is old."""
    server.close()
    connection = page.get_by_test_id("connection")
    expect(connection).to_have_attribute("data-state", "waiting")
    expect(connection).to_contain_text("Reconnecting")
    expect(page.get_by_text("Connection lost")).to_be_visible()
    expect(page.get_by_test_id("verdict")).to_contain_text("as it was before the connection was lost")


def come_back(page):
    with contextlib.suppress(PlaywrightTimeout):  # on a busy machine the page has tried again by itself
        page.get_by_role("button", name="Try now").click(timeout=2_000)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    expect(page.get_by_text("Connection lost")).to_have_count(0)


def test_it_says_what_was_lost_and_continues(patient, tracker):
    server = api_server(tracker, listen=f"{own_host()}:0").start()
    page = patient.open(f"{server.url}/")
    page.evaluate("window.notReloaded = true")
    tracker.record_success("203.0.113.1:7072", "seed")
    expect(row_of(page, "203.0.113.1:7072")).to_have_count(1)
    expect(page).to_have_title("✓ Healthy · nocarrier")
    lose(page, server)
    expect(page).to_have_title("? Healthy (connection lost) · nocarrier")
    expect(page.get_by_test_id("verdict").locator(".verdict-sign")).to_have_text("?")
    for number in range(2, 7):
        tracker.record_success(f"203.0.113.{number}:7072", "seed")
    with api_server(tracker, listen=str(server.address)):
        come_back(page)
        gap = page.get_by_test_id("gap-row")
        tracker.record_success("203.0.113.7:7072", "seed")
        expect(gap).to_have_count(1)
        expect(gap).to_contain_text("5 events were lost here (numbers 2 to 6).")
        expect(row_of(page, "203.0.113.7:7072")).to_have_count(1)
        assert addresses(page) == ["203.0.113.7:7072", "203.0.113.1:7072"]
        keys = page.locator(".dial-table tbody tr").evaluate_all("rows => rows.map(row => row.dataset.testid)")
        assert keys == ["dial-row", "gap-row", "dial-row"], "the gap is not where the events are missing"
        expect(page.get_by_test_id("connection")).not_to_contain_text("node restarted")
        assert page.evaluate("window.notReloaded")
        patient.leave()


def test_it_comes_back_by_itself(patient, tracker):
    server = api_server(tracker, listen=f"{own_host()}:0").start()
    page = patient.open(f"{server.url}/")
    lose(page, server)
    with api_server(tracker, listen=str(server.address)):
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        tracker.record("203.0.113.1:7072", "timeout", "seed")
        expect(rows(page)).to_have_count(1)
        expect(page.get_by_test_id("gap-row")).to_have_count(0)
        patient.leave()


def test_the_history_fills_what_the_stream_missed(patient, tracker, tmp_path):
    with SqliteHistory(tmp_path / FILE_NAME, tracker) as history:
        server = api_server(tracker, history=history, listen=f"{own_host()}:0").start()
        page = patient.open(f"{server.url}/")
        tracker.record("203.0.113.1:7072", "timeout", "seed")
        expect(rows(page)).to_have_count(1)
        lose(page, server)
        for number in range(2, 7):
            tracker.record_success(f"203.0.113.{number}:7072", "seed")
        eventually(lambda: history.status().events_total == 6)
        with api_server(tracker, history=history, listen=str(server.address)):
            come_back(page)
            expect(rows(page)).to_have_count(6)
            assert addresses(page) == [f"203.0.113.{number}:7072" for number in range(6, 0, -1)]
            patient.leave()


def test_another_run_of_the_program_is_reported(patient, tracker, tmp_path):
    path = tmp_path / FILE_NAME
    with SqliteHistory(path, tracker) as history:
        server = api_server(tracker, history=history, listen=f"{own_host()}:0").start()
        page = patient.open(f"{server.url}/")
        for number in range(1, 4):
            tracker.record(f"203.0.113.{number}:7072", "timeout", "seed")
        expect(rows(page)).to_have_count(3)
        lose(page, server)
    second = DialTracker()
    with (
        SqliteHistory(path, second) as history,
        api_server(second, history=history, listen=str(server.address)),
    ):
        come_back(page)
        expect(page.get_by_test_id("connection")).to_contain_text("node restarted")
        second.record("203.0.113.9:7072", "connection_refused", "seed")
        expect(row_of(page, "203.0.113.9:7072")).to_have_count(1)
        expect(page.get_by_test_id("gap-row")).to_contain_text("The node restarted here")
        expect(rows(page)).to_have_count(4)  # those of the first run are still there, with the same numbers
        expect(page.get_by_test_id("glance")).to_contain_text("0 of 1 since start")
        patient.leave()
