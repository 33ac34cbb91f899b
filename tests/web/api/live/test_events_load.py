"""A thousand events a second to twenty readers, and one that does not read: all readers get every event, soon."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from testbed.netns import PYTHON_PATH

SECONDS = int(os.environ.get("NOCARRIER_STREAM_SECONDS", "4"))
"""How many seconds; 60 for a release."""

EVENTS_PER_S = 1_000
TOTAL = SECONDS * EVENTS_PER_S
READERS = 20

SOON_S = 1.0
"""Far more than the log's 50 ms: twenty readers share the processors with what they read from."""

READ_ALONG = """
import json, sys, threading, time
from tests.web.api.stream_client import StreamClient

class Server:
    class address: port = int(sys.argv[1])

last = int(sys.argv[2])
told, errors = [], []

def read():
    reader = StreamClient(Server)
    place, latest_s = 0, 0.0
    ready.release()
    for message in reader.messages():
        if message.event == "gap":
            errors.append(message.data)
        if message.event == "dial":
            if int(message.id) != place + 1:
                errors.append([place, message.id])
            place = int(message.id)
            latest_s = max(latest_s, time.time() - message.data["at_unix"])
            if place == last:
                break
    told.append([place, latest_s])
    reader.close()

ready = threading.Semaphore(0)
threads = [threading.Thread(target=read) for _ in range(int(sys.argv[3]))]
for thread in threads: thread.start()
for thread in threads: ready.acquire()
print("ready", flush=True)
for thread in threads: thread.join()
print(json.dumps({"told": told, "errors": errors}))
"""


@pytest.mark.timeout(60 + 3 * SECONDS)
def test_every_reader_gets_every_event(server, tracker):
    told = _told_to_all(server, tracker)
    assert [place for place, _ in told] == [TOTAL] * READERS
    assert tracker.snapshot().dropped["subscriber_slow"] == 0


@pytest.mark.speed
@pytest.mark.timeout(60 + 3 * SECONDS)
def test_every_reader_gets_every_event_soon(server, tracker):
    latest_s = max(late for _, late in _told_to_all(server, tracker))
    assert latest_s < SOON_S, f"the latest event came after {latest_s:.3f} s"


def _told_to_all(server, tracker):
    """How far each reader got, and how many seconds late the latest event reached it. No reader saw an error."""
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READ_ALONG, str(server.address.port), str(TOTAL), str(READERS // 2)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": PYTHON_PATH},
        )
        for _ in range(2)
    ]
    try:
        for reader in readers:
            assert reader.stdout.readline() == "ready\n"
        with socket.create_connection(("127.0.0.1", server.address.port)) as stuck:
            stuck.sendall(b"GET /api/p2p/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            recording = threading.Thread(target=_record, args=[tracker, TOTAL])
            recording.start()
            results = [json.loads(reader.communicate(timeout=60 + 2 * SECONDS)[0]) for reader in readers]
            recording.join()
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()
    assert [error for result in results for error in result["errors"]] == []
    return [each for result in results for each in result["told"]]


def _record(tracker, total):
    """At an even pace, half of them beginnings and half of them ends."""
    started_s = time.monotonic()
    for number in range(total // 2):
        tracker.succeed(tracker.begin(f"198.51.100.{number % 250}:7072", "gossip"), duration_s=0.1)
        time.sleep(max(0.0, started_s + 2 * number / EVENTS_PER_S - time.monotonic()))
