"""One dial in the panel: by keyboard, what was seen, where the time went, who the peer is; and dialing it again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from nocarrier.model.event import EndedAttempt
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason
from tests.web.page.browser import needs_the_page
from tests.web.page.looking import open_row, query, row_of, rows
from tests.web.page.page_node import eventually
from tests.web.page.program import program, written

pytestmark = needs_the_page

PEER = "203.0.113.9:7072"
ROUTER = "198.51.100.254"

REFUSED = Fault(
    reason=Reason.HOST_UNREACHABLE,
    phase=Phase.CONNECT,
    blame=Blame.PATH,
    evidence={"errno": "EHOSTUNREACH", "decided_by": "network", "icmp": {"type": 3, "code": 13, "hop": ROUTER}},
    detail="filtered on the way",
)


@pytest.fixture
def shown(running, tmp_path):
    """Two dials, the older of which was refused by a router on the way."""
    made = running.enter_context(program(tmp_path))
    dial = made.tracker.begin(PEER, "gossip", via="198.51.100.7:7072")
    made.tracker.fail(
        dial,
        REFUSED,
        duration_s=0.75,
        attempts=(EndedAttempt(PEER, 0.25, 0.5, REFUSED),),
        phases_s={"resolve": 0.25, "connect": 0.5},
    )
    made.tracker.record("203.0.113.10:7072", "timeout", "seed")
    written(made, 3)
    return made


def test_a_row_opens_by_keyboard_and_esc_returns_the_focus(visitor, shown):
    page = visitor.open(shown.url)
    expect(rows(page)).to_have_count(2)
    rows(page).first.focus()
    page.keyboard.press("ArrowDown")
    row = row_of(page, PEER)
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    expect(panel.get_by_role("heading", level=2)).to_contain_text("host unreachable")
    assert panel.evaluate("element => element.contains(document.activeElement)"), "the focus is not in the panel"
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(row).to_be_focused()


def test_the_panel_shows_what_was_seen_and_where_the_time_went(visitor, shown):
    page = visitor.open(shown.url)
    panel = open_row(page, PEER)
    expect(panel).to_contain_text(
        f"{ROUTER} answered with the ICMP error communication administratively prohibited (type 3, code 13)."
    )
    expect(panel).to_contain_text("The answer came back from the network.")
    expect(panel).to_contain_text("filtered on the way")
    expect(panel).to_contain_text("The network between this machine and the peer.")
    panel.get_by_text("Raw evidence").click()
    expect(panel.locator(".raw")).to_contain_text('{"type":3,"code":13,"hop":"198.51.100.254"}')
    lines = panel.locator(".timeline tbody tr")
    assert [line.locator("th, td.number").all_inner_texts() for line in lines.all()[:2]] == [
        ["resolve", "250 ms"],
        ["connect", "500 ms"],
    ]
    expect(lines.nth(2)).to_contain_text("host unreachable")
    # On one axis: the second phase begins a third in, where the first ends.
    places = [float(rect.get_attribute("x").rstrip("%")) for rect in panel.locator(".timeline rect").all()]
    assert places == pytest.approx([0, 100 / 3, 100 / 3], abs=0.1)
    reasons = shown.ask("/api/p2p/reasons")["reasons"]
    [reason] = [row for row in reasons if row["name"] == "host_unreachable"]
    expect(panel).to_contain_text(reason["meaning"])
    expect(panel).to_contain_text(reason["next_step"])


def test_the_panel_goes_to_the_neighbouring_rows(visitor, shown):
    page = visitor.open(shown.url)
    panel = open_row(page, PEER)
    panel.get_by_role("button", name="Row above").click()
    expect(panel).to_contain_text("203.0.113.10:7072")
    expect(panel.get_by_role("button", name="Row above")).to_be_disabled()
    panel.get_by_role("button", name="Row below").click()
    expect(panel).to_contain_text(PEER)


def test_the_panel_has_the_dials_of_the_peer_and_filters_for_them(visitor, shown):
    shown.tracker.record(PEER, "connection_refused", "gossip")
    written(shown, 4)
    page = visitor.open(shown.url)
    panel = open_row(page, PEER)
    dials = panel.locator(".peer-history li")
    expect(dials).to_have_count(2)
    expect(dials.first).to_contain_text("connection refused")
    panel.get_by_role("button", name="Show only this peer's dials").click()
    expect(panel).to_be_hidden()
    assert query(page) == {"addr": PEER}
    expect(rows(page)).to_have_count(2)


def test_the_panel_of_an_introduced_peer_has_the_chain_to_the_root(visitor, demo):
    told = next(peer for peer in demo.ask("/api/p2p/peers")["peers"] if peer["via"])
    chain = demo.ask(f"/api/p2p/propagation?addr={told['addr']}")["chain"]
    page = visitor.open(f"{demo.url}?addr={told['addr']}")
    panel = open_row(page, told["addr"])
    steps = panel.locator(".chain li")
    expect(steps).to_have_count(len(chain))
    assert len(chain) == 2
    for step, expected in zip(steps.all(), chain, strict=True):
        expect(step).to_contain_text(expected["addr"])
        expect(step).to_contain_text(expected["source"])


def test_dial_again_really_dials(visitor, demo):
    [refused] = demo.tracker.recent(reason="connection_refused", kind="failure")[:1]
    page = visitor.open(demo.url)
    panel = open_row(page, refused.addr)
    started = demo.tracker.totals("direct").started
    panel.get_by_role("button", name="Dial again").click()
    expect(panel.get_by_role("status")).to_contain_text("Failed")
    expect(panel.get_by_role("status")).to_contain_text("connection refused")
    assert demo.tracker.totals("direct").started == started + 1
    newest = eventually(lambda: demo.tracker.recent(addr=refused.addr, kind="failure", source="direct"))[-1]
    assert newest.reason == "connection_refused"


def test_a_program_without_a_node_says_that_it_cannot_dial(visitor, shown):
    visitor.forgive("status of 404")  # the browser logs every answer with an error status
    page = visitor.open(shown.url)
    panel = open_row(page, PEER)
    panel.get_by_role("button", name="Dial again").click()
    expect(panel.get_by_role("status")).to_contain_text("This program has no nocarrier node that could dial.")
