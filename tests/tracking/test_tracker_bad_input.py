"""Whatever a caller or a peer passes to the tracker is recorded, bounded and never raised."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict

import pytest

from nocarrier import DialTracker, Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source
from nocarrier.tracking import names

A = "198.18.0.1:7072"


def fault(**more):
    return Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH, **more)


@pytest.fixture
def tracker():
    return DialTracker()


NO_ADDRESS = [
    None,
    "",
    "a" * 1_000_000,
    "\udcff:1",
    "peer\0:1",
    5,
    math.nan,
    b"\xff",
    [],
    {},
    object(),
    "1.2.3.4:99999",
]


@pytest.mark.parametrize("known_before", [True, False])
@pytest.mark.parametrize("addr", NO_ADDRESS, ids=lambda value: repr(value)[:12])
def test_any_address_is_recorded_within_bounds(tracker, addr, known_before):
    if known_before:  # the usual record takes a shorter path
        tracker.record(A, "timeout", "seed")
    tracker.record(addr, "timeout", "seed")
    tracker.record_success(addr, "seed")
    tracker.fail(tracker.begin(addr, "seed"), fault())
    snapshot = tracker.snapshot()
    assert (snapshot.totals.failed, snapshot.totals.succeeded) == (2 + known_before, 1)
    assert snapshot.dropped["recorder_error"] == 0
    for kept in [entry.addr for entry in (*snapshot.recent, *snapshot.successes, *snapshot.peers)]:
        assert isinstance(kept, str)
        assert len(kept) <= 300
        kept.encode()


NO_NAME = [None, "", "no_such_name", "x" * 1_000_000, "\udcff", 5, math.nan, [], {}, object()]


@pytest.mark.parametrize("name", NO_NAME, ids=lambda value: repr(value)[:12])
def test_an_unknown_reason_or_source_is_other_and_the_text_is_kept(tracker, name, caplog):
    tracker.record(A, name, "seed", detail="mine")
    tracker.record(A, "timeout", name)
    tracker.record_success(A, name)
    by_reason, by_source = tracker.recent()
    assert (by_reason.reason, by_reason.source) == (Reason.OTHER, Source.SEED)
    assert (by_source.reason, by_source.source) == (Reason.TIMEOUT, Source.OTHER)
    assert by_reason.detail.startswith("reason ")
    assert by_source.detail.startswith("source ")
    assert len(by_reason.detail) <= 300
    if name == "no_such_name":
        assert by_reason.detail == "reason 'no_such_name'; mine"
    assert tracker.totals(Source.OTHER).started == 2
    assert tracker.snapshot().dropped["recorder_error"] == 0


@pytest.fixture
def nobody_was_warned(monkeypatch):
    monkeypatch.setattr(names, "_warned", set())


def test_an_unknown_name_is_warned_about_once(tracker, caplog, nobody_was_warned):
    for _ in range(3):
        tracker.record(A, "a_name_of_this_test", "seed")
    warnings = [record for record in caplog.records if "a_name_of_this_test" in record.getMessage()]
    assert [record.levelno for record in warnings] == [logging.WARNING]


@pytest.mark.parametrize("duration_s", [math.nan, math.inf, -1.0, "1", None, [], 10**400])
def test_a_value_that_is_not_a_duration_becomes_none(tracker, duration_s):
    tracker.record(A, "timeout", "seed", duration_s=duration_s)
    tracker.record_success(A, "seed", duration_s=duration_s)
    assert [entry.duration_s for entry in (*tracker.recent(), *tracker.snapshot().successes)] == [None] * 2
    tracker.fail(tracker.begin(A, "seed"), fault(), duration_s=duration_s)
    assert tracker.recent()[-1].duration_s < 60, "what the tracker measured"


def test_texts_of_any_size_and_encoding_are_bounded(tracker):
    big = "\udcff" + "x" * 1_000_000
    tracker.record(A, "banned", "seed", detail=big, via=big, node_id=big, evidence={"ours": [big] * 100, big: big})
    tracker.fail(tracker.begin(A, "seed", via=big), fault(detail=big), node_id=big)
    encoded = json.dumps([asdict(entry) for entry in tracker.recent()], ensure_ascii=False).encode()
    assert len(encoded) < 20_000
    assert tracker.snapshot().dropped["recorder_error"] == 0


def test_a_record_that_cannot_be_made_is_counted_and_logged_once(caplog):
    def broken_clock():
        raise RuntimeError("the clock is broken")

    tracker = DialTracker()
    tracker._clock = broken_clock
    tracker.record(A, "timeout", "seed")
    tracker.record_success(A, "seed")
    tracker.succeed(tracker.begin(A, "seed"))
    tracker.fail(1, fault())
    tracker._clock = lambda: 0.0
    assert tracker.snapshot().dropped["recorder_error"] == 5
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_tracker_without_room_is_refused():
    for arguments in ({"capacity": 0}, {"max_peers": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            DialTracker(**arguments)
