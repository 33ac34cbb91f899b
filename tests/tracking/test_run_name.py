"""Every run has its own name, in every process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from nocarrier import DialTracker, Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason


def test_every_tracker_has_its_own_run():
    names = {DialTracker().run for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)


def test_every_event_has_the_name_wherever_it_is_read():
    tracker = DialTracker()
    with tracker.subscribe(polled=True) as events:
        tracker.begin("198.18.0.1:1", "seed")
        tracker.record("198.18.0.1:1", "timeout", "seed")
        tracker.record_success("198.18.0.2:1", "seed")
        told = events.drain()
    snapshot = tracker.snapshot()
    assert tracker.start_id == tracker.run == snapshot.run
    assert [(event.run, event.seq) for event in told] == [(tracker.run, seq) for seq in (1, 2, 3)]
    by_seq = {event.seq: event for event in told}
    [[sample]] = snapshot.samples.values()
    for kind, entries in {
        Kind.STARTED: snapshot.in_flight,
        Kind.FAILURE: (*snapshot.recent, sample),
        Kind.SUCCEEDED: snapshot.successes,
    }.items():
        for entry in entries:
            assert by_seq[entry.seq].kind is entry.kind is kind
            assert entry.run == tracker.run


def test_every_field_of_every_kind_of_event_is_filled_in():
    tracker = DialTracker()
    fault = Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH)
    with tracker.subscribe(polled=True) as events:
        for reason in ("timeout", "slots_full", "early_disconnect", "cancelled"):
            tracker.record("198.18.0.1:1", reason, "seed")
        tracker.record_success("198.18.0.1:1", "seed")
        tracker.fail(tracker.begin("198.18.0.1:1", "seed"), fault)
        told = events.drain()
    assert {event.kind for event in told} == set(Kind)
    for event in (*told, *tracker.recent()):
        assert event == type(event)(**{name: getattr(event, name) for name in type(event).__dataclass_fields__})
        assert event.outcome is event.kind.outcome
        assert (event.reason is not None) == event.kind.is_entry


FORK = """
import json, os
from nocarrier import DialTracker

def names():
    return [[entry.run, entry.seq] for entry in tracker.recent()]

tracker = DialTracker()
tracker.record("198.18.0.1:1", "timeout", "seed")
tracker.recent()
reader, writer = os.pipe()
child = os.fork()  # as a web server does it
tracker.record("198.18.0.1:1", "timeout", "seed")
if child == 0:
    os.write(writer, json.dumps(names()).encode())
    os._exit(0)
os.close(writer)
with os.fdopen(reader) as told:
    of_child = json.load(told)
os.waitpid(child, 0)
print(json.dumps([names(), of_child]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_is_another_run():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)
    of_parent, of_child = json.loads(done.stdout)
    assert [seq for _, seq in of_child] == [seq for _, seq in of_parent] == [1, 2]
    [parent], [child] = {run for run, _ in of_parent}, {run for run, _ in of_child}
    assert parent != child
