"""What each route answers."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Reason, Source
from nocarrier.web.api.routes import ROUTES
from tests.web.api.fake_node import NODE_ID, PEER_ID
from tests.web.api.http_client import ask, get, post_json

PROMISED_ROUTES = {
    ("GET", "/api/p2p/debug"),
    ("POST", "/api/p2p/connect"),
    ("GET", "/api/p2p/failures"),
    ("GET", "/api/p2p/peers"),
    ("GET", "/api/p2p/diagnosis"),
    ("GET", "/api/p2p/propagation"),
    ("GET", "/api/p2p/reasons"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
}


def test_every_promised_route_is_in_the_table():
    assert {(route.method, route.path) for route in ROUTES} >= PROMISED_ROUTES


@pytest.mark.parametrize("path", sorted(path for method, path in PROMISED_ROUTES if method == "GET"))
def test_a_route_answers_get_and_head_alike(server, path):
    answer, head = get(server, path), ask(server, "HEAD", path)
    assert answer.status == head.status == 200
    assert head.body == b""
    assert head.headers["content-length"] == str(len(answer.body))


def test_debug_has_every_promised_key(server, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    debug = get(server, "/api/p2p/debug").json
    assert set(debug["peer_book_counts"]) == {"hot", "warm", "cold", "total"}
    assert debug["connected_peers"][0]["node_id"] == PEER_ID
    assert set(debug["dial_totals"]) >= {"started", "succeeded", "failed", "cancelled", "in_flight", "skipped"}
    assert set(debug["node"]) >= {
        "node_id", "version", "network", "genesis", "protocol_version", "min_protocol_version", "p2p_port",
        "http_port", "advertised_p2p", "ipv4_only", "lan_mode",
    }  # fmt: skip
    [failure] = debug["dial_failures"]
    assert (failure["addr"], failure["reason"], failure["source"]) == ("192.0.2.1:7072", "timeout", "seed")
    assert type(failure["timestamp_unix"]) is int


def test_debug_has_the_findings_of_the_diagnosis(embedded, tracker):
    tracker.record("192.168.1.7:7072", "private_ip_blocked", "seed")
    diagnosis = get(embedded, "/api/p2p/diagnosis").json
    assert "seeds_misconfigured" in [finding["code"] for finding in diagnosis["findings"]]
    assert get(embedded, "/api/p2p/debug").json["findings"] == diagnosis["findings"]


def test_debug_shows_the_hundred_newest_failures_oldest_first(server, tracker):
    for number in range(150):
        tracker.record(f"192.0.2.1:{1000 + number}", "timeout", "seed")
    addrs = [failure["addr"] for failure in get(server, "/api/p2p/debug").json["dial_failures"]]
    assert addrs == [f"192.0.2.1:{1000 + number}" for number in range(50, 150)]


def test_debug_is_never_stale_after_recording(server, tracker):
    for number in range(1, 30):
        tracker.record(f"192.0.2.1:{number}", "timeout", "seed")
        assert len(get(server, "/api/p2p/debug").json["dial_failures"]) == number


def test_debug_shows_a_change_of_the_node(server, node):
    assert get(server, "/api/p2p/debug").json["node"]["offline"] is False
    node.offline = True
    node.revision += 1
    assert get(server, "/api/p2p/debug").json["node"]["offline"] is True


def test_debug_is_empty_after_the_tracker_was_cleared(server, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    assert get(server, "/api/p2p/debug").json["dial_failures"]
    tracker.clear()
    assert get(server, "/api/p2p/debug").json["dial_failures"] == []


def test_debug_of_a_program_without_a_node_says_so(embedded, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    debug = get(embedded, "/api/p2p/debug").json
    assert debug["node"] is None
    assert debug["connected_peers"] == []
    assert len(debug["dial_failures"]) == 1


def test_failures_are_newest_first_and_filtered(server, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record("192.0.2.2:7072", "connection_refused", "gossip", via="192.0.2.1:7072")
    tracker.record("192.0.2.3:7072", "timeout", "gossip", via="192.0.2.1:7072")

    def ports_of(query):
        return [entry["addr"].split(":")[0][-1] for entry in get(server, f"/api/p2p/failures{query}").json["failures"]]

    assert ports_of("") == ["3", "2", "1"]
    assert ports_of("?reason=timeout") == ["3", "1"]
    assert ports_of("?reason=timeout&source=gossip") == ["3"]
    assert ports_of("?addr=192.0.2.2:7072") == ["2"]
    assert ports_of("?via=192.0.2.1:7072&limit=1") == ["3"]
    assert ports_of("?phase=connect&kind=failure") == ["3", "2", "1"]
    assert ports_of("?kind=skip") == []
    assert ports_of("?since_unix=99999999999") == []


def test_counts_and_samples_survive_a_noisy_peer(server, tracker):
    tracker.record("192.0.2.1:7072", "version_mismatch", "seed")
    for number in range(500):
        tracker.record(f"198.51.100.1:{1 + number}", "timeout", "gossip")
    answer = get(server, "/api/p2p/failures?source=seed").json
    assert answer["failures"] == []
    assert answer["by_reason"] == {"timeout": 500, "version_mismatch": 1}
    assert answer["by_source"] == {"gossip": 500, "seed": 1}
    assert answer["by_addr"]["192.0.2.1:7072"] == 1
    [sample] = answer["samples"]
    assert (sample["reason"], sample["total"], len(sample["failures"])) == ("version_mismatch", 1, 1)


def test_peers_show_when_they_are_dialed_next_and_why_not_now(server):
    hot, never = get(server, "/api/p2p/peers").json["peers"]
    assert (hot["state"], hot["next_attempt_unix"], hot["because"]) == ("hot", None, None)
    assert (never["state"], never["next_attempt_unix"], never["because"]) == ("cold", None, "peer_id_mismatch")


def test_peers_of_a_program_without_a_node_are_those_of_its_tracker(embedded, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "gossip", via="192.0.2.9:7072")
    tracker.record_success("192.0.2.2:7072", "seed")
    good, bad = get(embedded, "/api/p2p/peers").json["peers"]
    assert (good["addr"], good["state"], good["streak"]) == ("192.0.2.2:7072", "hot", 0)
    assert (bad["addr"], bad["state"], bad["via"], bad["because"]) == (
        "192.0.2.1:7072", "cold", "192.0.2.9:7072", "timeout",
    )  # fmt: skip
    assert bad["first_seen_unix"] is bad["connected"] is None


def test_reasons_are_the_complete_table(server):
    answer = get(server, "/api/p2p/reasons").json
    assert [row["name"] for row in answer["reasons"]] == [reason.value for reason in Reason]
    assert [row["name"] for row in answer["sources"]] == [source.value for source in Source]
    assert all(row["meaning"] and row["usual_cause"] and row["next_step"] for row in answer["reasons"])


def test_ready_follows_the_node_and_alive_does_not(server, node):
    assert get(server, "/readyz").status == 200
    node.ready = False
    answer = get(server, "/readyz")
    assert answer.status == 503
    assert "starting or stopping" in answer.problem
    assert get(server, "/healthz").status == 200


def test_an_unknown_path_is_a_problem_that_says_where_to_look(server):
    answer = get(server, "/api/p2p/debugg")
    assert answer.status == 404
    assert "/openapi.json" in answer.problem


def test_a_wrong_method_is_a_problem_that_names_the_right_one(server):
    answer = ask(server, "DELETE", "/api/p2p/debug")
    assert answer.status == 405
    assert "GET" in answer.problem
    assert "GET" in answer.headers["allow"]


def test_a_bug_is_logged_and_reveals_nothing_to_the_client(server, node, caplog):
    node.bug = RuntimeError("the secret of the house")
    answer = post_json(server, "/api/p2p/connect", {"peer_addr": "192.0.2.1:7072"})
    assert answer.status == 500
    assert "secret" not in answer.problem
    assert "the secret of the house" in caplog.text


def test_debug_survives_numbers_that_json_does_not_have(server, tracker):
    tracker.record("192.0.2.1:7072", "other", "seed", evidence={"ours": float("inf"), "theirs": 2**100})
    [failure] = get(server, "/api/p2p/debug").json["dial_failures"]
    assert failure["evidence"] == {"ours": None, "theirs": hex(2**100)}


def test_node_identity_is_shown_to_its_own_people(server):
    assert get(server, "/api/p2p/debug").json["node"]["node_id"] == NODE_ID
