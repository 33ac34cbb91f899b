"""A diagnosis for people: the verdict first, then each finding with its evidence and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from nocarrier.cli.render.lines import Line, print_lines
from nocarrier.cli.render.probe_text import probe_lines
from nocarrier.cli.render.text import duration
from nocarrier.client.answers import Diagnosis, Finding, LookedAt, ProbeResult, read_as
from nocarrier.diagnosis.cause import count_of
from nocarrier.errors import NodeUnreachableError
from nocarrier.model.finding import HealthStatus

HEALTH_WORDS = {
    HealthStatus.HEALTHY: "healthy",
    HealthStatus.UNHEALTHY: "not healthy",
    HealthStatus.UNDETERMINED: "too early to tell",
}

_STYLES = {"critical": "bold red", "warning": "bold yellow"}
INFO = "info"

_SURE = ((0.9, "nearly certain"), (0.75, "very likely"), (0.5, "likely"), (0.0, "possible"))
"""Words for the least confidence that deserves them."""

_REACHABLE = {"public": "others can dial this node", "private": "others cannot dial this node"}


def print_diagnosis(diagnosis: Diagnosis, looked_at: LookedAt, probes: Mapping[str, Any]) -> None:
    """Print `diagnosis` on standard output, with colours on a terminal only.

    Args:
        diagnosis: the findings, worst first.
        looked_at: what they rest on.
        probes: what was seen when each finding was probed, by its code; empty: nobody probed.
    """
    print_lines(Console(highlight=False), _lines(diagnosis, looked_at, probes))


def _lines(diagnosis: Diagnosis, looked_at: LookedAt, probes: Mapping[str, Any]) -> Iterator[Line]:
    wrong = [finding for finding in diagnosis.findings if finding.severity != INFO]
    known = [finding for finding in diagnosis.findings if finding.severity == INFO]
    yield Line(0, verdict(diagnosis, looked_at), style="bold")
    if wrong:
        yield Line(0, f"Found: {_numbers(wrong, known)}. Looked at: {what_was_looked_at(looked_at)}.")
    elif diagnosis.health is HealthStatus.UNDETERMINED:
        yield Line(0, f"Looked at: {what_was_looked_at(looked_at)}.")
    for finding in wrong:
        yield Line(0, "")
        yield from _finding(finding, diagnosis.at_unix)
        yield from _probed(probes, finding.code)
    if known:
        yield Line(0, "")
        yield Line(0, "Good to know:")
    for finding in known:
        yield from _in_short(finding, diagnosis.at_unix)
        yield from (line._replace(indentation=line.indentation + 2) for line in _probed(probes, finding.code))


def verdict(diagnosis: Diagnosis, looked_at: LookedAt) -> str:
    """Healthy, not healthy, or too early to tell, in one sentence."""
    wrong = [finding for finding in diagnosis.findings if finding.severity != INFO]
    if wrong:
        more = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return f"Not healthy: {title_of(wrong[0]).rstrip('.')}{more}."
    if diagnosis.health is HealthStatus.UNDETERMINED:
        return f"{in_doubt(diagnosis.status_detail)}."
    healthy = diagnosis.health is HealthStatus.HEALTHY
    word = "Healthy" if healthy else "Not healthy, and the node does not say why"
    return f"{word}: {what_was_looked_at(looked_at)}."


def in_doubt(detail: str | None) -> str:
    """That nobody can say yet, and why; without a full stop."""
    why = detail.rstrip(".") if detail else "the node does not say why"
    return f"Too early to tell: {why[:1].lower()}{why[1:]}"


def _numbers(wrong: list[Finding], known: list[Finding]) -> str:
    counts = Counter(finding.severity for finding in wrong)
    numbers = [count_of(counts.pop("warning"), "warning")] if "warning" in counts else []
    numbers = [f"{count} {severity}" for severity, count in counts.items()] + numbers
    return ", ".join([*numbers, f"{len(known)} for information"] if known else numbers)


def what_was_looked_at(looked_at: LookedAt) -> str:
    """What the verdict rests on."""
    dials = looked_at.dial_totals
    parts = []
    if looked_at.node is not None:
        parts.append(f"{count_of(len(looked_at.connected_peers), 'peer')} connected")
    if dials.started:
        ends = f"{dials.succeeded} succeeded, {dials.failed} failed"
        parts.append(f"{count_of(dials.started, 'dial')} ({ends})")
    else:
        parts.append("no dial so far")
    if dials.skipped:
        parts.append(count_of(dials.skipped, "skip"))
    if looked_at.node is None:
        parts.append("sessions and reachability are not known, as the program has no node of ours")
    else:
        parts.append(_REACHABLE.get(looked_at.reachability, "not known yet whether others can dial this node"))
    return "; ".join(parts)


# ---- one finding ----------------------------------------------------------------------------------------------------


def _finding(finding: Finding, at_unix: float | None) -> Iterator[Line]:
    style = _STYLES.get(finding.severity, "bold")
    yield Line(0, f"{title_of(finding)} ({finding.code})", finding.severity.upper(), style="bold", mark_style=style)
    yield Line(2, finding.summary)
    yield Line(2, standing(finding, at_unix), style="dim")
    if finding.evidence:
        yield Line(2, "evidence:")
    for item in finding.evidence:
        yield Line(4, f"{item.statement}: {item.count}", "-")
        if item.addrs:
            yield Line(6, ", ".join(item.addrs))
    if finding.next_actions:
        yield Line(2, "what to do:")
    for number, action in enumerate(finding.next_actions, 1):
        yield Line(4, action, f"{number}.")
    hides = finding.hides
    if hides:
        yield Line(2, f"hides, as it explains them: {', '.join(hides)}")


def _in_short(finding: Finding, at_unix: float | None) -> Iterator[Line]:
    since = _since(finding, at_unix)
    yield Line(2, f"{finding.code}: {finding.summary}" + (f" ({since})" if since else ""), "-")
    for action in finding.next_actions[:1]:
        yield Line(4, action, style="dim")


def title_of(finding: Finding) -> str:
    """What the cause says."""
    return finding.title or finding.summary


def standing(finding: Finding, at_unix: float | None) -> str:
    """How sure it is, whose fault, since when, and whom it keeps us from."""
    parts = []
    if finding.confidence is not None:
        words = next((words for least, words in _SURE if finding.confidence >= least), "not sure")
        parts.append(f"{words} ({finding.confidence:g})")
    parts += [f"blame: {finding.blame}", _since(finding, at_unix)]
    if finding.affected_peers:
        dials = f" ({count_of(finding.affected_dials, 'failed dial')})" if finding.affected_dials else ""
        parts.append(f"keeps us from {count_of(finding.affected_peers, 'peer')}{dials}")
    return "; ".join(filter(None, parts))


def _since(finding: Finding, at_unix: float | None) -> str:
    """How long it stands, by the node's own clock, which need not be ours."""
    if finding.since_unix is None or at_unix is None:
        return ""
    stands_s = at_unix - finding.since_unix
    return f"for {duration(stands_s)}" if stands_s >= 1 else "new"


def _probed(probes: Mapping[str, Any], code: str) -> Iterator[Line]:
    answer = probes.get(code)
    if answer is None:
        return
    if "error" in answer:
        yield Line(2, f"not probed: {answer['error']}")
        return
    try:
        result = read_as(ProbeResult, answer)
    except NodeUnreachableError as error:
        yield Line(2, f"probed, but {error}")
        return
    yield from probe_lines(result)
