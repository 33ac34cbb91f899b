"""The history over HTTP: filters, pages, redaction, and the answer without a history."""

from __future__ import annotations

import sqlite3
import time

import pytest

from nocarrier.app.embedded import api_server
from nocarrier.outputs.history import SqliteHistory
from tests.web.api.http_client import get

A, B = "198.51.100.7:7072", "198.51.100.8:7072"


@pytest.fixture
def history(tmp_path, tracker):
    with SqliteHistory(tmp_path / "history.sqlite3", tracker) as made:
        yield made


@pytest.fixture
def kept(tracker, history):
    """A server whose history has a beginning, a success, a failure and a skip."""
    tracker.succeed(tracker.begin(A, "gossip", via=B), duration_s=0.1)
    tracker.record(B, "timeout", "seed", detail=f"asked {A}")
    tracker.record(A, "already_connected", "seed")
    with api_server(tracker, history=history, listen="127.0.0.1:0") as running:
        deadline = time.monotonic() + 10
        while history.status().events_total < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield running


def kinds(server, query=""):
    return [event["kind"] for event in get(server, f"/api/p2p/history{query}").json["events"]]


def test_everything_that_happened_newest_first(kept):
    assert kinds(kept) == ["skip", "failure", "succeeded", "started"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?kind=failure", ["failure"]),
        ("?kind=failure,succeeded", ["failure", "succeeded"]),
        ("?kind=skip,skip", ["skip"]),
        ("?reason=timeout", ["failure"]),
        ("?source=gossip", ["succeeded", "started"]),
        (f"?addr={A}&phase=session", ["succeeded"]),
        (f"?via={B}", ["succeeded", "started"]),
        ("?limit=1", ["skip"]),
        ("?since_unix=4000000000", []),
        ("?until_unix=1", []),
    ],
)
def test_filters(kept, query, expected):
    assert kinds(kept, query) == expected


def test_pages(kept):
    first = get(kept, "/api/p2p/history?limit=3").json
    second = get(kept, f"/api/p2p/history?limit=3&cursor={first['next_cursor']}").json
    assert [event["seq"] for page in (first, second) for event in page["events"]] == [4, 3, 2, 1]
    assert second["next_cursor"] is None


def test_following_in_order_from_a_place(kept, tracker):
    first = get(kept, "/api/p2p/history?order=asc&limit=3").json
    assert [(event["run"], event["seq"]) for event in first["events"]] == [(tracker.run, seq) for seq in (1, 2, 3)]
    assert (first["next_after"], first["next_cursor"], first["missing"]) == (f"{tracker.run}:3", None, [])
    second = get(kept, f"/api/p2p/history?order=asc&after={first['next_after']}").json
    assert [event["seq"] for event in second["events"]] == [4]
    third = get(kept, f"/api/p2p/history?order=asc&after={second['next_after']}").json
    assert (third["events"], third["next_after"]) == ([], second["next_after"])


def test_missing_events_are_reported(kept, tracker, history):
    with sqlite3.connect(history.path) as connection:
        connection.execute("DELETE FROM event WHERE seq IN (2, 3)")
    connection.close()
    answer = get(kept, "/api/p2p/history?order=asc").json
    assert answer["missing"] == [{"run": tracker.run, "first": 2, "last": 3, "because": "lost"}]


def test_an_unknown_run_is_not_found(kept):
    answer = get(kept, f"/api/p2p/history?order=asc&after={'0' * 32}:1")
    assert answer.status == 404
    assert "Leave out after" in answer.problem


def test_names_of_events_are_not_secret(kept, tracker):
    answer = get(kept, "/api/p2p/history?order=asc&redact=true").json
    assert {event["run"] for event in answer["events"]} == {tracker.run}
    assert answer["next_after"] == f"{tracker.run}:4"


def test_counts_by_kind_and_what_they_cover(kept):
    answer = get(kept, "/api/p2p/history/series?by=kind&kind=failure,skip").json
    assert {name: sum(counts) for name, counts in answer["series"].items()} == {"failure": 1, "skip": 1}
    assert answer["cover"]["covers"] == "all history"
    assert answer["bucket_s"] == 60


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("/api/p2p/history?kind=", "Allowed are started, succeeded"),
        ("/api/p2p/history?kind=failed", "Allowed are started, succeeded"),
        ("/api/p2p/history?kind=failure,", "Allowed are started, succeeded"),
        ("/api/p2p/history?kinds=failure", "Did you mean kind?"),
        ("/api/p2p/history?limit=1001", "limit"),
        ("/api/p2p/history?cursor=mine", "cursor"),
        ("/api/p2p/history?since_unix=yesterday", "since_unix"),
        ("/api/p2p/history/series?bucket_s=90", "bucket_s"),
        ("/api/p2p/history/series?since_unix=1&bucket_s=60", "larger bucket_s"),
        ("/api/p2p/history/series?since_unix=5&until_unix=5", "since_unix must be before"),
        ("/api/p2p/history/series?by=addr", "Allowed are kind, reason, source, phase"),
        ("/api/p2p/history/findings?limit=0", "limit"),
        ("/api/p2p/history?order=up", "Allowed are desc, asc"),
        (f"/api/p2p/history?after={'a' * 32}:1", "order=asc"),
        (f"/api/p2p/history?order=desc&after={'a' * 32}:1", "order=asc"),
        ("/api/p2p/history?order=asc&after=5", "RUN:SEQ"),
        (f"/api/p2p/history?order=asc&after={'A' * 32}:1", "RUN:SEQ"),
        ("/api/p2p/history?order=asc&after=", "RUN:SEQ"),
        ("/api/p2p/history?order=asc&cursor=1-1", "not with cursor"),
        ("/api/p2p/history?order=asc&reason=timeout&since_unix=1", "not with reason, since_unix"),
    ],
)
def test_an_impossible_query_is_refused_with_what_is_allowed(kept, query, named):
    answer = get(kept, query)
    assert answer.status == 422
    assert named in answer.problem


def test_redacted_output_contains_no_address(kept):
    answer = get(kept, "/api/p2p/history?redact=true")
    assert b"198.51.100" not in answer.body
    assert [event["kind"] for event in answer.json["events"]] == ["skip", "failure", "succeeded", "started"]


def test_past_findings_are_returned(kept):
    get(kept, "/api/p2p/diagnosis")
    deadline = time.monotonic() + 10
    while not (found := get(kept, "/api/p2p/history/findings").json["findings"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found[0]["ended_unix"] is None
    assert found[0]["finding"]["code"]


@pytest.mark.parametrize("path", ["/api/p2p/history", "/api/p2p/history/series", "/api/p2p/history/findings"])
def test_without_a_history_the_answer_says_how_to_enable_it(embedded, path):
    answer = get(embedded, path)
    assert answer.status == 404
    assert "enabled = true under [history]" in answer.problem


def test_a_history_that_cannot_be_read_is_unavailable_and_says_why(tmp_path, tracker):
    (tmp_path / "folder").write_text("a file")
    with (
        SqliteHistory(tmp_path / "folder" / "history.sqlite3", tracker) as broken,
        api_server(tracker, history=broken, listen="127.0.0.1:0") as server,
    ):
        answer = get(server, "/api/p2p/history")
        assert answer.status == 503
        assert answer.headers["retry-after"]
        assert "cannot be read" in answer.problem
        assert get(server, "/api/p2p/debug").json["history"]["state"] == "failing"
