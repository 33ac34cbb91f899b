"""docs/how-to/opentelemetry.md names every existing attribute and metric, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import nocarrier
from nocarrier.model.event import EndedAttempt

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/opentelemetry.md"

FAULT = nocarrier.Fault(
    reason=nocarrier.Reason.CONNECTION_REFUSED,
    phase=nocarrier.Phase.CONNECT,
    blame=nocarrier.Blame.THEM,
    detail="text",
    evidence={"errno": "ECONNREFUSED"},
)


def table(header):
    """The names in the first cells, with the whole row, of the table that begins with `header`."""
    rows = PAGE.read_text().partition(f"| {header} |")[2].partition("\n\n")[0].splitlines()[2:]
    return {name: row for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def general(name):
    """Names that end in an observed value, as the page writes them."""
    return re.sub(r"^(nocarrier\.(evidence|phases_s))\..*", r"\1.*", name)


def test_the_page_names_every_span_and_metric(tracker, telemetry):
    with telemetry.export(tracker):
        dial_id = tracker.begin("198.18.0.1:7072", "gossip", via="198.18.0.9:7072")
        attempts = (EndedAttempt("198.18.0.1:7072", 0.0, 0.1, FAULT),)
        tracker.fail(dial_id, FAULT, duration_s=0.1, attempts=attempts, phases_s={"connect": 0.1}, node_id="ab")
        tracker.record("198.18.0.1:7072", "slots_full", "seed")
        tracker.begin("198.18.0.1:7072", "seed")
    dial, [attempt] = telemetry.dial()
    on_dial, on_attempt = ({general(name) for name in span.attributes} for span in (dial, attempt))
    told = table("attribute")
    assert told.keys() == on_dial | on_attempt
    assert {name for name, row in told.items() if "| both |" in row} == on_dial & on_attempt

    metrics = table("metric")
    assert metrics.keys() == {f"nocarrier.dial.{name}" for name in ("duration", "active", "skipped")}
    for metric, row in metrics.items():
        [point] = telemetry.points(metric)
        assert set(re.findall(r"`([^`]+)`", row.split("|")[3])) == point.attributes.keys()
