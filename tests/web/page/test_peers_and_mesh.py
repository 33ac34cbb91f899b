"""The peer book and the mesh: every peer that the node knows, when each is dialed next and why not now."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from tests.web.page.browser import needs_the_page
from tests.web.page.looking import query, same_at_last
from tests.web.page.page_node import eventually

pytestmark = needs_the_page


def test_the_peer_book_is_that_of_the_api(visitor, demo):
    page = visitor.open(f"{demo.url}?tab=peers")
    book = page.get_by_test_id("peers")

    def shown():
        table = book.locator("tr.peer-row").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        )
        return {addr: (state, connected, streak, last) for addr, state, connected, _, streak, last, _ in table}

    def asked():
        return {
            peer["addr"]: (
                peer["state"],
                "✓ connected" if peer["connected"] else "",
                str(peer["streak"] or ""),
                (peer["last_reason"] or "").replace("_", " "),
            )
            for peer in demo.ask("/api/p2p/peers")["peers"]
        }

    same_at_last(shown, asked)
    assert len(shown()) > 10


def test_the_peer_book_says_when_and_why_not_now(visitor, demo):
    page = visitor.open(f"{demo.url}?tab=peers")

    def waits_for_long():
        """A peer whose state will not change during the test. How long each waits depends on how old the demo is."""
        waiting = [
            peer for peer in demo.ask("/api/p2p/peers")["peers"] if peer["because"] and peer["next_attempt_unix"]
        ]
        last = max(waiting, key=lambda peer: peer["next_attempt_unix"])
        return last if last["next_attempt_unix"] > time.time() + 20 else None

    peer = eventually(waits_for_long, within_s=40)
    row = page.locator("tr.peer-row").filter(has_text=peer["addr"])
    expect(row).to_contain_text(f"({peer['because'].replace('_', ' ')})")
    expect(row.locator("td").last).to_contain_text("in ")
    connected = page.locator("tr.peer-row").filter(has_text="✓ connected").first
    expect(connected.locator("td").last).to_have_text("not needed")


def test_the_peer_book_searches_and_sorts(visitor, demo):
    page = visitor.open(f"{demo.url}?tab=peers")
    book = page.get_by_test_id("peers")
    peers = demo.ask("/api/p2p/peers")["peers"]
    shown = book.locator("tr.peer-row")
    expect(shown).to_have_count(len(peers))
    head = book.get_by_role("columnheader", name="Address")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    sorted_addrs = sorted((peer["addr"] for peer in peers), reverse=True)
    assert shown.locator("td:first-child").all_inner_texts() == sorted_addrs
    book.get_by_role("searchbox").fill("gossip")
    expect(shown).to_have_count(sum(peer["source"] == "gossip" for peer in peers))


def test_the_mesh_has_every_peer_and_opens_it(visitor, demo):
    page = visitor.open(demo.url)
    page.get_by_role("tab", name="Mesh").click()
    assert query(page) == {"tab": "mesh"}
    mesh = page.get_by_test_id("mesh")
    known = {peer["addr"] for peer in demo.ask("/api/p2p/peers")["peers"]}
    expect(mesh.get_by_role("button")).to_have_count(len(known))
    connected = demo.ask("/api/p2p/debug")["connected_peers"]
    expect(mesh.locator("line.edge-outbound, line.edge-inbound")).to_have_count(len(connected))
    told = [peer for peer in demo.ask("/api/p2p/peers")["peers"] if peer["via"]]
    expect(mesh.locator("line.edge-introduced")).to_have_count(len(told))
    for dot in mesh.get_by_role("button").all():
        name = dot.get_attribute("aria-label")
        assert name.split(",")[0] in known, f"a dot is called {name}"
    mesh.get_by_role("button", name=f"{told[0]['addr']}, hot, connected").press("Enter")
    panel = page.get_by_test_id("dial-panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text(told[0]["addr"])
    expect(panel).to_contain_text("hot, connected now")
    expect(panel.locator(".chain")).to_contain_text(told[0]["via"])
