"""`nocarrier explain NAME`."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from nocarrier.cli.render.text import printable
from nocarrier.diagnosis import CAUSES
from nocarrier.diagnosis.cause import Cause
from nocarrier.model.taxonomy import Reason
from nocarrier.model.text import declared
from nocarrier.web.views.reasons import reason_view


@click.command
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(name: str, *, as_json: bool) -> None:
    """Explain NAME, a reason or a cause. Needs no node.

    A reason says what was seen at one dial: what it means, its most frequent cause, and what to do. A cause says why
    many dials fail: what decides whether it is found, what it depends on, and what to do.
    """
    reasons = {reason.value: reason for reason in Reason}
    causes = {cause.code: cause for cause in CAUSES}
    wanted = name.strip().lower().replace("-", "_")
    if wanted in reasons:
        reason = reasons[wanted]
        click.echo(json.dumps(asdict(reason_view(reason)), indent=2) if as_json else _of_reason(reason))
    elif wanted in causes:
        cause = causes[wanted]
        click.echo(json.dumps(_cause_view(cause), indent=2) if as_json else _of_cause(cause, causes))
    else:
        near = difflib.get_close_matches(wanted, [*reasons, *causes], n=3, cutoff=0.4)
        meant = f"near to it are {', '.join(near)}" if near else f"there are {', '.join([*reasons, *causes])}"
        click.echo(f"There is no reason or cause {printable(name)!r}; {meant}.", err=True)
        sys.exit(1)


def _of_reason(reason: Reason) -> str:
    blame = " or ".join(reason.blames) + (", decided by evidence" if len(reason.blames) > 1 else "")
    return (
        f"{reason} (a reason)\n"
        f"  meaning:     {reason.meaning}\n"
        f"  usual cause: {reason.usual_cause}\n"
        f"  next step:   {reason.next_step}\n"
        f"  phase {reason.phase}, kind {reason.kind}, blame {blame}, retry {reason.retry}"
    )


def _of_cause(cause: Cause, causes: dict[str, Cause]) -> str:
    lines = [
        f"{cause.code} (a cause)",
        f"  what it says: {cause.title}",
        f"  what decides: {cause.evidence_rule}",
        "  what to do:",
        *_of_actions(cause),
    ]
    if cause.depends_on:
        lines.append("  depends on (each of these, if found, explains it away):")
        lines += [f"    {code}: {causes[code].title}" for code in cause.depends_on]
    hidden = [each.code for each in causes.values() if cause.code in each.depends_on]
    if hidden:
        lines.append(f"  explains away: {', '.join(hidden)}")
    lines.append(f"  usual severity {cause.severity}, usual blame {cause.blame}")
    return "\n".join(lines)


def _cause_view(cause: Cause) -> dict[str, Any]:
    return {
        "code": cause.code,
        "title": cause.title,
        "severity": cause.severity,
        "blame": cause.blame,
        "evidence_rule": cause.evidence_rule,
        "next_actions": [
            {
                "text": declared(action.text),
                "command": action.command and declared(action.command),
                "settings": action.settings and declared(action.settings),
                "applies_to": action.applies_to,
            }
            for action in cause.next_actions
        ],
        "depends_on": list(cause.depends_on),
    }


def _of_actions(cause: Cause) -> Iterator[str]:
    """The next actions, with words in capitals for what a finding fills in."""
    for number, action in enumerate(cause.next_actions, 1):
        yield f"    {number}. {declared(action.text)}"
        for template in (action.command, action.settings):
            if template is not None:
                yield from (f"         {line}" for line in declared(template).splitlines())
