"""The page of the glossary."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.model.glossary import GLOSSARY, Sense, key_of
from reference.markdown import generated_from


def glossary() -> Iterator[str]:
    """Every word except the keys of evidence, which have their own page; each is a heading, so it has an anchor."""
    yield generated_from("src/nocarrier/model/glossary.py and the tables that it names")
    yield "# Glossary"
    yield (
        "The words that nocarrier uses on the command line, on the page and in these docs. `nocarrier explain WORD` "
        "prints one of them, `nocarrier explain` lists all of them. [Reasons](reference/reasons.md), "
        "[causes](reference/causes.md) and [keys of evidence](reference/evidence.md) have their own pages."
    )
    for entry in GLOSSARY.values():
        if not entry.is_evidence_key:
            yield f"### {entry.word}"
            senses = [*map(_sense, entry.senses)]
            yield senses[0] if len(senses) == 1 else "\n".join(f"- {sense}" for sense in senses)


def _sense(sense: Sense) -> str:
    role = f"*{sense.role[0].upper()}{sense.role[1:]}.* " if sense.role else ""
    members = f" One of: {', '.join(map(_link, sense.members))}." if sense.members else ""
    return f"{role}{sense.meaning}{members}"


def _link(word: str) -> str:
    entry = GLOSSARY[key_of(word)]
    if entry.is_evidence_key:
        return f"`{word}`"
    return f"[{word}](#{entry.word.lower().replace(' ', '-')})"
