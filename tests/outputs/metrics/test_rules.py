"""Rules that promtool accepts, whose unit tests prove that each alert can fire, can miss, and can end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from nocarrier.model.finding import Severity
from nocarrier.outputs.metrics import METRICS
from testbed.programs import requires
from tests.outputs.metrics.monitoring import (
    ALERT_RULES,
    ALERTS,
    DASHBOARD,
    DOC_QUERIES,
    RECORDED,
    RECORDING_RULES,
    RULES,
    block_of,
    dashboard_queries,
    expression_of,
    panels,
    replaced,
)

DOCS = RULES.parents[1] / "docs"

DERIVED = {
    name + suffix
    for metric in METRICS
    for name in [metric.name]
    for suffix in (("_bucket", "_count", "_sum") if metric.type == "histogram" else ("",))
}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


@requires("promtool")
def test_promtool_accepts_the_rules():
    check = promtool("check", "rules", ALERT_RULES, RECORDING_RULES)
    assert check.returncode == 0, check.stdout + check.stderr


@requires("promtool")
def test_unit_tests_of_the_rules_pass():
    test = promtool("test", "rules", *sorted(RULES.glob("tests/*.yml")))
    assert test.returncode == 0, test.stdout + test.stderr


def test_every_alert_has_a_unit_test_of_its_name():
    names = re.findall(r"(?m)^  - name: (\w+)$", (RULES / "tests" / "alert_rules_test.yml").read_text())
    assert names == ALERTS


def survivors(folder: Path, tests: str, mutants: dict[str, tuple[str, str]]) -> list[str]:
    """The mutants that `tests` do not notice; a mutant is a block of the rules and its replacement."""
    for what, (block, mutant) in {"unchanged": ("", ""), **mutants}.items():
        assert what == "unchanged" or block != mutant, what
        (folder / what / "tests").mkdir(parents=True)
        (folder / what / "tests" / "test.yml").write_text(tests)
        for path in (ALERT_RULES, RECORDING_RULES):
            text = path.read_text()
            (folder / what / path.name).write_text(text.replace(block, mutant) if block else text)
    unchanged = promtool("test", "rules", folder / "unchanged" / "tests" / "test.yml")
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    check = promtool("check", "rules", *(path for what in mutants for path in (folder / what).glob("*_rules.yml")))
    assert check.returncode == 0, f"a mutant must not fail for its spelling: {check.stderr}"
    said = promtool("test", "rules", *(folder / what / "tests" / "test.yml" for what in mutants)).stdout
    verdicts = said.split("Unit Testing:")[1:]
    assert len(verdicts) == len(mutants), said
    return [what for what, verdict in zip(mutants, verdicts, strict=True) if "SUCCESS" in verdict]


@requires("promtool")
@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_that_is_broken_fails_its_unit_test(alert, tmp_path):
    head, *each = re.split(r"(?m)^(?=  - name: )", (RULES / "tests" / "alert_rules_test.yml").read_text())
    [test] = [test for test in each if test.startswith(f"  - name: {alert}\n")]
    block = block_of("alert", alert)
    expression = expression_of(block)
    mutants = {
        "never fires": replaced(block, "vector(0) > 1"),
        "always fires": replaced(block, "count without (direction, outcome, source) ({__name__=~'up|nocarrier_.+'})"),
        "never stops": replaced(block, f"last_over_time(({expression})[1h:1m])"),
    }
    if " for: " in block:
        mutants["fires at once"] = re.sub(r" for: \w+", " for: 0s", block)
    for found in re.finditer(r"[<>]=? ([\d.]+)", expression):
        larger = expression[: found.start(1)] + f"{float(found[1]) * 1.5 + 1:g}" + expression[found.end(1) :]
        mutants[f"asks for more than {found[1]} at {found.start()}"] = replaced(block, larger)

    assert survivors(tmp_path, head + test, {what: (block, mutant) for what, mutant in mutants.items()}) == []


@requires("promtool")
def test_a_recording_rule_that_is_broken_fails_its_unit_test(tmp_path):
    mutants = {}
    for number, record in enumerate(RECORDED):
        block = block_of("record", record, RECORDED[:number].count(record))
        mutants[f"{number} {record}"] = block, replaced(block, f"2 * ({expression_of(block)})")
    assert survivors(tmp_path, (RULES / "tests" / "recording_rules_test.yml").read_text(), mutants) == []


def test_rules_and_dashboard_query_only_existing_metrics():
    texts = [ALERT_RULES.read_text(), RECORDING_RULES.read_text()]
    texts += [*dashboard_queries(), *DOC_QUERIES]
    texts += [variable["definition"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    named = {name for text in texts for name in re.findall(r"(?<![\w:./-])nocarrier_\w+", text)}
    assert named <= DERIVED, named - DERIVED
    recorded = {name for text in texts for name in re.findall(r"\binstance(?:_\w+)?:[\w:]+", text)}
    assert recorded <= set(RECORDED), recorded - set(RECORDED)


def test_every_metric_is_used():
    texts = ALERT_RULES.read_text() + RECORDING_RULES.read_text() + str(dashboard_queries())
    unused = [metric.name for metric in METRICS if not re.search(rf"\b{metric.name}(_bucket|_count|_sum)?\b", texts)]
    assert unused == []


def test_label_values_in_queries_are_among_the_declared_ones():
    declared: dict[str, set[str]] = {}
    for metric in METRICS:
        for label in metric.labels:
            declared.setdefault(label.name, set()).update(label.values)
    texts = [ALERT_RULES.read_text(), RECORDING_RULES.read_text(), *dashboard_queries()]
    matched = {pair for text in texts for pair in re.findall(r'(\w+)(?:=~|!=|=)"([a-z_|]+)"', text)}
    asked = {(name, value) for name, values in matched for value in values.split("|") if name in declared}
    assert {("outcome", "succeeded"), ("severity", "critical"), ("reason", "other")} <= asked
    assert {(name, value) for name, value in asked if value not in declared[name]} == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_and_what_to_do(alert):
    block = block_of("alert", alert)
    severity = re.search(r"severity: (\w+)", block)
    assert severity
    assert severity[1] in set(Severity)
    assert "{{ $labels.instance }}" in re.search(r"summary: (.*)", block)[1]
    page, _, anchor = re.search(r'runbook: "docs/(.*)"', block)[1].partition("#")
    headings = re.findall(r"(?m)^#+ (.*)$", (DOCS / page).read_text())
    if anchor != "{{ $labels.code }}":
        assert anchor in {heading.lower() for heading in headings}
    assert f"### {alert}" in (DOCS / "how-to" / "monitoring.md").read_text()


def test_panels_say_what_they_show_and_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells), panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in panels():
        assert panel["description"].endswith((".", "INSTANCE.")), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert [target["refId"] for target in panel["targets"]] == list("ABCDE"[: len(panel["targets"])])
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"])
    assert DASHBOARD["id"] is None, "Grafana gives it one at import"
    assert DASHBOARD["schemaVersion"] >= 36
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
