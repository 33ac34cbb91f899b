"""What is wrong comes first: worst first, with evidence and what to do, and it disappears with its evidence."""

from __future__ import annotations

import re
import socket

import pytest
from playwright.sync_api import expect

from tests.web.page.browser import needs_the_page
from tests.web.page.looking import open_row, same_at_last
from tests.web.page.page_node import eventually, running_node
from tests.web.page.program import own_host

pytestmark = needs_the_page

SEVERITIES = ("critical", "warning", "info")


def findings_of(node):
    return node.ask("/api/p2p/diagnosis")["findings"]


def test_it_shows_the_findings_of_the_api_the_worst_first(visitor, demo):
    # A busy machine is a finding of its own, which for a while explains others.
    eventually(lambda: len({finding["severity"] for finding in findings_of(demo)}) > 1)
    page = visitor.open(demo.url)
    verdict = page.get_by_test_id("verdict")
    cards = verdict.get_by_test_id("finding")
    same_at_last(
        lambda: cards.evaluate_all("cards => cards.map(card => card.dataset.code)"),
        lambda: [finding["code"] for finding in findings_of(demo)],
    )
    findings = findings_of(demo)
    ranks = [SEVERITIES.index(finding["severity"]) for finding in findings]
    assert ranks == sorted(ranks)
    expect(verdict).to_have_attribute("data-level", findings[0]["severity"])
    expect(verdict.get_by_role("heading", level=2)).to_have_text(findings[0]["title"])


def test_findings_that_need_no_action_are_behind_one_line(visitor, demo):
    page = visitor.open(demo.url)
    more = page.get_by_test_id("verdict").locator(".good-to-know")
    peer_down = more.locator('[data-testid=finding][data-code="peer_down"]')
    expect(peer_down).to_be_hidden()
    expect(more.locator("summary")).to_contain_text(
        re.compile(r"[Pp]eers? .*(do not answer|does not answer|refuses? connections|off or not listening)")
    )
    more.locator("summary").press("Enter")
    expect(peer_down).to_be_visible()
    peer_down.get_by_role("heading").get_by_role("button").press("Enter")
    expect(peer_down).to_contain_text("nothing listens on that port")


def test_a_finding_opens_to_its_evidence_and_what_to_do(visitor, demo):
    [finding] = eventually(lambda: [one for one in findings_of(demo) if one["code"] == "wrong_port_published"])
    page = visitor.open(demo.url)
    card = page.locator('[data-testid=finding][data-code="wrong_port_published"]')
    opener = card.get_by_role("button", name=finding["title"])
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(card).to_contain_text(finding["summary"])
    for evidence in finding["evidence"]:
        expect(card).to_contain_text(f"{evidence['count']} {evidence['statement']}")
        for addr in evidence["addrs"]:
            expect(card.get_by_role("button", name=addr, exact=True)).to_be_visible()
    for action in finding["next_actions"]:
        shown = card.locator(".actions li").filter(has_text=action["text"])
        expect(shown).to_have_count(1)
        for what in ("command", "settings"):
            if action[what] is not None:
                expect(shown.locator(".command code")).to_have_text(action[what])
                expect(shown.get_by_role("button", name=f"Copy the {what}: ")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_it_is_seen_without_scrolling(visitor, demo, width, height):
    page = visitor.open(demo.url, width=width, height=height)
    verdict = page.get_by_test_id("verdict")
    expect(verdict.get_by_role("heading", level=2)).to_be_in_viewport(ratio=1)
    expect(verdict.get_by_test_id("finding").first).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


def test_without_a_peer_it_is_too_early_to_tell_and_green_once_one_is_connected(visitor, running, tmp_path):
    peer = running.enter_context(running_node(tmp_path / "peer", p2p_listen=f"{own_host()}:0"))
    watched = running.enter_context(running_node(tmp_path / "watched", target_peers=8))
    page = visitor.open(watched.url)
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_have_attribute("data-level", "undetermined")
    expect(verdict.get_by_role("heading", level=2)).to_have_text("Too early to tell")
    expect(verdict).to_contain_text("No peer is connected, and no dial has begun, ")
    expect(verdict.locator(".verdict-sign")).to_have_text("?")
    expect(page).to_have_title("? Too early to tell · nocarrier")
    grey = colour_of_sign(verdict)
    host = peer.node.options.p2p_listen.rpartition(":")[0]
    watched.call(watched.node.connect(f"{host}:{peer.node.p2p_port}"))
    expect(verdict).to_have_attribute("data-level", "healthy")
    expect(page).to_have_title("✓ Healthy · nocarrier")
    assert colour_of_sign(verdict) != grey


def colour_of_sign(verdict):
    return verdict.locator(".verdict-sign").evaluate("sign => getComputedStyle(sign).backgroundColor")


def test_a_finding_disappears_when_the_peer_works_again(visitor, running, tmp_path):
    host = own_host()
    with socket.socket() as probe:
        probe.bind((host, 0))
        addr = f"{host}:{probe.getsockname()[1]}"
    watched = running.enter_context(running_node(tmp_path / "watched", seeds=(addr,), target_peers=1))
    page = visitor.open(watched.url)
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_have_attribute("data-level", "critical")
    expect(page.locator("[data-testid=finding]")).to_have_count(1)
    panel = open_row(page, addr)
    with running_node(tmp_path / "peer", p2p_listen=addr):
        panel.get_by_role("button", name="Dial again").click()
        expect(panel.get_by_role("status")).to_contain_text("Connected")
        page.keyboard.press("Escape")
        expect(verdict).to_have_attribute("data-level", "healthy")
        expect(verdict.get_by_role("heading", level=2)).to_have_text("Healthy")
        expect(page.get_by_test_id("finding")).to_have_count(0)
        # The history saves it a moment later.
        eventually(lambda: watched.ask("/api/p2p/history/findings")["findings"][0]["ended_unix"])
        verdict.get_by_text("Past findings").click()
        expect(verdict.get_by_test_id("finding")).to_contain_text("its evidence was gone")
