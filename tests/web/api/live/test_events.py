"""The live stream: everything in order for every reader, gaps announced, and a slow reader does not affect others."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from nocarrier import Fault
from nocarrier.app.embedded import api_server
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.web.api.live import event_log
from tests.web.api.http_client import get
from tests.web.api.stream_client import stream

A = "198.51.100.7:7072"

FAULT = Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH, detail="\u202e<script>\r\ndata: x")


def record(tracker, number=1):
    for _ in range(number):
        tracker.record(A, "timeout", "seed")


def eventually(holds, within_s=10.0):
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_status_and_findings_come_at_once_and_dials_as_they_happen(server, tracker):
    with stream(server) as reader:
        assert reader.response.status == 200
        assert reader.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reader.response.headers["cache-control"] == "no-store"
        first = [reader.next("status", "findings") for _ in range(2)]
        assert {message.event for message in first} == {"status", "findings"}
        dial = tracker.begin(A, "gossip", via="198.51.100.1:1")
        tracker.fail(dial, FAULT, duration_s=0.5, phases_s={"connect": 0.4})
        begun, ended = reader.next("dial"), reader.next("dial")
    assert (begun.id, begun.data["kind"], begun.data["dial_id"]) == ("1", "started", dial)
    assert (ended.id, ended.data["kind"], ended.data["dial_id"]) == ("2", "failure", dial)
    assert ended.data["via"] == "198.51.100.1:1"
    assert ended.data["detail"] == FAULT.detail, "a line end from a peer does not end our line"
    assert ended.data["phases_s"] == {"connect": 0.4}


def test_past_events_are_sent_only_on_request(server, tracker):
    with stream(server) as earlier:
        record(tracker, 3)
        assert [earlier.next("dial").id for _ in range(3)] == ["1", "2", "3"]
        with stream(server) as later:
            record(tracker)
            assert later.next("dial", "gap").id == "4"


@pytest.mark.parametrize("how", ["header", "parameter"])
def test_a_reader_that_comes_back_continues_where_it_was(server, tracker, how):
    with stream(server) as first:
        record(tracker, 10)
        assert first.next("dial").id == "1"
    with stream(server, Last_Event_ID="1") if how == "header" else stream(server, "?last_event_id=1") as again:
        assert [again.next("dial", "gap").id for _ in range(9)] == [str(number) for number in range(2, 11)]


def test_events_no_longer_kept_are_announced_as_a_gap(server, tracker, monkeypatch):
    record(tracker, 5)
    with stream(server, Last_Event_ID="2") as reader:
        gap = reader.next("dial", "gap")
        assert (gap.event, gap.id) == ("gap", None)
        assert gap.data == {"after_seq": 2, "next_seq": 6, "missed": 3}
        record(tracker)
        assert reader.next("dial", "gap").id == "6"


def test_a_reader_of_an_earlier_run_is_told_that_numbers_start_again(server, tracker):
    record(tracker, 3)
    with stream(server, Last_Event_ID="5000") as reader:
        assert reader.next("gap").data == {"after_seq": 5000, "next_seq": 4, "missed": None}
        record(tracker)
        assert reader.next("dial", "gap").id == "4"


def test_a_new_run_that_counted_past_the_reader_is_recognised(server, tracker):
    with stream(server) as first:
        start_id = first.next("status").data["start_id"]
        record(tracker, 20)
        assert first.next("dial").id == "1"
        with stream(server, f"?start_id={start_id}", Last_Event_ID="5") as same:
            assert same.next("dial", "gap").id == "6"
        with stream(server, "?start_id=of-yesterday", Last_Event_ID="5") as other:
            gap = other.next("dial", "gap")
            assert gap.data == {"after_seq": 5, "next_seq": 1, "missed": None}
            assert [other.next("dial", "gap").id for _ in range(20)] == [str(number) for number in range(1, 21)]


def test_more_than_the_log_holds_between_two_looks_is_a_gap_too(server, tracker, monkeypatch):
    monkeypatch.setattr(event_log, "LOG_EVENTS", 100)
    with api_server(tracker, listen="127.0.0.1:0") as small, stream(small) as reader:
        reader.next("status")
        record(tracker, 5_000)
        seen = [reader.next("dial", "gap")]
        while seen[-1].id != "5000":
            seen.append(reader.next("dial", "gap"))
    place = 0
    for message in seen:
        if message.event == "gap":
            assert message.data["after_seq"] == place
            place = message.data["next_seq"] - 1
            assert message.data["missed"] == place - message.data["after_seq"]
        else:
            assert int(message.id) == place + 1
            place += 1
    assert any(message.event == "gap" for message in seen)


@pytest.mark.parametrize("header", ["", "abc", "-1", "1.5", "9" * 40, "0x1"])
def test_an_unknown_last_event_counts_as_none(server, tracker, header):
    record(tracker)
    with stream(server, Last_Event_ID=header.encode()) as reader:
        record(tracker)
        assert reader.next("dial", "gap").id == "2"


def test_an_unknown_parameter_is_refused(server):
    with stream(server, "?last_event=1") as reader:
        assert reader.response.status == 422


def test_status_follows_what_happens_and_a_heartbeat_comes_when_nothing_does(server, tracker, node, monkeypatch):
    monkeypatch.setattr(event_log, "PULSE_EVERY_S", 0.05)
    monkeypatch.setattr(event_log, "HEARTBEAT_S", 0.5)
    with stream(server) as reader:
        before = reader.next("status").data
        record(tracker, 2)
        after = reader.next("status").data
        assert after["dial_totals"]["failed"] == before["dial_totals"]["failed"] + 2
        assert after["seq"] == 2
        node.revision += 1
        assert reader.next("status").data["node_revision"] == node.revision
        quiet = reader.next("status").data
        again = reader.next("status").data
        assert again["at_unix"] >= quiet["at_unix"] + 0.4
        assert again | {"at_unix": 0} == quiet | {"at_unix": 0}


def test_findings_are_sent_when_they_change(embedded, tracker):
    with stream(embedded) as reader:
        assert reader.next("findings").data["findings"] == []
        for number in range(20):
            tracker.record(f"198.{number}.100.7:7072", "connection_refused", "seed")
        assert reader.next("findings").data["findings"] != []


def test_a_status_is_sent_when_it_changes_though_the_findings_do_not(embedded, tracker):
    with stream(embedded) as reader:
        first = reader.next("findings").data
        assert (first["status"], first["healthy"], first["findings"]) == ("undetermined", False, [])
        tracker.record_success("198.51.100.7:7072", "seed")
        later = reader.next("findings").data
        assert (later["status"], later["healthy"], later["findings"]) == ("healthy", True, [])


def test_redacted_output_contains_no_address(server, tracker):
    with stream(server, "?redact=true") as reader:
        reader.next("status")
        for number in range(20):
            tracker.record(
                f"203.0.113.{number}:7072", "timeout", "seed", via="203.0.113.99:1", detail="at 203.0.113.5:1"
            )
        for _ in range(20):
            reader.next("dial")
        reader.next("findings")
        assert b"203.0.113" not in b"".join(reader.raw)


def test_it_needs_the_token(guarded, tracker):
    with stream(guarded) as stranger, stream(guarded, Authorization="Bearer opensesame") as friend:
        assert (stranger.response.status, friend.response.status) == (401, 200)


def test_the_number_of_readers_is_limited(server, monkeypatch):
    monkeypatch.setattr("nocarrier.web.api.responders.MAX_STREAMS", 2)
    with stream(server) as first, stream(server) as second:
        first.next("status"), second.next("status")
        with stream(server) as third:
            assert third.response.status == 503
            assert third.response.headers["retry-after"]
    eventually(lambda: _can_read(server))


def _can_read(server):
    with stream(server) as reader:
        return reader.response.status == 200


def test_the_server_stops_at_once_even_with_readers(tracker):
    server = api_server(tracker, listen="127.0.0.1:0").start()
    with stream(server) as reader:
        reader.next("status")
        started_s = time.monotonic()
        server.close()
        assert time.monotonic() - started_s < 1.5
        assert list(reader.messages()) == []


def test_a_reader_that_leaves_is_forgotten_and_the_log_ends_some_time_after_the_last(server, tracker, monkeypatch):
    monkeypatch.setattr(event_log, "LINGER_S", 0.2)
    with stream(server) as reader:
        reader.next("status")
        assert len(tracker._subscriptions) == 1
    eventually(lambda: len(tracker._subscriptions) == 0)
    with stream(server) as reader:
        record(tracker)
        assert reader.next("dial").id == "1"


def test_a_reader_that_stops_reading_does_not_affect_others_and_finds_its_gap(server, tracker, monkeypatch):
    number = 30_000
    with stream(server) as quick:
        quick.next("status")
        stuck = socket.create_connection(("127.0.0.1", server.address.port), timeout=20)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        stuck.sendall(b"GET /api/p2p/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert stuck.recv(100).startswith(b"HTTP/1.1 200")
        recording = threading.Thread(target=_record_slowly, args=[tracker, number])
        recording.start()
        seen = [int(message.id) for message in _dials(quick, number)]
        recording.join()
        assert seen == list(range(1, number + 1)), "a reader that keeps up misses nothing"
        assert get(server, "/api/p2p/failures?limit=1").status == 200
        rest = b""
        while b"event: gap" not in rest:
            part = stuck.recv(65536)
            assert part
            rest = rest[-20:] + part
        stuck.close()


def _record_slowly(tracker, number):
    for _ in range(number // 200):
        record(tracker, 200)
        time.sleep(0.02)


def _dials(reader, number):
    for message in reader.messages():
        if message.event == "dial":
            yield message
            number -= 1
            if not number:
                return
