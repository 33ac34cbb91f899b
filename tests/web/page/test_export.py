"""Exports contain what the table shows; masked ones contain no address; and no spreadsheet runs a peer's text."""

from __future__ import annotations

import csv
import io
import json

import pytest
from playwright.sync_api import expect

from tests.web.page.browser import needs_the_page
from tests.web.page.looking import addresses, rows
from tests.web.page.program import MIX, ROWS, program, record_mix, written

pytestmark = needs_the_page

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


@pytest.fixture
def shown(running, tmp_path):
    made = running.enter_context(program(tmp_path))
    record_mix(made)
    return made


def exported(page, kind):
    """The text of the file that the button downloads."""
    with page.expect_download() as download:
        page.get_by_test_id(f"export-{kind}").click()
    assert download.value.suggested_filename.startswith("nocarrier-dials-")
    assert download.value.suggested_filename.endswith(f".{kind}")
    return download.value.path().read_bytes().decode()


def without_place(event):
    """An event as the stream sends it; the history adds where it is kept."""
    return {name: value for name, value in event.items() if name not in {"id", "run"}}


def test_json_and_csv_contain_what_the_table_shows(visitor, shown):
    page = visitor.open(f"{shown.url}?source=gossip&sort=addr")
    known = {event["addr"]: without_place(event) for event in shown.events(source="gossip") if event["kind"] != "skip"}
    expect(rows(page)).to_have_count(len(known))
    order = addresses(page)
    assert order == sorted(known)
    events = json.loads(exported(page, "json"))["events"]
    assert [without_place(event) for event in events] == [known[addr] for addr in order]
    table = list(csv.DictReader(io.StringIO(exported(page, "csv"), newline="")))
    assert [row["addr"] for row in table] == order
    for row in table:
        event = known[row["addr"]]
        for name in ("kind", "source", "via", "reason", "phase", "blame", "detail", "node_id"):
            assert row[name] == (event[name] or "")
        assert int(row["seq"]) == event["seq"]
        assert float(row["duration_s"]) == event["duration_s"]


def test_a_masked_export_has_no_address(visitor, shown):
    page = visitor.open(f"{shown.url}?kind=any")
    expect(rows(page)).to_have_count(ROWS)
    page.get_by_test_id("redact").check()
    for kind in ("json", "csv"):
        text = exported(page, kind)
        assert "203.0.113." not in text
        assert "198.51.100." not in text
        assert "ab" * 32 not in text
        assert text.count("connection_refused") >= MIX["connection_refused", "gossip"]
    assert len(json.loads(exported(page, "json"))["events"]) == ROWS


def test_no_cell_is_a_formula_to_a_spreadsheet(visitor, running, tmp_path):
    shown = running.enter_context(program(tmp_path))
    for number, text in enumerate(FORMULAS):
        shown.tracker.record(text + f"{number}", "timeout", "seed", text, via=text)
    shown.tracker.record('"quoted", with\r\na line', "timeout", "seed", '=HYPERLINK("http://x","y")')
    written(shown, len(FORMULAS) + 1)
    page = visitor.open(shown.url)
    expect(rows(page)).to_have_count(len(FORMULAS) + 1)
    table = list(csv.reader(io.StringIO(exported(page, "csv"), newline="")))
    assert len(table) == len(FORMULAS) + 2, "a line end of a peer made a row"
    cells = [cell for row in table[1:] for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert sum(cell.startswith("'=") for cell in cells) >= 2
    assert "'@SUM(A1)" in cells
