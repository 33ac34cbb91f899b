"""Metrics of dials: their sums equal those of the tracker, and they contain no peer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

import nocarrier
from nocarrier.integrations.opentelemetry import exporter as exporter_module
from nocarrier.testing.fault_servers import FAULT_SERVERS, closed_port
from nocarrier.tracking import BUCKETS_S


async def try_dial(addr, tracker, source, timeout_s=0.2):
    try:
        async with nocarrier.dial(addr, source, tracker=tracker, policy=nocarrier.AddressPolicy(lan_mode=True)) as d:
            _, writer = await d.connect(timeout_s=timeout_s)
        writer.close()
    except (OSError, nocarrier.DialSkipped, nocarrier.AddressError):
        pass


def outcome(point):
    return {None: "succeeded", "cancelled": "cancelled"}.get(point.attributes.get("error.type"), "failed")


async def until(condition, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.02)


async def test_sums_equal_those_of_the_tracker(tracker, telemetry):
    with telemetry.export(tracker):
        async with (
            FAULT_SERVERS["silent"]() as silent,
            closed_port() as closed,
            FAULT_SERVERS["backlog_full"]() as full,
        ):
            dials = [try_dial(f"127.0.0.1:{silent}", tracker, "seed") for _ in range(7)]
            dials += [try_dial(f"127.0.0.1:{closed}", tracker, "gossip") for _ in range(5)]
            dials += [try_dial(f"127.0.0.1:{full}", tracker, "dht") for _ in range(2)]
            dials += [try_dial("[::1]:0", tracker, "dns"), try_dial("224.0.0.1:7072", tracker, "pex")]
            await asyncio.gather(*dials)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(try_dial(f"127.0.0.1:{full}", tracker, "seed", timeout_s=30), 0.1)
        tracker.record("198.18.0.1:7072", "too_many_peers", "tracker", duration_s=2.5)
        tracker.record("[2001:db8::1]:7072", "too_many_peers", "tracker", duration_s=1000.0)
        tracker.record("198.18.0.1:7072", "too_many_peers", "tracker")  # with an unknown duration
        tracker.record("198.18.0.1:7072", "early_disconnect", "tracker", duration_s=3.0)
        for _ in range(4):
            tracker.record("198.18.0.1:7072", "slots_full", "seed")

    totals = tracker.totals()
    points = telemetry.points("nocarrier.dial.duration")
    ended = Counter()
    for point in points:
        ended[outcome(point)] += point.count
        assert sum(point.bucket_counts) == point.count
    assert ended == {"succeeded": totals.succeeded, "failed": totals.failed - 1, "cancelled": totals.cancelled}
    assert (totals.succeeded, totals.cancelled, totals.in_flight) == (7, 1, 0)
    spans = telemetry.spans("dial")
    assert len(spans) == sum(ended.values()) + 1
    took_s = sum(span.end_time - span.start_time for span in spans) / 1e9
    assert sum(point.sum for point in points) == pytest.approx(took_s, rel=1e-6)

    for source in nocarrier.Source:
        of_source = [each for each in points if each.attributes["nocarrier.source"] == source]
        counted = sum(each.count for each in of_source if outcome(each) == "failed")
        assert counted == tracker.totals(source).failed - (source == "tracker")

    skipped = telemetry.points("nocarrier.dial.skipped")
    assert sum(point.value for point in skipped) == totals.skipped
    assert {
        (each.attributes["nocarrier.reason"], each.attributes["nocarrier.source"]): each.value for each in skipped
    } == {
        (reason, source): count
        for (reason, source), count in tracker.counts().items()
        if reason.kind is nocarrier.Kind.SKIP
    }


def test_a_metric_has_closed_sets_only(tracker, telemetry):
    with telemetry.export(tracker):
        for number in range(100):
            addr = f"198.18.0.{number}:7072"
            tracker.record(addr, f"reason {number}", f"source {number}", via=addr, node_id=addr, duration_s=0.1)
            tracker.record("[2001:db8::1]:7072", "timeout", "gossip", detail=addr, duration_s=0.1)
            tracker.record("seed.example:7072", "timeout", "gossip", duration_s=0.1)
    points = telemetry.points("nocarrier.dial.duration")
    assert [point.attributes for point in points] == [
        {"nocarrier.source": source, "network.transport": "tcp", "error.type": reason, **family}
        for reason, source, family in [
            ("other", "other", {"network.type": "ipv4"}),
            ("timeout", "gossip", {"network.type": "ipv6"}),
            ("timeout", "gossip", {}),
        ]
    ]


def test_buckets_are_those_of_the_tracker(tracker, telemetry):
    with telemetry.export(tracker):
        tracker.record_success("198.18.0.1:7072", "seed", duration_s=10.02)
    [point] = telemetry.points("nocarrier.dial.duration")
    assert tuple(point.explicit_bounds) == BUCKETS_S
    assert point.bucket_counts[BUCKETS_S.index(11.0)] == 1, "a deadline of 10 s and a little"


async def test_dials_in_flight_are_reported_until_nobody_watches_any_longer(tracker, telemetry):
    def active():
        return [point.value for point in telemetry.points("nocarrier.dial.active")]

    tracker.begin("198.18.0.1:7072", "seed")  # before anybody watched
    with telemetry.export(tracker):
        async with FAULT_SERVERS["backlog_full"]() as port:
            dials = [
                asyncio.create_task(try_dial(f"127.0.0.1:{port}", tracker, "seed", timeout_s=30)) for _ in range(3)
            ]
            await until(lambda: active() == [4])
            dials.pop().cancel()
            await until(lambda: active() == [3])
            for each in dials:
                each.cancel()
            await asyncio.wait(dials)
            await until(lambda: active() == [1])
    assert tracker.totals().in_flight == 1
    assert active() == [0], "nothing would report its end"


def test_several_trackers_add_up(telemetry):
    trackers = [nocarrier.DialTracker() for _ in range(3)]
    exporters = [telemetry.export(each) for each in trackers]
    for each in trackers:
        each.begin("198.18.0.1:7072", "seed")
        each.record("198.18.0.1:7072", "timeout", "seed", duration_s=1.0)
        each.record("198.18.0.1:7072", "slots_full", "seed")
    exporters.pop().close()
    for each in exporters:
        each._closing.set()
    for each in exporters:
        each.close()
    assert [point.count for point in telemetry.points("nocarrier.dial.duration")] == [3]
    assert [point.value for point in telemetry.points("nocarrier.dial.skipped")] == [3]
    assert [point.value for point in telemetry.points("nocarrier.dial.active")] == [0]


def test_a_sample_leads_to_its_trace(tracker, telemetry):
    with telemetry.export(tracker):
        tracker.record("198.18.0.1:7072", "timeout", "seed", duration_s=1.0)
    [point] = telemetry.points("nocarrier.dial.duration")
    span, _ = telemetry.dial()
    [exemplar] = point.exemplars
    assert (exemplar.trace_id, exemplar.span_id) == (span.context.trace_id, span.context.span_id)
    assert not exemplar.filtered_attributes


def test_events_that_come_faster_than_they_can_be_exported_are_counted(tracker, telemetry, monkeypatch):
    monkeypatch.setattr(exporter_module, "MAX_WAITING_EVENTS", 10)
    monkeypatch.setattr(exporter_module, "POLL_INTERVAL_S", 60.0)
    with telemetry.export(tracker):
        for _ in range(25):
            tracker.record("198.18.0.1:7072", "timeout", "seed", duration_s=1.0)
    assert len(telemetry.spans("dial")) == 10
    assert tracker.snapshot().dropped["subscriber_slow"] == 15
