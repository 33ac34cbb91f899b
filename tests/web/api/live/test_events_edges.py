"""The live stream with unusual requests, or when something in it goes wrong."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import nocarrier
from nocarrier import Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.web.api.live import event_log
from nocarrier.web.api.server import Server
from tests.web.api.http_client import get
from tests.web.api.stream_client import stream

A = "198.51.100.7:7072"


def record(tracker, number=1):
    for _ in range(number):
        tracker.record(A, "timeout", "seed")


def test_a_head_request_gets_headers_and_no_stream(server):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.address.port), timeout=5) as asking:
            asking.sendall(b"HEAD /api/p2p/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: asking.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"text/event-stream" in answer
        assert answer.endswith(b"\r\n\r\n"), "and nothing behind them"


def test_an_event_that_cannot_be_sent_is_a_gap_and_the_stream_continues(server, tracker, caplog):
    broken = Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH, evidence={"theirs": object()})
    with stream(server) as reader:
        reader.next("status")
        tracker.fail(tracker.begin(A, "seed"), broken)
        assert reader.next("dial").id == "1"
        time.sleep(3 * event_log.LOOK_EVERY_S)
        record(tracker)
        assert reader.next("dial", "gap").data == {"after_seq": 1, "next_seq": 3, "missed": 1}
        assert reader.next("dial", "gap").id == "3"
    assert "the live stream died of an internal error" in caplog.text


def test_a_restarted_log_does_not_send_an_old_status(server, tracker, monkeypatch):
    monkeypatch.setattr(event_log, "LINGER_S", 0.0)
    with stream(server) as reader:
        before = reader.next("status").data
    deadline = time.monotonic() + 10
    while len(tracker._subscriptions):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)
    asked_unix = time.time()
    with stream(server) as reader:
        assert reader.next("status").data["at_unix"] > asked_unix - 0.01 > before["at_unix"]


def test_a_number_of_this_run_is_never_taken_for_one_of_an_earlier_run(server, tracker, monkeypatch):
    monkeypatch.setattr(event_log, "LOOK_EVERY_S", 2.0)
    with stream(server) as first:
        first.next("status")
        record(tracker, 5)
        with stream(server, Last_Event_ID="5") as second:
            record(tracker)
            assert second.next("dial", "gap").id == "6"
        with stream(server) as third:
            record(tracker)
            assert third.next("dial", "gap").id == "7", "from now on, and not from when the log last looked"


def test_a_reader_that_asks_during_recording_sees_no_gap(server, tracker, monkeypatch):
    ended = threading.Event()

    def without_end():
        while not ended.is_set():
            record(tracker, 10)
            time.sleep(0.001)

    recording = threading.Thread(target=without_end)
    recording.start()
    monkeypatch.setattr(event_log, "LINGER_S", 0.0)
    try:
        for _ in range(5):
            with stream(server) as reader:
                first = reader.next("dial", "gap")
                assert first.event == "dial"
            time.sleep(3 * event_log.LOOK_EVERY_S)  # the log ends
    finally:
        ended.set()
        recording.join()


def test_readers_that_come_all_at_once_are_counted_too(server, monkeypatch):
    monkeypatch.setattr("nocarrier.web.api.responders.MAX_STREAMS", 5)

    def ask(_):
        asking = socket.create_connection(("127.0.0.1", server.address.port), timeout=10)
        asking.sendall(b"GET /api/p2p/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return asking

    asking = [ask(each) for each in range(40)]
    try:
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda each: each.recv(12), asking))
    finally:
        for each in asking:
            each.close()
    assert sorted(answers) == [b"HTTP/1.1 200"] * 5 + [b"HTTP/1.1 503"] * 35


def test_masks_are_made_once_for_all_readers(server, tracker, monkeypatch):
    redact, asked = event_log.redact, []

    def counting(view):
        asked.append(view)
        return redact(view)

    monkeypatch.setattr(event_log, "redact", counting)
    with stream(server, "?redact=true") as first, stream(server, "?redact=true") as second:
        first.next("status"), second.next("status")
        asked.clear()
        record(tracker, 50)
        for reader in (first, second):
            for _ in range(50):
                assert reader.next("dial").data["addr"] != A
    assert len(asked) < 60, "fifty events and some status; not twice"


def test_an_application_that_is_served_again_has_streams_again(tracker):
    app = nocarrier.asgi_app(tracker)
    for _ in range(2):
        with Server(app, "127.0.0.1:0", before_stop=app.end_streams) as server, stream(server) as reader:
            reader.next("status")
            tracker.record(A, "timeout", "seed")
            reader.next("dial")
            assert get(server, "/healthz").status == 200
