"""The page of causes."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.diagnosis import CAUSES
from nocarrier.diagnosis.cause import Cause
from nocarrier.model.action import EVERY_PROGRAM, Action
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import declared
from reference.markdown import generated_from, table

_GROUPS = {
    Blame.US: "Ours",
    Blame.PATH: "On the path",
    Blame.THEM: "Theirs",
    Blame.NONE: "Nobody's",
    Blame.UNKNOWN: "Fault unknown",
}


def causes() -> Iterator[str]:
    """All causes, grouped by whose fault they are: first an overview, then the details of each."""
    yield generated_from("src/nocarrier/diagnosis/causes/")
    yield "# Causes"
    yield (
        "A cause explains many failures at once. `GET /api/p2p/diagnosis` lists those that are active, the worst "
        "first, each with the evidence for it and what to do."
    )
    yield "Verdicts count distinct peers and networks by the last outcome of each peer, never raw attempts."
    yield (
        "- *Severity* is the usual one: a cause that cuts a program off from all its peers is critical.\n"
        "- *Blame* is the usual one too; a finding may know more from its evidence.\n"
        "- *Checked after*: failures that those causes explain no longer count as evidence for this one.\n"
        "- *Next actions*: a finding shows those that apply; it replaces the words in capitals. Some make "
        "sense only for some programs: `node` is a nocarrier node, `embedded` a program that uses nocarrier as a "
        "library, `watched` one that nocarrier watches, `records` one that sends records of its dials."
    )
    for blame, heading in _GROUPS.items():
        rows = [cause for cause in CAUSES if cause.blame is blame]
        if rows:
            yield f"## {heading}"
            yield table(
                ("cause", "severity", "what it says"),
                ((f"[`{row.code}`](#{row.code})", row.severity, row.title) for row in rows),
            )
            for row in rows:
                yield from _cause(row)


def _cause(cause: Cause) -> Iterator[str]:
    yield f"### {cause.code}"
    yield f"{cause.title}."
    facts = [
        f"- **Severity:** {cause.severity}",
        f"- **Blame:** {cause.blame}",
        f"- **What decides:** {cause.evidence_rule}",
    ]
    if cause.depends_on:
        facts.append(f"- **Checked after:** {', '.join(f'[`{code}`](#{code})' for code in cause.depends_on)}")
    yield "\n".join(facts)
    yield "Next actions:"
    yield "\n".join(f"{number}. {line}" for number, line in enumerate(map(_action, cause.next_actions), 1))


def _action(action: Action) -> str:
    """The action, with its placeholders as words in capitals and the programs it applies to, if not all."""
    whom = "" if action.applies_to == EVERY_PROGRAM else f" *({', '.join(action.applies_to)})*"
    command = f"\n   ```sh\n   {declared(action.command)}\n   ```" if action.command else ""
    settings = ""
    if action.settings:
        lines = declared(action.settings).replace("\n", "\n   ")
        settings = f"\n   ```toml\n   {lines}\n   ```"
    return f"{declared(action.text)}{whom}{command}{settings}"
