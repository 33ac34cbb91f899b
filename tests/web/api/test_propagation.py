"""How addresses spread, over HTTP: for a node, and for a program without one."""

from __future__ import annotations

import pytest

from nocarrier.model.node.state import Introducer, IntroductionCounts
from tests.web.api.fake_node import SEED, TOLD
from tests.web.api.http_client import get

PATH = "/api/p2p/propagation"


def test_a_node_reports_propagation_by_source_and_by_introducer(server):
    view = get(server, PATH).json
    assert view["by_source"]["gossip"] == {
        "introduced": 1, "dialed": 1, "connected": 0, "dead": 1, "repeated": 0, "refused": 0,
    }  # fmt: skip
    assert {introducer["addr"] for introducer in view["by_introducer"]} == {SEED, "203.0.113.50:7072"}
    assert view["chain"] is None


def test_the_worst_introducer_comes_first(server, node, monkeypatch):
    state = node.state()
    introducers = [
        Introducer(addr=addr, counts=IntroductionCounts(introduced=9, dialed=9, dead=dead), throttled=throttled)
        for addr, dead, throttled in (("good", 0, False), ("bad", 9, True), ("unlucky", 8, False), ("as bad", 8, True))
    ]
    monkeypatch.setattr(node, "state", lambda: type(state)(**{**fields(state), "introducers": tuple(introducers)}))
    named = [introducer["addr"] for introducer in get(server, PATH).json["by_introducer"]]
    assert named == ["bad", "as bad", "unlucky", "good"]


def fields(state):
    return {name: getattr(state, name) for name in state.__slots__}


def test_the_chain_of_an_address_leads_to_its_root(server):
    chain = get(server, f"{PATH}?addr={TOLD}").json["chain"]
    assert [(step["addr"], step["source"], step["via"]) for step in chain] == [
        (TOLD, "gossip", SEED),
        (SEED, "seed", None),
    ]


@pytest.mark.parametrize("addr", ["192.0.2.77:7072", "nonsense", "%1b[31m"])
def test_an_unknown_address_is_a_problem_that_says_where_to_look(server, addr):
    answer = get(server, f"{PATH}?addr={addr}")
    assert answer.status == 404
    assert "/api/p2p/peers" in answer.problem
    assert "\x1b" not in answer.problem


@pytest.mark.parametrize("addr", ["", "a" * 300])
def test_text_that_cannot_be_an_address_is_refused(server, addr):
    answer = get(server, f"{PATH}?addr={addr}")
    assert answer.status == 422
    assert "addr" in answer.problem


def test_a_redacted_chain_keeps_its_shape_and_reveals_no_identity(server):
    answer = get(server, f"{PATH}?addr={TOLD}&redact=true")
    told, seed = answer.json["chain"]
    assert told["via"] == seed["addr"]
    assert (told["source"], seed["source"]) == ("gossip", "seed")
    assert answer.json["by_source"].keys() == {"seed", "gossip"}
    assert b"198.51.100" not in answer.body
    assert b"10.0.0.1" not in answer.body


# ---- a program without a nocarrier node ------------------------------------------------------------------------------


def test_a_program_without_a_node_gets_what_its_dials_show(embedded, tracker):
    teller = "192.0.2.9:7072"
    tracker.record_success(teller, "seed")
    tracker.record_success("192.0.2.1:7072", "gossip", via=teller)
    tracker.record("192.0.2.2:7072", "timeout", "gossip", via=teller)
    tracker.record("192.0.2.3:7072", "version_mismatch", "gossip", via=teller)  # a peer answered
    tracker.record("192.0.2.4:7072", "network_unreachable", "gossip", via=teller, evidence={"decided_by": "local"})
    tracker.record("192.0.2.5:7072", "early_disconnect", "gossip", via=teller)
    tracker.record("10.0.0.1:7072", "private_ip_blocked", "gossip", via=teller)  # never dialed
    view = get(embedded, f"{PATH}?addr=192.0.2.2:7072").json
    counts = {"introduced": 5, "dialed": 5, "connected": 2, "dead": 1, "repeated": None, "refused": None}
    assert view["by_source"]["gossip"] == counts
    assert view["by_introducer"] == [{"addr": teller, "throttled": None, "counts": counts}]
    assert [(step["addr"], step["first_seen_unix"]) for step in view["chain"]] == [
        ("192.0.2.2:7072", None),
        (teller, None),
    ]


def test_an_address_that_works_again_is_not_dead(embedded, tracker):
    tracker.record("192.0.2.2:7072", "timeout", "gossip", via="192.0.2.9:7072")
    assert get(embedded, PATH).json["by_source"]["gossip"]["dead"] == 1
    tracker.record_success("192.0.2.2:7072", "gossip", via="192.0.2.9:7072")
    assert get(embedded, PATH).json["by_source"]["gossip"]["dead"] == 0


def test_a_circular_chain_ends(embedded, tracker):
    tracker.record("192.0.2.1:1", "timeout", "gossip", via="192.0.2.2:1")
    tracker.record("192.0.2.2:1", "timeout", "gossip", via="192.0.2.1:1")
    chain = get(embedded, f"{PATH}?addr=192.0.2.1:1").json["chain"]
    assert [step["addr"] for step in chain] == ["192.0.2.1:1", "192.0.2.2:1"]
