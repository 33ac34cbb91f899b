"""Chart, grid and flow count what the API counts; each part of them filters the table to the dials it represents."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.page.browser import needs_the_page
from tests.web.page.looking import addresses, first_number, query, rows, same_at_last
from tests.web.page.page_node import eventually
from tests.web.page.program import FAILED_DIALS, MIX, SUCCESSES, by_reason, program, record_mix

pytestmark = needs_the_page


@pytest.fixture
def shown(running, tmp_path):
    made = running.enter_context(program(tmp_path))
    record_mix(made)
    return made


@pytest.fixture
def page(visitor, shown):
    return visitor.open(shown.url)


def legend(page):
    """The counts of the chart, by name."""
    entries = page.get_by_test_id("chart-failures").locator(".legend button").all_inner_texts()
    return {" ".join(entry.split()[:-1]): first_number(entry.split()[-1]) for entry in entries}


def series(shown, by):
    """The same, from the API."""
    lines = shown.ask(f"/api/p2p/history/series?kind=failure&by={by}")["series"]
    return {name.replace("_", " "): sum(buckets) for name, buckets in lines.items()}


def expect_addresses(page, shown, **wanted):
    """The table has exactly the dials that the API returns for the same query."""
    same_at_last(lambda: sorted(addresses(page)), lambda: sorted(event["addr"] for event in shown.events(**wanted)))


def test_the_chart_counts_what_the_series_counts_in_every_range(page, shown):
    for span in ("live", "15m", "1h", "24h", "7d", "30d"):
        button = page.get_by_test_id("range").get_by_role("button", name=f"{span}:")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert query(page) == {"range": span}
        same_at_last(lambda: legend(page), lambda: series(shown, "reason"))
        assert sum(legend(page).values()) == FAILED_DIALS
        expect(page.get_by_role("img", name=f"{FAILED_DIALS} events")).to_be_visible()


def test_the_chart_counts_by_source_too_and_has_a_table_of_its_bars(page, shown):
    page.get_by_role("button", name="by source").click()
    same_at_last(lambda: legend(page), lambda: series(shown, "source"))
    page.get_by_text("Show as a table").click()
    table = page.get_by_role("region", name="The chart as a table")

    def sums():
        lines = table.locator("tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].slice(1).map(cell => cell.innerText))"
        )
        return {name: sum(map(int, counts)) for name, *counts in zip(*lines, strict=True)}

    same_at_last(sums, lambda: series(shown, "source"))


def test_an_entry_of_the_legend_filters_and_removes_its_filter(page, shown):
    entry = page.get_by_test_id("chart-failures").get_by_role("button", name="connection refused")
    entry.click()
    assert query(page) == {"reason": "connection_refused"}
    expect(entry).to_have_attribute("aria-pressed", "true")
    expect_addresses(page, shown, reason="connection_refused")
    entry.click()
    assert query(page) == {}
    expect(rows(page)).to_have_count(sum(MIX.values()) + sum(SUCCESSES.values()) - MIX["backoff_active", "gossip"])


def test_dragging_over_bars_selects_their_time(page, shown):
    chart = page.get_by_test_id("chart-failures")
    same_at_last(lambda: legend(page), lambda: series(shown, "reason"))  # a new layer rebuilds the plot
    chart.scroll_into_view_if_needed()
    box = eventually(chart.locator(".u-over").bounding_box)
    middle = box["y"] + box["height"] / 2
    # The last tenth of the ten minutes is a minute, in which all was recorded.
    page.mouse.move(box["x"] + 0.88 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.94 * box["width"], middle, steps=4)
    page.mouse.move(box["x"] + 0.995 * box["width"], middle, steps=4)
    page.mouse.up()
    page.wait_for_url("**/?*since=*")
    since, until = (float(query(page)[name]) for name in ("since", "until"))
    expect(page.get_by_test_id("filters")).to_contain_text("time")
    events = [event for event in shown.events() if event["kind"] != "skip" and since <= event["at_unix"] < until]
    assert events
    same_at_last(lambda: sorted(addresses(page)), lambda: sorted(event["addr"] for event in events))
    page.get_by_role("button", name="Remove the filter by time").click()
    assert query(page) == {}


def test_a_cell_of_the_grid_filters_the_table_to_exactly_its_dials(page, shown):
    grid = page.get_by_test_id("grid")
    for (reason, source), n in MIX.items():
        words = reason.replace("_", " ")
        cell = grid.get_by_role("button", name=f"{words} from {source}: {n}", exact=True)
        cell.click()
        assert query(page) == {"reason": reason, "source": source}
        expect(cell).to_have_attribute("aria-pressed", "true")
        expect(rows(page)).to_have_count(n)
        expect_addresses(page, shown, reason=reason, source=source)
        cell.click()
        assert query(page) == {}


def test_the_grid_sums_up(page):
    grid = page.get_by_test_id("grid")
    expect(grid.locator("tbody tr")).to_have_count(len(by_reason()))
    names = [name.removesuffix(" skip") for name in grid.locator("tbody th").all_inner_texts()]
    totals = [int(total) for total in grid.locator("td.total").all_inner_texts()]
    expected = {reason.replace("_", " "): n for reason, n in by_reason().items()}
    assert dict(zip(names, totals, strict=True)) == expected


def test_nodes_and_links_of_the_flow_filter(page, shown):
    flow = page.get_by_test_id("flow")
    expect(flow.get_by_role("group", name=f"Path of {FAILED_DIALS + sum(SUCCESSES.values())} dials")).to_be_visible()
    link = flow.get_by_role("button", name="gossip to connect: 7 dials")
    link.press("Enter")
    assert query(page) == {"source": "gossip", "phase": "connect"}
    expect(link).to_have_attribute("aria-pressed", "true")
    expect_addresses(page, shown, source="gossip", phase="connect")
    link.press("Enter")
    assert query(page) == {}
    end = flow.get_by_role("button", name="succeeded: 5 dials", exact=True)
    end.press(" ")
    assert query(page) == {"kind": "succeeded"}
    expect_addresses(page, shown, kind="succeeded")
