"""`nocarrier explain [NAME]`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import click

from nocarrier.cli.render.text import printable
from nocarrier.diagnosis import CAUSES
from nocarrier.diagnosis.cause import Cause
from nocarrier.model.glossary import GLOSSARY, Sense, key_of
from nocarrier.model.taxonomy import Reason
from nocarrier.model.wording.nearest import did_you_mean
from nocarrier.model.wording.text import declared
from nocarrier.web.views.reasons import reason_view

WIDTH = 80
"""Characters of a line of the list, so that it can be read on any terminal."""

_REASONS = {reason.value: reason for reason in Reason}
_CAUSES = {cause.code: cause for cause in CAUSES}


@click.command
@click.argument("name", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(name: tuple[str, ...], *, as_json: bool) -> None:
    """Explain NAME: a reason, a cause, or any other word that nocarrier uses. Needs no node.

    A reason says what was seen at one dial: what it means, its most frequent cause, and what to do. A cause says why
    many dials fail: what decides whether it is found, what it depends on, and what to do. Without NAME, list all names.
    """
    if not name:
        click.echo(json.dumps(_names(), indent=2) if as_json else "\n".join(_list()))
        return
    key = key_of(" ".join(name))
    senses = GLOSSARY[key].senses if key in GLOSSARY else ()
    if key in _REASONS:
        document, text = asdict(reason_view(_REASONS[key])), _of_reason(_REASONS[key])
    elif key in _CAUSES:
        document, text = _cause_view(_CAUSES[key]), _of_cause(_CAUSES[key])
    elif senses:
        document, text = {"word": GLOSSARY[key].word}, GLOSSARY[key].word
    else:
        raise click.UsageError(_unknown(" ".join(name)))
    if as_json:
        click.echo(json.dumps(document | {"senses": list(map(asdict, senses))}, indent=2))
        return
    click.echo("\n".join([text, *_of_senses(senses, is_first=key not in _REASONS and key not in _CAUSES)]))


def _names() -> Mapping[str, list[str]]:
    """Everything that can be explained."""
    return {
        "reasons": sorted(_REASONS),
        "causes": sorted(_CAUSES),
        "words": [entry.word for entry in GLOSSARY.values() if not entry.is_evidence_key],
        "evidence": [entry.word for entry in GLOSSARY.values() if entry.is_evidence_key],
    }


_TITLES = {
    "reasons": "Reasons (what was seen at one dial):",
    "causes": "Causes (why dials fail):",
    "words": "Words:",
    "evidence": "Keys of evidence:",
}


def _list() -> Iterator[str]:
    for group, names in _names().items():
        yield _TITLES[group]
        yield _listed(names)
        yield ""
    yield "Explain one of them with: nocarrier explain NAME"


def _listed(names: Iterable[str], before: str = "") -> str:
    """`names` on indented lines, none of them broken."""
    text = ", ".join(name.replace(" ", "\N{NO-BREAK SPACE}") for name in names)
    return textwrap.fill(before + text, WIDTH, initial_indent="  ", subsequent_indent="  ").replace(
        "\N{NO-BREAK SPACE}", " "
    )


def _unknown(name: str) -> str:
    # A word of the glossary may also be a reason.
    known = list(dict.fromkeys([*_REASONS, *_CAUSES, *(entry.word for entry in GLOSSARY.values())]))
    meant = did_you_mean(name, known)
    return " ".join(
        filter(None, (f"There is no {printable(name)!r} to explain.", meant, "List all with: nocarrier explain"))
    )


def _of_senses(senses: tuple[Sense, ...], *, is_first: bool) -> Iterator[str]:
    """What a word of the glossary means; not `is_first`: besides being a reason or a cause."""
    for sense in senses:
        role = sense.role if is_first else f"also {sense.role}".rstrip()
        yield f"  {role}: {sense.meaning}" if role else f"  {sense.meaning}"
        if sense.members:
            yield _listed(sense.members, "One of: ")


def _of_reason(reason: Reason) -> str:
    blame = " or ".join(reason.blames) + (" (the evidence decides)" if len(reason.blames) > 1 else "")
    return (
        f"{reason} (a reason)\n"
        f"  meaning:     {reason.meaning}\n"
        f"  usual cause: {reason.usual_cause}\n"
        f"  next step:   {reason.next_step}\n"
        f"  retry:       {reason.retry.meaning}\n"
        f"  phase {reason.phase}, kind {reason.kind}, blame {blame}, retry {reason.retry}"
    )


def _of_cause(cause: Cause) -> str:
    lines = [
        f"{cause.code} (a cause)",
        f"  what it says: {cause.title}",
        f"  what decides: {cause.evidence_rule}",
        "  what to do:",
        *_of_actions(cause),
    ]
    if cause.depends_on:
        lines.append("  not listed while one of these explains it:")
        lines += [f"    {code}: {_CAUSES[code].title}" for code in cause.depends_on]
    hidden = [each.code for each in CAUSES if cause.code in each.depends_on]
    if hidden:
        lines.append(f"  explains: {', '.join(hidden)}")
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
    """The next actions, with words in capitals where a finding fills in a value."""
    for number, action in enumerate(cause.next_actions, 1):
        yield f"    {number}. {declared(action.text)}"
        for template in (action.command, action.settings):
            if template is not None:
                yield from (f"         {line}" for line in declared(template).splitlines())
