"""A scrape shows what the table declares: names, types, labels, zeros; in both formats, and for promtool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import prometheus_client
import pytest

from nocarrier import DialTracker, Fault, Kind, Reason, Source
from nocarrier.diagnosis import CAUSES
from nocarrier.model.finding import Diagnosis, Finding, HealthStatus, Severity
from nocarrier.model.history import HistoryState, HistoryStatus
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import say
from nocarrier.outputs.metrics import METRICS, OF_DIAGNOSIS, OF_DIALS, OF_HISTORY, OF_NODE, DialCollector, exposition
from testbed.programs import requires
from tests.outputs.metrics.scrape import OPENMETRICS, Scraped
from tests.web.api.fake_node import FakeNode

PROMISED = {
    "nocarrier_dials_started_total{source}",
    "nocarrier_dials_total{source,outcome}",
    "nocarrier_dial_failures_total{reason,source}",
    "nocarrier_dial_skips_total{reason}",
    "nocarrier_dials_in_flight",
    "nocarrier_dial_oldest_in_flight_seconds",
    "nocarrier_dial_duration_seconds{outcome}",
    "nocarrier_dial_phase_duration_seconds{phase}",
    "nocarrier_connected_peers{direction}",
    "nocarrier_peer_book{state}",
    "nocarrier_peers_wanted",
    "nocarrier_finding_active{code,severity}",
    "nocarrier_event_loop_lag_seconds",
    "nocarrier_records_dropped_total{cause}",
    "nocarrier_build_info{version}",
}
"""Names and labels that others rely on."""

SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}

HISTORY = HistoryStatus(state=HistoryState.WORKING, events_total=7, size_bytes=4096, waiting=2, dropped_total=3)


def finding(code="offline", severity=Severity.CRITICAL):
    return Finding(
        code=code,
        title=say(""),
        severity=severity,
        blame=Blame.US,
        summary=say(""),
        confidence=1.0,
        evidence=(),
        affected_peers=0,
        affected_dials=0,
        next_actions=(),
        since_unix=0.0,
    )


def diagnosis(*findings):
    status = HealthStatus.UNHEALTHY if findings else HealthStatus.HEALTHY
    return Diagnosis(at_unix=0.0, status=status, findings=findings)


@pytest.fixture
def tracker():
    """Everything that can be recorded, with every reason and source."""
    tracker = DialTracker()
    for source in Source:
        for reason in Reason:
            tracker.record("192.0.2.1:7072", reason, source, duration_s=0.1)
            tracker.fail(
                tracker.begin("192.0.2.1:7072", source),
                Fault(reason=reason, phase=reason.phase, blame=reason.blame),
                duration_s=1.0,
                phases_s={"connect": 0.5, "a name of the program's own": 0.5},
            )
        tracker.succeed(tracker.begin("192.0.2.1:7072", source), duration_s=1.0)
        tracker.begin("192.0.2.1:7072", source)
    return tracker


@pytest.fixture
def everything(tracker):
    return tracker, FakeNode(), diagnosis(finding()), HISTORY


def sample_names(metric):
    return {metric.name + suffix for suffix in SUFFIXES.get(metric.type, ("",))}


@pytest.mark.parametrize("accept", [OPENMETRICS, "text/plain"])
def test_scrape_and_table_agree_on_names_types_units_and_labels(everything, accept):
    scraped = Scraped.of(*everything, accept=accept)

    shown = {
        sample.name: (family, set(sample.labels)) for family in scraped.families.values() for sample in family.samples
    }
    assert shown.keys() == {name for metric in METRICS for name in sample_names(metric)}
    for metric in METRICS:
        for name in sample_names(metric):
            family, labels = shown[name]
            assert labels - {"le"} == {label.name for label in metric.labels}, name
            assert family.documentation == metric.help
            if accept == OPENMETRICS:
                assert (family.type, family.unit) == (metric.type, metric.unit)


def test_every_label_has_values_only_from_its_closed_set(everything):
    scraped = Scraped.of(*everything)
    for metric in METRICS:
        for label in metric.labels:
            assert scraped.values_of(label.name, sample_names(metric)) <= set(label.values), metric.name


def test_every_series_begins_with_zero():
    node = FakeNode()
    scraped = Scraped.of(DialTracker(), node, diagnosis(), HISTORY)

    for metric in METRICS:
        [name] = {name for name in sample_names(metric) if name in {metric.name, f"{metric.name}_count"}}
        expected = 1
        for label in metric.labels:
            expected *= len(label.from_start)
        assert len(scraped.samples(name)) == expected, name
    assert scraped.total("nocarrier_dial_failures_total") == 0
    failures = {reason for reason in Reason if reason.kind is Kind.FAILURE}
    assert scraped.values_of("reason", ["nocarrier_dial_failures_total"]) == failures
    assert scraped.values_of("code", ["nocarrier_finding_active"]) == {cause.code for cause in CAUSES}


def test_the_promised_metrics_exist():
    declared = {
        metric.name + ("{" + ",".join(label.name for label in metric.labels) + "}" if metric.labels else "")
        for metric in METRICS
    }
    assert declared >= PROMISED


def test_sums_equal_those_of_the_tracker(everything):
    tracker, scraped = everything[0], Scraped.of(*everything)
    totals = tracker.totals()
    for outcome in ("succeeded", "failed", "cancelled"):
        assert scraped.total("nocarrier_dials_total", outcome=outcome) == getattr(totals, outcome) > 0
    assert scraped.total("nocarrier_dials_started_total") == totals.started
    assert scraped.total("nocarrier_dials_in_flight") == totals.in_flight == len(Source)
    assert scraped.total("nocarrier_dial_failures_total") == totals.failed
    assert scraped.total("nocarrier_dial_skips_total") == totals.skipped > 0
    assert scraped.total("nocarrier_early_disconnects_total") == totals.disconnected_early == len(Source)
    for source in Source:
        assert scraped.total("nocarrier_dial_failures_total", source=source) == tracker.totals(source).failed
    # If policy forbids what a name resolves to, that is a failure; the same reason is a skip if no dial had begun.
    assert scraped.total("nocarrier_dial_failures_total", reason="private_ip_blocked") == len(Source)
    assert scraped.total("nocarrier_dial_skips_total", reason="private_ip_blocked") == len(Source)


def test_the_age_of_the_oldest_dial_in_flight_is_exported():
    now = 1_000_000.0
    tracker = DialTracker(clock=lambda: now)
    assert Scraped.of(tracker).total("nocarrier_dial_oldest_in_flight_seconds") == 0
    first = tracker.begin("192.0.2.1:7072", "seed")
    now += 60
    tracker.begin("192.0.2.2:7072", "seed")
    now += 5
    assert Scraped.of(tracker).total("nocarrier_dial_oldest_in_flight_seconds") == 65
    tracker.succeed(first)
    assert Scraped.of(tracker).total("nocarrier_dial_oldest_in_flight_seconds") == 5
    now -= 3600  # the wall clock was set back
    assert Scraped.of(tracker).total("nocarrier_dial_oldest_in_flight_seconds") == 0


def test_node_and_history_export_what_they_know(everything):
    scraped = Scraped.of(*everything)
    assert scraped.samples("nocarrier_connected_peers") == {
        (("direction", "inbound"),): 0,
        (("direction", "outbound"),): 1,
    }
    assert scraped.samples("nocarrier_peer_book") == {
        (("state", "cold"),): 1,
        (("state", "hot"),): 1,
        (("state", "warm"),): 0,
    }
    assert scraped.total("nocarrier_peers_wanted") == 7
    assert scraped.total("nocarrier_dial_deadline_seconds") == 58
    assert scraped.total("nocarrier_history_events") == 7
    assert scraped.total("nocarrier_history_size_bytes") == 4096
    assert scraped.total("nocarrier_history_waiting_events") == 2
    assert scraped.total("nocarrier_history_failing") == 0
    assert scraped.total("nocarrier_records_dropped_total", cause="history") == 3


@pytest.mark.parametrize("state", HistoryState)
def test_a_history_that_is_off_is_left_out_and_one_that_fails_says_so(state):
    scraped = Scraped.of(DialTracker(), None, None, HistoryStatus(state=state))
    assert scraped.samples("nocarrier_history_failing") == (
        {} if state is HistoryState.OFF else {(): state is HistoryState.FAILING}
    )


def test_a_finding_is_active_with_one_severity_at_a_time():
    found = diagnosis(finding("offline", Severity.CRITICAL), finding("peer_down", Severity.INFO))
    scraped = Scraped.of(DialTracker(), None, found)
    assert {labels for labels, value in scraped.samples("nocarrier_finding_active").items() if value} == {
        (("code", "offline"), ("severity", "critical")),
        (("code", "peer_down"), ("severity", "info")),
    }


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ({*OF_NODE, *OF_DIAGNOSIS, *OF_HISTORY}, ()),
        ({*OF_NODE, *OF_HISTORY}, (None, diagnosis())),
        ({*OF_DIAGNOSIS}, (FakeNode(), None, HISTORY)),
    ],
    ids=["tracker alone", "no node", "no doctor"],
)
def test_missing_parts_are_left_out(tracker, missing, arguments):
    scraped = Scraped.of(tracker, *arguments)
    shown = {sample.name for family in scraped.families.values() for sample in family.samples}
    assert shown == {name for metric in METRICS if metric not in missing for name in sample_names(metric)}
    assert {*OF_DIALS}.isdisjoint(missing)


def test_an_address_is_never_a_label(tracker):
    hostile = 'evil"}\n{x="1.example:7072'
    tracker.record(hostile, hostile, hostile, detail=hostile, via=hostile)
    body, _ = exposition(tracker, FakeNode(), diagnosis(finding()), HISTORY)
    assert b"evil" not in body
    assert b"192.0.2.1" not in body
    assert re.findall(rb"\d+\.\d+\.\d+\.\d+", body) == []


def test_a_registry_of_the_program_takes_the_collector(tracker):
    registry = prometheus_client.CollectorRegistry(auto_describe=True)
    prometheus_client.Counter("their_own", "A counter of the program.", registry=registry)
    registry.register(DialCollector(tracker))
    body = prometheus_client.generate_latest(registry).decode()
    assert "their_own_total 0.0" in body
    assert 'nocarrier_dials_started_total{source="seed"}' in body
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(DialCollector(tracker))


@requires("promtool")
def test_promtool_finds_no_fault_with_it(everything, tmp_path: Path):
    body, _ = exposition(*everything, accept="text/plain")
    check = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert (check.returncode, check.stdout + check.stderr) == (0, b"")
