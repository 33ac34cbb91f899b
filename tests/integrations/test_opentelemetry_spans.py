"""Dials as spans: real ones over loopback, with true times and parents, whatever a peer may send."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.trace import SpanKind, StatusCode

import nocarrier
from nocarrier.integrations.opentelemetry.spans import MAX_ATTEMPTS
from nocarrier.model.event import EndedAttempt
from nocarrier.testing.fault_servers import FAULT_SERVERS, closed_port

SLACK_NS = 2_000_000
"""Between the dial's own end and the time of its record."""


def dial(addr, tracker, **options):
    return nocarrier.dial(addr, "gossip", tracker=tracker, **options)


async def try_dial(addr, tracker, timeout_s=2, **options):
    with contextlib.suppress(OSError, nocarrier.DialSkipped):
        async with dial(addr, tracker, **options) as d:
            _, writer = await d.connect(timeout_s=timeout_s)
        writer.close()


def resolves_to(*ips):
    async def resolve(_):
        return list(ips)

    return resolve


def assert_within(child, parent):
    assert (child.parent.span_id, child.context.trace_id) == (parent.context.span_id, parent.context.trace_id)
    assert parent.start_time - SLACK_NS <= child.start_time <= child.end_time <= parent.end_time + SLACK_NS


# ---- real dials -----------------------------------------------------------------------------------------------------


async def test_a_dial_that_succeeds(tracker, telemetry):
    before_ns = time.time_ns()
    with telemetry.export(tracker):
        async with FAULT_SERVERS["ssh"]() as port:
            async with dial(f"127.0.0.1:{port}", tracker, via="198.18.0.9:7072") as d:
                reader, writer = await d.connect(timeout_s=2)
                async with d.phase("handshake", timeout_s=2):
                    await reader.readline()
                    await asyncio.sleep(0.05)
                d.node_id = "ab"
            after_ns = time.time_ns()
            writer.close()
            await asyncio.sleep(0.3)  # exported later, but with the times of the dial
    span, [attempt] = telemetry.dial()
    [success] = tracker.snapshot().successes

    assert span.kind is SpanKind.CLIENT
    assert span.parent is None
    assert before_ns - SLACK_NS <= span.start_time < span.end_time <= after_ns + SLACK_NS
    assert span.end_time - span.start_time == pytest.approx(success.duration_s * 1e9, abs=1000)
    assert span.end_time == pytest.approx(success.at_unix * 1e9, abs=1000)
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope.name == "nocarrier"
    assert span.instrumentation_scope.version == nocarrier.__version__
    phases = {f"nocarrier.phases_s.{name}": took_s for name, took_s in success.phases_s.items()}
    assert phases["nocarrier.phases_s.handshake"] >= 0.05
    assert dict(span.attributes) == {
        "nocarrier.source": "gossip",
        "nocarrier.via": "198.18.0.9:7072",
        "nocarrier.addr": f"127.0.0.1:{port}",
        "nocarrier.node_id": "ab",
        "nocarrier.dial_id": success.dial_id,
        "nocarrier.run": tracker.run,
        "nocarrier.seq": success.seq,
        "nocarrier.attempts": 1,
        "server.address": "127.0.0.1",
        "server.port": port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.transport": "tcp",
        "network.type": "ipv4",
        **phases,
    }
    assert_within(attempt, span)
    assert attempt.kind is SpanKind.INTERNAL
    assert attempt.end_time < span.end_time - 45_000_000, "the handshake is after it"
    assert dict(attempt.attributes) == {
        "nocarrier.addr": f"127.0.0.1:{port}",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.transport": "tcp",
        "network.type": "ipv4",
    }


async def test_a_dial_that_is_refused(tracker, telemetry):
    async with closed_port() as port:
        with telemetry.export(tracker):
            await try_dial(f"127.0.0.1:{port}", tracker)
    span, [attempt] = telemetry.dial()
    for each in (span, attempt):
        assert each.attributes["error.type"] == "connection_refused"
        assert each.attributes["nocarrier.phase"] == "connect"
        assert each.attributes["nocarrier.blame"] == tracker.recent()[0].blame.value
        assert each.attributes["nocarrier.evidence.errno"] == "ECONNREFUSED"
        assert each.status.status_code is StatusCode.ERROR
        assert each.status.description == nocarrier.Reason.CONNECTION_REFUSED.meaning
    assert_within(attempt, span)


async def test_a_dial_that_nobody_answers(tracker, telemetry):
    async with FAULT_SERVERS["backlog_full"]() as port:
        with telemetry.export(tracker):
            await try_dial(f"127.0.0.1:{port}", tracker, timeout_s=0.3)
    span, [attempt] = telemetry.dial()
    assert (span.attributes["error.type"], attempt.attributes["error.type"]) == ("timeout", "timeout")
    assert 0.29e9 <= attempt.end_time - attempt.start_time <= span.end_time - span.start_time < 2e9
    assert_within(attempt, span)


async def test_a_name_whose_addresses_all_fail_has_a_span_for_each(tracker, telemetry):
    async with closed_port("127.0.0.8") as port, closed_port("127.0.0.9", port):
        with telemetry.export(tracker):
            await try_dial(f"seed.example:{port}", tracker, resolve=resolves_to("127.0.0.8", "127.0.0.9"))
    span, attempts = telemetry.dial()
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("seed.example", port)
    assert not {"network.peer.address", "network.peer.port", "network.type"} & span.attributes.keys(), "which of both?"
    assert span.attributes["nocarrier.attempts"] == 2
    assert "nocarrier.phases_s.resolve" in span.attributes
    assert [each.attributes["network.peer.address"] for each in attempts] == ["127.0.0.8", "127.0.0.9"]
    assert [each.attributes["error.type"] for each in attempts] == ["connection_refused"] * 2
    assert attempts[0].start_time < attempts[1].start_time
    for each in attempts:
        assert_within(each, span)


async def test_an_address_that_lost_the_race_is_not_an_error_of_the_dial(tracker, telemetry):
    async with FAULT_SERVERS["silent"]() as port, closed_port("127.0.0.8", port):
        with telemetry.export(tracker):
            await try_dial(f"seed.example:{port}", tracker, resolve=resolves_to("127.0.0.8", "127.0.0.1"))
    span, [lost, won] = telemetry.dial()
    assert "error.type" not in span.attributes
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["network.peer.address"] == "127.0.0.1", "the one that connected"
    assert span.attributes["network.type"] == "ipv4"
    assert (lost.attributes["network.peer.address"], lost.status.status_code) == ("127.0.0.8", StatusCode.ERROR)
    assert (won.attributes["network.peer.address"], won.status.status_code) == ("127.0.0.1", StatusCode.UNSET)


async def test_a_dial_ended_by_our_own_code_is_exported_and_not_an_error(tracker, telemetry):
    async with FAULT_SERVERS["backlog_full"]() as port:
        with telemetry.export(tracker), pytest.raises(TimeoutError):
            await asyncio.wait_for(try_dial(f"127.0.0.1:{port}", tracker, timeout_s=30), 0.2)
    span, [attempt] = telemetry.dial()
    assert tracker.totals().cancelled == 1
    for each in (span, attempt):
        assert each.attributes["error.type"] == "cancelled"
        assert each.status.status_code is StatusCode.UNSET
    assert span.end_time - span.start_time >= 0.19e9


async def test_a_forbidden_address_of_a_name_has_a_span_without_length(tracker, telemetry):
    with telemetry.export(tracker):
        await try_dial("seed.example:7072", tracker, policy=nocarrier.AddressPolicy(), resolve=resolves_to("10.1.2.3"))
    span, [attempt] = telemetry.dial()
    assert span.attributes["error.type"] == attempt.attributes["error.type"] == "private_ip_blocked"
    assert span.status.status_code is StatusCode.ERROR
    assert attempt.status.status_code is StatusCode.UNSET, "it was never tried"
    assert attempt.start_time == attempt.end_time


async def test_a_skip_makes_no_span(tracker, telemetry):
    with telemetry.export(tracker):
        await try_dial("10.1.2.3:7072", tracker, policy=nocarrier.AddressPolicy())
    assert tracker.totals().skipped == 1
    assert telemetry.spans() == []


# ---- dials of others ------------------------------------------------------------------------------------------------


def test_a_dial_of_unknown_duration_is_a_point_in_time(tracker, telemetry):
    with telemetry.export(tracker):
        tracker.record("[2001:db8::7]:7072", "timeout", "dht")
        tracker.record_success("198.18.0.1:7072", "dht")
    failed, succeeded = telemetry.spans("dial")
    assert failed.start_time == failed.end_time == pytest.approx(tracker.recent()[0].at_unix * 1e9, abs=1000)
    assert failed.attributes["network.peer.address"] == failed.attributes["server.address"] == "2001:db8::7"
    assert failed.attributes["network.peer.port"] == 7072
    assert failed.attributes["network.type"] == "ipv6"
    assert "error.type" not in succeeded.attributes
    assert "nocarrier.dial_id" not in succeeded.attributes


def test_a_session_that_ended_early_makes_no_span_of_its_own(tracker, telemetry):
    with telemetry.export(tracker):
        tracker.record("198.18.0.1:7072", "early_disconnect", "seed")
    assert telemetry.spans() == []


def test_earlier_events_are_not_exported(tracker, telemetry):
    tracker.record("198.18.0.1:7072", "timeout", "seed")
    with telemetry.export(tracker):
        pass
    assert telemetry.spans() == []


def test_evidence_is_flat(tracker, telemetry):
    icmp = {"type": 3, "code": 13, "hop": "203.0.113.1"}
    evidence = {"icmp": icmp, "no_neighbour": True, "elapsed_s": 0.5, "ours": [1, 2], "theirs": None}
    with telemetry.export(tracker):
        tracker.record("198.18.0.1:7072", "host_unreachable", "seed", evidence=evidence, detail="prohibited")
    span, _ = telemetry.dial()
    assert {name: value for name, value in span.attributes.items() if "evidence" in name or "detail" in name} == {
        "nocarrier.evidence.icmp.type": 3,
        "nocarrier.evidence.icmp.code": 13,
        "nocarrier.evidence.icmp.hop": "203.0.113.1",
        "nocarrier.evidence.no_neighbour": True,
        "nocarrier.evidence.elapsed_s": 0.5,
        "nocarrier.evidence.ours": "[1, 2]",
        "nocarrier.detail": "prohibited",
    }


# ---- hostile --------------------------------------------------------------------------------------------------------

NASTY = {
    "long": "x" * 1_000_000,
    "surrogate": "\ud800\udfff",
    "controls": "\x00\x1b[31m\n\u202e",
    "large": 2**64 - 1,
    "negative": -(2**63),
    "endless": 10**5000,
    "bytes": b"\xff" * 1000,
    "not a number": float("nan"),
    "deep": {"a": {"b": {"c": ["d"] * 1000}}},
    "object": object(),
}


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY)
def test_whatever_a_peer_says_is_bounded_and_can_be_sent(tracker, telemetry, nasty):
    fault = nocarrier.Fault(
        reason=nocarrier.Reason.OTHER,
        phase=nocarrier.Phase.HANDSHAKE,
        blame=nocarrier.Blame.THEM,
        detail=nasty,
        evidence={"theirs": nasty, nasty if isinstance(nasty, str) else "x": "y"}
        | {f"k{n}": nasty for n in range(500)},
    )
    text = nasty if isinstance(nasty, str) else "198.18.0.1:7072"
    with telemetry.export(tracker) as exporter:
        dial_id = tracker.begin(text, "gossip", via=nasty)
        tracker.fail(
            dial_id,
            fault,
            duration_s=0.1,
            attempts=(EndedAttempt(text, 0.0, 0.1, fault),) * 1000,
            phases_s={f"{text[:100]}{n}": 0.1 for n in range(500)},
            node_id=nasty,
        )
        tracker.record("198.18.0.2:7072", "timeout", "seed", detail="the next one")
    assert exporter.errors_total == 0
    dials = telemetry.spans("dial")
    assert [span.attributes["error.type"] for span in dials] == ["other", "timeout"]
    assert dials[0].attributes["nocarrier.attempts"] == 1000
    assert len(telemetry.spans("attempt")) == MAX_ATTEMPTS
    for span in telemetry.spans():
        assert len(span.attributes) <= 64
        assert span.dropped_attributes == 0
        assert all(len(name) <= 100 for name in span.attributes)
        assert all(len(str(value)) <= 300 for value in span.attributes.values())
        assert span.status.description in {nocarrier.Reason.OTHER.meaning, nocarrier.Reason.TIMEOUT.meaning}
    assert encode_spans(telemetry.spans()).SerializeToString()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e300], ids=str)
def test_an_impossible_time_is_left_out(seconds, telemetry):
    tracker = nocarrier.DialTracker(clock=lambda: 100.0)
    with telemetry.export(tracker) as exporter:
        tracker.succeed(
            tracker.begin("198.18.0.1:7072", "seed"),
            duration_s=seconds,
            attempts=(EndedAttempt("198.18.0.1:7072", seconds, seconds, None),),
        )
        tracker.record_success("198.18.0.1:7072", "seed", duration_s=1000.0)  # before 1970
    assert exporter.errors_total == 0
    [attempt] = telemetry.spans("attempt")
    assert [attempt.start_time, attempt.end_time] == [100_000_000_000] * 2
    assert [(span.start_time, span.end_time) for span in telemetry.spans("dial")] == [
        (100_000_000_000, 100_000_000_000),
        (0, 100_000_000_000),
    ]
    assert encode_spans(telemetry.spans()).SerializeToString()


@pytest.mark.parametrize("addr", ["", "no address", "\ud800:1", "198.18.0.1", "198.18.0.1:99999", "x" * 1000])
def test_text_that_is_not_an_address_is_exported_as_it_was_recorded(tracker, telemetry, addr):
    with telemetry.export(tracker):
        tracker.record(addr, "timeout", "gossip", duration_s=0.1)
    span, _ = telemetry.dial()
    assert span.attributes["nocarrier.addr"] == span.attributes["server.address"] == tracker.recent()[0].addr
    assert not {"network.peer.address", "network.type", "server.port"} & span.attributes.keys()
    assert encode_spans([span]).SerializeToString()
