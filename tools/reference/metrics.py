"""The page of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nocarrier.outputs.metrics import OF_DIAGNOSIS, OF_DIALS, OF_HISTORY, OF_NODE, Label, Metric
from nocarrier.tracking import BUCKETS_S
from reference.markdown import generated_from, table

_PARTS: tuple[tuple[str, str, tuple[Metric[Any], ...]], ...] = (
    ("Dials", "Present in every program.", OF_DIALS),
    ("Node", "Absent from a program that embeds the tracker without a nocarrier node.", OF_NODE),
    ("Findings", "Absent if there is no doctor, as in a registry of your own.", OF_DIAGNOSIS),
    ("History", "Absent if there is no history.", OF_HISTORY),
)

_SHOWN_WHOLE = 8
"""A larger set of values is linked and not listed."""

_PAGES = {
    "reason": "[reasons](reasons.md)",
    "source": "[sources](sources.md)",
    "code": "[causes](causes.md)",
}


def metrics() -> Iterator[str]:
    """Every family with its labels; then the values of the labels."""
    yield generated_from("src/nocarrier/outputs/metrics/table.py")
    yield "# Metrics"
    yield (
        "`GET /metrics` returns them as Prometheus text, or as OpenMetrics if the client asks for it, computed from "
        "the tracker at every scrape. [Monitoring](../how-to/monitoring.md) has queries and alerts."
    )
    yield (
        "No label ever contains a peer or an address. Each has a closed set of values, and every series that can be "
        "expected is there from the start with 0, so that the first failure of a kind shows in a rate."
    )
    for heading, note, rows in _PARTS:
        yield f"## {heading}"
        yield note
        yield table(
            ("metric", "type", "labels", "unit", "meaning"),
            ((f"`{row.name}`", row.type, _names(row.labels), row.unit or "-", row.help) for row in rows),
        )
    yield "## Labels"
    labels = {label: None for _, _, rows in _PARTS for row in rows for label in row.labels}
    yield table(("label", "of", "values"), ((f"`{label.name}`", _users(label), _values(label)) for label in labels))
    yield "## Buckets"
    yield (
        f"Both histograms have the bounds {', '.join(f'{bound:g}' for bound in BUCKETS_S)} seconds. From 3.5 s on they "
        "lie just above the times at which dials usually stop (3.05 s without an answer to ARP; deadlines of 5, 10, "
        "12, 15 and 20 s; the handshake window of 36 s; the longest dial of 58 s), because a deadline of 10 s is "
        "noticed a little after 10 s."
    )


def _names(labels: tuple[Label, ...]) -> str:
    return ", ".join(f"`{label.name}`" for label in labels) or "-"


def _users(label: Label) -> str:
    return ", ".join(f"`{row.name}`" for _, _, rows in _PARTS for row in rows if label in row.labels)


def _values(label: Label) -> str:
    if label.name == "version":
        return "the running version"
    if len(label.values) > _SHOWN_WHOLE:
        seldom = "; those of the phase policy only once they occur" if label.seldom else ""
        return f"{len(label.values)} {_PAGES[label.name]}{seldom}"
    return ", ".join(f"`{value}`" for value in label.values)
