"""A report as Markdown: first what is wrong and why, then what that is based on."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TypeVar

from nocarrier import __version__
from nocarrier.cli.history.command import ended_in_words
from nocarrier.cli.render.diagnosis_text import basis, standing, verdict
from nocarrier.cli.render.markdown import code, table, words
from nocarrier.cli.render.times import utc
from nocarrier.cli.report.facts import ReportFacts
from nocarrier.cli.report.numbers import counts, over_time, samples
from nocarrier.cli.report.peers import peers, propagation
from nocarrier.model.finding import Severity
from nocarrier.model.node.counters import DIAL_BACKS, REFUSALS
from nocarrier.model.wording.numbers import span
from nocarrier.model.wording.word import Word
from nocarrier.web.views import ActionView, FindingView, PastFindingView

_Counted = TypeVar("_Counted", bound=Word)

MAX_FINDINGS = 40
MAX_EVIDENCE = 12
MAX_ACTIONS = 12
"""These limits are more than a node has, and keep a report small whatever answers."""

MAX_FACTS = 40

_NOT_SETTINGS = frozenset({"inbound_rejections", "refusals", "dial_backs", "reachability"})
"""Fields of the node that the report shows elsewhere."""


def report_text(facts: ReportFacts, made_unix: float) -> str:
    """The report, made at `made_unix`."""
    return (
        "\n\n".join(
            [
                "# nocarrier report",
                *_about(facts, made_unix),
                "## Verdict",
                *_verdict(facts),
                "## Past findings",
                *_past_findings(facts),
                "## Failed dials over time",
                *over_time(facts),
                "## Counts",
                *counts(facts),
                "## Samples of each reason",
                *samples(facts),
                "## Peers",
                *peers(facts),
                "## Where addresses came from",
                *propagation(facts),
                "## Record keeping",
                *_record_keeping(facts),
                "## The node",
                *_node(facts),
            ]
        )
        + "\n"
    )


def _about(facts: ReportFacts, made_unix: float) -> Iterator[str]:
    length = span(facts.until_unix - facts.since_unix)
    node = facts.debug.node
    if facts.is_redacted:
        redacted = (
            "yes: addresses, names and identities are masked, each always by the same mask. Ports, the name of the "
            "network and its genesis are not. Free text from peers may hold an address in a form that is not recognised"
        )
    else:
        redacted = "**no**: addresses, names and identities can be read"
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    rows = [
        ("made", f"{utc(made_unix)} UTC by nocarrier {__version__} on {words(system)}"),
        ("covers", f"{utc(facts.since_unix)} to {utc(facts.until_unix)} UTC ({length})"),
        ("node", f"nocarrier {words(node.version)}" if node is not None else "a program without a nocarrier node"),
        ("redacted", redacted),
    ]
    yield table(("report", ""), rows)


# ---- findings -------------------------------------------------------------------------------------------------------


def _verdict(facts: ReportFacts) -> Iterator[str]:
    yield f"**{words(verdict(facts.diagnosis, facts.debug))}**"
    yield f"Based on: {words(basis(facts.debug))}."
    findings = facts.diagnosis.findings
    for finding in findings[:MAX_FINDINGS]:
        yield from _finding(finding, facts.diagnosis.at_unix)
    if len(findings) > MAX_FINDINGS:
        yield f"And {len(findings) - MAX_FINDINGS} more."


def _finding(finding: FindingView, at_unix: float) -> Iterator[str]:
    severity = finding.severity if finding.severity == Severity.INFO else finding.severity.upper()
    yield f"### {words(severity)}: {words(finding.title)} ({code(finding.code)})"
    yield words(finding.summary)
    yield f"*{words(standing(finding, at_unix))}*"
    if finding.evidence:
        yield "Evidence:"
        yield "\n".join(
            f"- {item.count} {words(item.statement)}"
            + (f" ({', '.join(map(code, item.addrs[:5]))})" if item.addrs else "")
            for item in finding.evidence[:MAX_EVIDENCE]
        )
    if finding.next_actions:
        yield "What to do:"
        yield "\n".join(
            f"{number}. {_action(action)}" for number, action in enumerate(finding.next_actions[:MAX_ACTIONS], 1)
        )
    if finding.hides:
        yield f"Also explains: {', '.join(map(code, finding.hides[:MAX_EVIDENCE]))}"


def _action(action: ActionView) -> str:
    """The sentence, and below it the lines that can be copied."""
    return "\\\n   ".join([words(action.text), *map(code, action.lines)])


def _past_findings(facts: ReportFacts) -> Iterator[str]:
    past = facts.recorded.past_findings
    if past is None:
        yield f"Unknown: {words(facts.recorded.without_history)}"
    elif not past:
        yield "None was active in this period."
    else:
        columns = ("began (UTC)", "lasted", "how it ended", "severity", "finding", "last summary")
        yield table(columns, map(_past_finding, past))


def _past_finding(past: PastFindingView) -> tuple[str, ...]:
    lasted = "" if past.ended_unix is None else span(past.ended_unix - past.began_unix)
    ended = words(ended_in_words(past.ended_by))
    severity, finding = words(past.worst_severity), past.finding
    return utc(past.began_unix), lasted, ended, severity, code(finding.code), words(finding.summary)


# ---- the rest -------------------------------------------------------------------------------------------------------


def _record_keeping(facts: ReportFacts) -> Iterator[str]:
    history = facts.debug.history
    detail = f": {words(history.detail)}" if history.detail else ""
    kept = f"since {utc(history.since_unix)} UTC" if history.since_unix is not None else "nothing yet"
    rows = [
        ("history", f"{words(history.state)}{detail}"),
        (
            "kept",
            f"{kept}, {history.events_total} events, {history.size_bytes} bytes; {history.waiting} to be written",
        ),
        ("lost before they reached the disk", str(history.dropped_total)),
        *((f"lost on the way to readers, {words(cause)}", str(count)) for cause, count in facts.dropped.items()),
    ]
    yield table(("record", ""), rows)


def _value(name: str, value: object) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(f"{utc(value)} UTC" if name.endswith("_unix") else value)


def _node(facts: ReportFacts) -> Iterator[str]:
    node = facts.debug.node
    if node is None:
        yield "This program has no nocarrier node."
        return
    settings = [(each.name, getattr(node, each.name)) for each in fields(node) if each.name not in _NOT_SETTINGS]
    yield table(("setting or fact", "value"), ((words(name), _value(name, value)) for name, value in settings))
    rejections = list(node.inbound_rejections.items())[:MAX_FACTS]
    if rejections:
        rows = ((code(reason), words(count)) for reason, count in rejections)
        yield table(("inbound connections turned away because of", "number"), rows, numbers=1)
    yield from _counted(node.refusals, REFUSALS, "what the node refused or dropped to protect itself")
    yield from _counted(node.dial_backs, DIAL_BACKS, "dial-backs")


def _counted(counts: Mapping[_Counted, int], meanings: Mapping[_Counted, str], title: str) -> Iterator[str]:
    """A table of the counts above zero; a word that only a newer node knows is shown as it is."""
    rows = [(words(meanings.get(what, what)), words(count)) for what, count in counts.items() if count][:MAX_FACTS]
    if rows:
        yield table((title, "number"), rows, numbers=1)
