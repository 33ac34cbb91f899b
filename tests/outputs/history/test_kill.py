"""`kill -9` at any moment: every event older than a second is there, the file opens, and counts agree with events."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest

from testbed.netns import PYTHON_PATH
from tests.outputs.history.kit import all_events, history_of, in_file, rollups_agree, written

KILLS = int(os.environ.get("NOCARRIER_KILLS", "8"))
"""How often; 200 for a release."""

LOST_S = 1.0
"""What may be lost: the last second."""

UNDER_LOAD = """
import itertools, json, logging, sys, time
from pathlib import Path
from nocarrier import DialTracker, Fault
from nocarrier.model.event import EndedAttempt
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.outputs.history import SqliteHistory

logging.basicConfig(level=logging.WARNING)  # whatever stops the writer is seen where the test fails
fault = Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH, evidence={"syn_retransmits": 3})
tracker = DialTracker()
history = SqliteHistory(Path(sys.argv[1]), tracker, version="under load")
next_s = time.monotonic()
for number in itertools.count():
    addr = f"198.18.{number % 200}.1:7072"
    tracker.fail(tracker.begin(addr, "gossip"), fault, duration_s=0.1, attempts=(EndedAttempt(addr, 0.0, 0.1, fault),))
    if number % 10 == 0:
        tracker.record(addr, "already_connected", "peer_book")
    if number % 50 == 0:
        # What is told here has been recorded: it is acknowledged to whoever reads along.
        print(json.dumps([tracker.seq, time.monotonic()]), flush=True)
        next_s += 0.05
        time.sleep(max(0.0, next_s - time.monotonic()))
"""


@pytest.mark.timeout(60 + 5 * KILLS)
def test_at_most_the_last_second_is_lost(tmp_path, tracker):
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown if it fails
    draw = random.Random(seed)
    path = tmp_path / "history.sqlite3"
    acknowledged: dict[int, int] = {}
    for run in range(1, KILLS + 1):
        acknowledged[run] = _run_and_kill(path, draw.uniform(0.2, 2.2))
        kept = in_file(path)
        for number, newest in acknowledged.items():
            missing = [seq for seq in range(1, newest + 1) if (number, seq) not in kept]
            assert not missing, f"run {number}: {len(missing)} of {newest} missing, the first is {missing[0]}"
        assert rollups_agree(path)
    assert sum(acknowledged.values()) > 100 * KILLS, "it was under load"
    total = len(in_file(path))
    with history_of(path, tracker, ttl_days=36_500) as history:
        tracker.record("198.18.0.1:7072", "connection_refused", "seed")
        written(history, total + 1)
        assert len(all_events(history, reason="connection_refused")) == 1


def _run_and_kill(path, after_s):
    """Run under load and kill it; returns the newest event that it had reported a second before it died."""
    process = subprocess.Popen(
        [sys.executable, "-c", UNDER_LOAD, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": PYTHON_PATH},
    )
    with process:
        first = json.loads(process.stdout.readline())
        time.sleep(after_s)
        process.kill()
        killed_s = time.monotonic()
        told = [first, *map(json.loads, process.stdout.read().splitlines(keepends=False)[:-1] or [])]
    return max((seq for seq, at_s in told if at_s < killed_s - LOST_S), default=0)
