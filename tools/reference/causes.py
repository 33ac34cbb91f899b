"""The page of root causes."""

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
    Blame.UNKNOWN: "Not known whose",
}


def causes() -> Iterator[str]:
    """All causes by whose fault they are: an overview first, then what an operator wants to know of one."""
    yield generated_from("src/nocarrier/diagnosis/causes/")
    yield "# Causes"
    yield (
        "A cause explains many failures at once. `GET /api/p2p/diagnosis` lists those that are active, the worst "
        "first, each with the evidence for it and what to do."
    )
    yield "Verdicts count distinct peers and networks by what happened to each peer last, never raw attempts."
    yield (
        "- *Severity* is the usual one: whatever keeps a program from all its peers is critical.\n"
        "- *Blame* is the usual one too: where the evidence tells more, the finding does.\n"
        "- *Asked after*: what those causes explain is no evidence for this one any more.\n"
        "- *Next actions*: a finding shows those that apply; words in capitals stand for what it fills in. Some make "
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
        facts.append(f"- **Asked after:** {', '.join(f'[`{code}`](#{code})' for code in cause.depends_on)}")
    yield "\n".join(facts)
    yield "Next actions:"
    yield "\n".join(f"{number}. {line}" for number, line in enumerate(map(_action, cause.next_actions), 1))


def _action(action: Action) -> str:
    """The action with its placeholders as words in capitals; what is not for everybody says for whom it is."""
    whom = "" if action.applies_to == EVERY_PROGRAM else f" *({', '.join(action.applies_to)})*"
    command = f"\n   ```sh\n   {declared(action.command)}\n   ```" if action.command else ""
    settings = ""
    if action.settings:
        lines = declared(action.settings).replace("\n", "\n   ")
        settings = f"\n   ```toml\n   {lines}\n   ```"
    return f"{declared(action.text)}{whom}{command}{settings}"
