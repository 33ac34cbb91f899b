"""The contents of monitoring/: rules and dashboard, and the expressions in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MONITORING = Path(__file__).resolve().parents[3] / "monitoring"
RULES = MONITORING / "prometheus"
RECORDING_RULES = RULES / "recording_rules.yml"
ALERT_RULES = RULES / "alert_rules.yml"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana" / "nocarrier.json").read_text())

MONITORING_PAGE = (MONITORING.parent / "docs" / "how-to" / "monitoring.md").read_text()
DOC_QUERIES = re.findall(r"```promql\n(.*?)```", MONITORING_PAGE, re.DOTALL)

ALERTS = re.findall(r"- alert: (\w+)", ALERT_RULES.read_text())
RECORDED = re.findall(r"- record: (\S+)", RECORDING_RULES.read_text())


def block_of(kind: str, name: str, number: int = 0) -> str:
    """The text of one rule, from its dash to the next."""
    path = ALERT_RULES if kind == "alert" else RECORDING_RULES
    blocks = re.split(r"(?m)^(?=      - )", path.read_text())
    return [block for block in blocks if block.startswith(f"      - {kind}: {name}\n")][number]


_EXPRESSION = re.compile(r"(?m)^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)")


def expression_of(block: str) -> str:
    """The expression of a rule, on one line."""
    found = _EXPRESSION.search(block)
    assert found, block
    return " ".join((found[1] or found[2]).split())


def replaced(block: str, expression: str) -> str:
    """The rule with another expression."""
    return _EXPRESSION.sub(lambda _: f"        expr: {expression}\n", block)


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard that are not rows."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def panel_queries() -> Iterator[tuple[str, str]]:
    """Where each expression of the panels is, and the expression."""
    for panel in panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]


def annotation_queries() -> Iterator[tuple[str, str]]:
    """The same for the annotations."""
    for annotation in DASHBOARD["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]


def dashboard_queries() -> list[str]:
    """Every expression of the dashboard."""
    return [query for _, query in (*panel_queries(), *annotation_queries())]


def filled_in(query: str, window: str) -> str:
    """The query as Grafana sends it, for all instances."""
    return query.replace("$instance", ".+").replace("$__rate_interval", window).replace("$__range", window)
