"""Over OTLP to a collector: a real one that accepts everything, and ones that are down, silent, refuse, or come
back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
import uuid

import pytest

import nocarrier
from nocarrier.integrations.opentelemetry import export_dials_over_otlp, otlp
from nocarrier.testing.fault_servers import FAULT_SERVERS, closed_port
from tests.integrations.collector import Collector, attributes

A = "198.18.0.1:7072"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing from the machine's environment; and frequent exports, so that a test need not wait."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")


@pytest.fixture
def gives_up_soon(monkeypatch):
    """Sooner than the SDK tries again."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")


@pytest.fixture
def endpoint(monkeypatch):
    return lambda url: monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)


@pytest.fixture(autouse=True)
def no_thread_left_behind():
    before = set(threading.enumerate())
    yield
    until(lambda: set(threading.enumerate()) <= before | {threading.current_thread()}, "a thread was left behind")


def until(condition, what="it never came", timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def record(tracker, times=1):
    for _ in range(times):
        tracker.record(A, "timeout", "seed", duration_s=1.0)


def said(caplog):
    """All log messages, of any logger."""
    return [(each.name, each.levelname, each.getMessage()) for each in caplog.records if each.name != "asyncio"]


# ---- a collector that takes everything ------------------------------------------------------------------------------


async def test_dials_arrive_as_spans_and_metrics(tracker, endpoint):
    with Collector() as collector:
        endpoint(collector.url)
        began_ns = time.time_ns()
        exporter = export_dials_over_otlp(tracker, "wallet", service_version="9", instance_id="node-ab")
        async with closed_port() as port:
            with contextlib.suppress(OSError):
                async with nocarrier.dial(f"127.0.0.1:{port}", "seed", tracker=tracker) as d:
                    await d.connect(timeout_s=2)
        tracker.record("[2001:db8::1]:7072", "banned", "pex", duration_s=2.0, detail="\ud800<b>", node_id="ab")
        tracker.record(A, "slots_full", "gossip")
        tracker.begin(A, "seed")
        await asyncio.to_thread(exporter.close)
        ended_ns = time.time_ns()

    assert exporter.lost_spans_total == exporter.errors_total == 0
    for resource in collector.resources:
        assert (resource["service.name"], resource["service.version"]) == ("wallet", "9")
        assert resource["service.instance.id"] == "node-ab"
        assert resource["telemetry.sdk.name"] == "opentelemetry"

    spans = {(span.name, attributes(span)["error.type"]): span for span in collector.spans}
    assert len(spans) == len(collector.spans) == 3
    dial, attempt = spans["dial", "connection_refused"], spans["attempt", "connection_refused"]
    assert (attempt.parent_span_id, attempt.trace_id) == (dial.span_id, dial.trace_id)
    assert dial.parent_span_id == b""
    assert dial.kind == dial.SPAN_KIND_CLIENT
    slack_ns = 2_000_000
    assert began_ns - slack_ns <= dial.start_time_unix_nano <= dial.end_time_unix_nano <= ended_ns
    assert dial.status.code == dial.status.STATUS_CODE_ERROR
    assert dial.status.message == nocarrier.Reason.CONNECTION_REFUSED.meaning
    assert attributes(dial)["network.peer.port"] == port
    banned = spans["dial", "banned"]
    assert banned.end_time_unix_nano - banned.start_time_unix_nano == 2_000_000_000
    assert attributes(banned)["nocarrier.detail"] == "?<b>"

    duration = collector.metric("nocarrier.dial.duration")
    assert duration.unit == "s"
    points = {attributes(point)["error.type"]: point for point in duration.histogram.data_points}
    assert {reason: point.count for reason, point in points.items()} == {"connection_refused": 1, "banned": 1}
    assert points["banned"].sum == 2.0
    assert attributes(points["banned"]) == {
        "error.type": "banned",
        "nocarrier.source": "pex",
        "network.transport": "tcp",
        "network.type": "ipv6",
    }
    [skipped] = collector.metric("nocarrier.dial.skipped").sum.data_points
    assert skipped.as_int == 1
    assert attributes(skipped) == {"nocarrier.reason": "slots_full", "nocarrier.source": "gossip"}
    active = collector.metric("nocarrier.dial.active").sum
    assert not active.is_monotonic
    assert [point.as_int for point in active.data_points] == [0], "closed: nothing would report its end"


def test_spans_and_metrics_arrive_without_closing(tracker, endpoint):
    with Collector() as collector:
        endpoint(collector.url)
        with export_dials_over_otlp(tracker):
            record(tracker)
            until(lambda: collector.spans and len(collector.received) > 1)
    [resource, *_] = collector.resources
    assert (resource["service.name"], resource["service.version"]) == ("nocarrier", nocarrier.__version__)
    assert uuid.UUID(resource["service.instance.id"])


def test_the_standard_environment_is_obeyed(tracker, endpoint, monkeypatch):
    with Collector() as collector:
        endpoint(collector.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "theirs")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab,service.version=7")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=ab")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        with export_dials_over_otlp(tracker, "ours"):
            record(tracker)
    [resource, *_] = collector.resources
    assert (resource["service.name"], resource["service.version"]) == ("theirs", "7")
    assert resource["deployment.environment.name"] == "lab"
    assert {name.lower(): value for name, value in collector.headers.items()}["x-tenant"] == "ab"


def test_closing_sends_all_that_was_recorded_and_may_be_repeated(tracker, endpoint, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "60000")
    monkeypatch.setattr(otlp, "CLOSE_TIMEOUT_S", 30.0)
    with Collector() as collector:
        endpoint(collector.url)
        with export_dials_over_otlp(tracker) as exporter:
            record(tracker, 2000)
        exporter.close()
        assert len(collector.spans) == 2000
        [point] = collector.metric("nocarrier.dial.duration").histogram.data_points
        assert point.count == tracker.totals().failed == 2000


# ---- a collector that does not --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("gives_up_soon")
def test_a_collector_that_is_down_is_logged_once_and_lost_spans_are_counted(tracker, endpoint, caplog, monkeypatch):
    monkeypatch.setattr(otlp, "MAX_WAITING_SPANS", 100)
    monkeypatch.setattr(otlp, "SPANS_PER_REQUEST", 50)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        caplog.set_level(logging.INFO)
        with export_dials_over_otlp(tracker) as exporter:
            for _ in range(10):
                record(tracker, 200)
                time.sleep(0.2)
                assert exporter._queue.waiting <= 100
            until(lambda: len(said(caplog)) == 2)
    assert exporter.lost_spans_total == 2000, "every one, and counted"
    assert tracker.snapshot().dropped["subscriber_slow"] == 0
    assert {(name, level) for name, level, _ in said(caplog)} == {("nocarrier", "WARNING")}
    assert {message.partition(":")[0] for *_, message in said(caplog)} == {
        "the OpenTelemetry collector does not accept spans",
        "the OpenTelemetry collector does not accept metrics",
    }


def test_a_collector_that_comes_back_is_logged_once_and_gets_exact_metrics(tracker, endpoint, caplog):
    caplog.set_level(logging.INFO, "nocarrier")
    with Collector() as collector:
        endpoint(collector.url)
        collector.status = 400
        with export_dials_over_otlp(tracker) as exporter:
            record(tracker, 5)
            until(lambda: len(said(caplog)) == 2)
            until(lambda: exporter.lost_spans_total == 5)
            collector.status = 200
            record(tracker, 3)
            until(lambda: len(said(caplog)) == 4)
    assert len(collector.spans) == 3
    assert exporter.lost_spans_total == 5
    [point] = collector.metric("nocarrier.dial.duration").histogram.data_points
    assert point.count == 8, "a sum includes what an earlier export did not deliver"
    messages = [message for *_, message in said(caplog)]
    assert "400" in messages[0]
    assert sorted(messages[2:]) == [
        "the OpenTelemetry collector accepts metrics again",
        "the OpenTelemetry collector accepts spans again",
    ]


@pytest.mark.parametrize("kind", ["down", "silent"])
def test_closing_does_not_wait_for_a_collector_for_long(tracker, endpoint, caplog, monkeypatch, kind):
    monkeypatch.setattr(otlp, "CLOSE_TIMEOUT_S", 0.3)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2" if kind == "silent" else "60")
    with Collector() as collector:
        collector.status = None if kind == "silent" else 503
        endpoint(collector.url)
        exporter = export_dials_over_otlp(tracker)
        record(tracker)
        started = time.monotonic()
        exporter.close()
        took_s = time.monotonic() - started
        assert took_s < 0.3 + otlp._GIVE_UP_TIMEOUT_S + 1
        until(lambda: exporter.lost_spans_total == 1)
    assert {name for name, *_ in said(caplog)} == {"nocarrier"}


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1:1"])
def test_an_impossible_endpoint_is_logged_and_does_no_harm(tracker, endpoint, caplog, url):
    endpoint(url)
    with export_dials_over_otlp(tracker) as exporter:
        record(tracker)
    assert exporter.lost_spans_total == 1
    assert {name for name, *_ in said(caplog)} == {"nocarrier"}


@pytest.mark.usefixtures("gives_up_soon")
def test_exporters_of_the_program_keep_their_own_log(tracker, endpoint, caplog):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with export_dials_over_otlp(tracker):
            record(tracker)
        theirs = otlp.OTLPSpanExporter()
        theirs.export([])
        theirs.shutdown()
    names = [name for name, *_ in said(caplog)]
    assert "opentelemetry.exporter.otlp.proto.http.trace_exporter" in names
    caplog.clear()  # for the fixture that requires that the SDK logs nothing


@pytest.mark.usefixtures("gives_up_soon")
@pytest.mark.speed
async def test_a_silent_collector_does_not_slow_dials(tracker, endpoint, monkeypatch):
    monkeypatch.setattr(otlp, "CLOSE_TIMEOUT_S", 0.1)

    async def dial_some(port, count=300):
        started = time.perf_counter()
        for _ in range(count):
            async with nocarrier.dial(f"127.0.0.1:{port}", "seed", tracker=tracker) as d:
                _, writer = await d.connect(timeout_s=5)
            writer.close()
        return (time.perf_counter() - started) / count

    async with FAULT_SERVERS["close"]() as port:
        await dial_some(port)
        bare_s = min([await dial_some(port) for _ in range(3)])
        with Collector() as collector:
            collector.status = None
            endpoint(collector.url)
            exporter = export_dials_over_otlp(tracker)
            watched_s = min([await dial_some(port) for _ in range(3)])
            await asyncio.to_thread(exporter.close)
    # Making a span costs a fraction of a millisecond of the same processor; waiting for the collector would cost 500.
    assert watched_s < bare_s * 3 + 0.002
    assert tracker.totals().succeeded == tracker.totals().started == 2100
