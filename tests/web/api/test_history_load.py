"""Slow queries to the history delay each other, and nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nocarrier.app.embedded import api_server
from nocarrier.model.history import EventPage, HistoryState, HistoryStatus
from nocarrier.web.api import disk_pool
from tests.web.api.http_client import get

QUESTIONS = disk_pool.MAX_QUESTIONS + 10


class SlowHistory:
    """A history whose disk hangs."""

    def __init__(self):
        self.goes_on = threading.Event()
        self.threads = set()

    def status(self):
        return HistoryStatus(state=HistoryState.WORKING)

    def events(self, query):
        self.threads.add(threading.current_thread().name)
        assert self.goes_on.wait(30)
        return EventPage(events=[], next_cursor=None)

    def record_findings(self, findings):
        pass

    def tasks(self):
        return ()


@pytest.fixture
def slow():
    history = SlowHistory()
    yield history
    history.goes_on.set()


def test_slow_queries_do_not_delay_the_doctor_or_anything_else(tracker, slow):
    with api_server(tracker, history=slow, listen="127.0.0.1:0") as server, ThreadPoolExecutor(QUESTIONS) as pool:
        asked = [pool.submit(get, server, "/api/p2p/history") for _ in range(QUESTIONS)]
        refused = sum(1 for _ in range(10) if _next_done(asked).status == 503)
        tracker.record("198.51.100.7:7072", "timeout", "seed")
        started_s = time.monotonic()
        for path in ("/api/p2p/diagnosis", "/api/p2p/debug", "/metrics"):
            assert get(server, path).status == 200
        assert time.monotonic() - started_s < 3
        slow.goes_on.set()
        answers = [question.result() for question in asked]
    assert refused == 10, "more than so many do not wait either"
    assert [answer.status for answer in answers] == [200] * disk_pool.MAX_QUESTIONS
    assert len(slow.threads) == disk_pool.THREADS


def _next_done(asked):
    deadline = time.monotonic() + 10
    while True:
        for question in asked:
            if question.done():
                asked.remove(question)
                return question.result()
        assert time.monotonic() < deadline
        time.sleep(0.01)
