"""A diagnosis for people: the verdict first, then each finding with its evidence and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rich.console import Console

from nocarrier.cli.render.lines import Line, print_lines
from nocarrier.cli.render.probe_text import probe_lines
from nocarrier.client.answer import NodeAnswer
from nocarrier.errors import AnotherApiError, NocarrierError
from nocarrier.model.finding import HealthStatus, Severity
from nocarrier.model.node.state import REACHABILITY
from nocarrier.model.wording.numbers import count_of, span
from nocarrier.web.views import ActionView, DebugView, DiagnosisView, FindingView, ProbeView

_HEALTH_WORDS = {
    HealthStatus.HEALTHY: "healthy",
    HealthStatus.UNHEALTHY: "not healthy",
    HealthStatus.UNDETERMINED: "too early to tell",
}

SEVERITY_STYLES = {Severity.CRITICAL: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "cyan"}

Probed = Mapping[str, NodeAnswer | NocarrierError]
"""The result of probing each finding, or why there is none, by the code of the finding."""

_SURE = ((0.9, "nearly certain"), (0.75, "very likely"), (0.5, "likely"), (0.0, "possible"))
"""The least confidence for each wording."""


def health_in_words(status: HealthStatus) -> str:
    """`status` in words; one that only a newer node knows is shown as it is."""
    return _HEALTH_WORDS.get(status, status)


def print_diagnosis(diagnosis: DiagnosisView, debug: DebugView, probes: Probed) -> None:
    """Print `diagnosis` on standard output, with colours on a terminal only.

    Args:
        diagnosis: the findings, worst first.
        debug: the connections and counts that they are based on.
        probes: the result of probing each finding, by its code; empty if nothing was probed.
    """
    print_lines(Console(highlight=False), _lines(diagnosis, debug, probes))


def _lines(diagnosis: DiagnosisView, debug: DebugView, probes: Probed) -> Iterator[Line]:
    wrong = [finding for finding in diagnosis.findings if finding.severity != Severity.INFO]
    known = [finding for finding in diagnosis.findings if finding.severity == Severity.INFO]
    yield Line(0, verdict(diagnosis, debug), style="bold")
    if wrong:
        yield Line(0, f"Found: {_numbers(wrong, known)}. Based on: {basis(debug)}.")
    elif _is_open(diagnosis):
        yield Line(0, f"Based on: {basis(debug)}.")
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


def verdict(diagnosis: DiagnosisView, debug: DebugView) -> str:
    """Healthy, not healthy, or too early to tell, in one sentence."""
    wrong = [finding for finding in diagnosis.findings if finding.severity != Severity.INFO]
    if wrong:
        more = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return f"Not healthy: {wrong[0].title.rstrip('.')}{more}."
    if _is_open(diagnosis):
        return f"{in_doubt(diagnosis.status_detail)}."
    healthy = diagnosis.status is HealthStatus.HEALTHY
    word = "Healthy" if healthy else "Not healthy, and the node does not say why"
    return f"{word}: {basis(debug)}."


def _is_open(diagnosis: DiagnosisView) -> bool:
    """Whether it is neither healthy nor unhealthy; a status that only a newer node knows is open too."""
    return diagnosis.status not in {HealthStatus.HEALTHY, HealthStatus.UNHEALTHY}


def in_doubt(detail: str | None) -> str:
    """That it is too early to tell, and why; without a full stop."""
    why = detail.rstrip(".") if detail else "the node does not say why"
    return f"Too early to tell: {why[:1].lower()}{why[1:]}"


def _numbers(wrong: list[FindingView], known: list[FindingView]) -> str:
    counts = Counter(finding.severity for finding in wrong)
    warnings = counts.pop(Severity.WARNING, 0)
    numbers = [f"{count} {severity}" for severity, count in counts.items()]
    if warnings:
        numbers.append(count_of(warnings, "warning"))
    return ", ".join([*numbers, f"{len(known)} info"] if known else numbers)


def basis(debug: DebugView) -> str:
    """What the verdict is based on."""
    dials = debug.dial_totals
    parts = []
    if debug.node is not None:
        parts.append(f"{count_of(len(debug.connected_peers), 'peer')} connected")
    if dials.started:
        ends = f"{dials.succeeded} succeeded, {dials.failed} failed"
        parts.append(f"{count_of(dials.started, 'dial')} ({ends})")
    else:
        parts.append("no dials yet")
    if dials.skipped:
        parts.append(count_of(dials.skipped, "skip"))
    if debug.node is None:
        parts.append("sessions and reachability are unknown because this program has no nocarrier node")
    else:
        parts.append(REACHABILITY.get(debug.reachability, debug.reachability))
    return "; ".join(parts)


# ---- one finding ----------------------------------------------------------------------------------------------------


def _finding(finding: FindingView, at_unix: float) -> Iterator[Line]:
    style = SEVERITY_STYLES.get(finding.severity, "bold")
    yield Line(0, f"{finding.title} ({finding.code})", finding.severity.upper(), style="bold", mark_style=style)
    yield Line(2, finding.summary)
    yield Line(2, standing(finding, at_unix), style="dim")
    if finding.evidence:
        yield Line(2, "evidence:")
    for item in finding.evidence:
        yield Line(4, f"{item.count} {item.statement}", "-")
        if item.addrs:
            yield Line(6, ", ".join(item.addrs))
    if finding.next_actions:
        yield Line(2, "what to do:")
    for number, action in enumerate(finding.next_actions, 1):
        yield from _action(action, 4, f"{number}.")
    hides = finding.hides
    if hides:
        yield Line(2, f"also explains: {', '.join(hides)}")


def _in_short(finding: FindingView, at_unix: float) -> Iterator[Line]:
    yield Line(2, f"{finding.code}: {finding.summary} ({_since(finding, at_unix)})", "-")
    for action in finding.next_actions[:1]:
        yield from _action(action, 4, style="dim")


def _action(action: ActionView, indentation: int, mark: str = "", style: str = "") -> Iterator[Line]:
    """The sentence, and what can be copied below it."""
    yield Line(indentation, action.text, mark, style=style)
    for line in action.lines:
        yield Line(indentation + 4, line, style=style, is_whole=True)


def standing(finding: FindingView, at_unix: float) -> str:
    """How sure it is, whose fault it is, since when, and how many peers it cuts off."""
    sure = next((words for least, words in _SURE if finding.confidence >= least), "not sure")
    parts = [f"{sure} ({finding.confidence:g})", f"blame: {finding.blame}", _since(finding, at_unix)]
    if finding.affected_peers:
        dials = f" ({count_of(finding.affected_dials, 'failed dial')})" if finding.affected_dials else ""
        parts.append(f"prevents connections to {count_of(finding.affected_peers, 'peer')}{dials}")
    return "; ".join(parts)


def _since(finding: FindingView, at_unix: float) -> str:
    """How long it has been active, by the node's clock, which may differ from this machine's."""
    active_s = at_unix - finding.since_unix
    return f"for {span(active_s)}" if active_s >= 1 else "new"


def _probed(probes: Probed, code: str) -> Iterator[Line]:
    gave = probes.get(code)
    if gave is None:
        return
    if isinstance(gave, NocarrierError):
        yield Line(2, f"not probed: {gave}")
        return
    try:
        result = gave.read(ProbeView)
    except AnotherApiError as error:
        yield Line(2, f"probed, but the result cannot be read: {error}")
        return
    yield from probe_lines(result)
