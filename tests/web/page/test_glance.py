"""The numbers at a glance equal those of the API."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.page.browser import needs_the_page
from tests.web.page.looking import first_number, glance, same_at_last
from tests.web.page.program import FAILED_DIALS, SUCCESSES, program, record_mix

pytestmark = needs_the_page


def test_the_numbers_are_those_of_the_debug_answer(visitor, demo):
    page = visitor.open(demo.url)

    def shown():
        facts = glance(page)
        succeeded, ended = facts["Dials that succeeded"][1].split(" since ")[0].split(" of ")
        return {
            "connected": facts["Connected"][0],
            "in flight": first_number(facts["In flight"][0]),
            "succeeded": first_number(succeeded),
            "ended": first_number(ended),
            "book": facts["Peer book"],
            "reachability": facts["Reachability"][0],
        }

    def asked():
        debug = demo.ask("/api/p2p/debug")
        totals, book = debug["dial_totals"], debug["peer_book_counts"]
        return {
            "connected": f"{len(debug['connected_peers'])} / {debug['node']['target_peers']}",
            "in flight": totals["in_flight"],
            "succeeded": totals["succeeded"],
            "ended": totals["succeeded"] + totals["failed"] + totals["cancelled"],
            "book": (str(book["total"]), f"{book['hot']} hot, {book['warm']} warm, {book['cold']} cold"),
            "reachability": debug["reachability"],
        }

    same_at_last(shown, asked)
    assert "Events lost" not in glance(page)


def test_a_program_without_a_node_says_what_it_lacks(visitor, running, tmp_path):
    shown = running.enter_context(program(tmp_path))
    page = visitor.open(shown.url)
    expect(page.get_by_test_id("verdict")).to_have_attribute("data-level", "undetermined")
    assert glance(page)["Connected"] == ("0", "this program has no nocarrier node")
    assert glance(page)["Dials that succeeded"][0] == "\u2013"
    expect(page.get_by_test_id("dials")).to_contain_text("No dials recorded since start")
    record_mix(shown)
    share = round(100 * sum(SUCCESSES.values()) / (sum(SUCCESSES.values()) + FAILED_DIALS))
    expect(page.get_by_test_id("glance")).to_contain_text(f"{share}%")
    same_at_last(
        lambda: glance(page)["History"][1].split(",")[0],
        lambda: f"{shown.ask('/api/p2p/debug')['history']['events_total']} events",
    )


def test_without_a_history_it_says_so_and_offers_no_longer_range(visitor, running):
    page = visitor.open(running.enter_context(program()).url)
    assert glance(page)["History"][0] == "off"
    buttons = page.get_by_test_id("range").get_by_role("button")
    assert [button.is_enabled() for button in buttons.all()] == [True, False, False, False, False, False]
