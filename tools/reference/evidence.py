"""The page of the keys of evidence."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.model.evidence import EVIDENCE_KEYS, ICMP_NAMES, EvidenceKey
from reference.markdown import generated_from, table


def evidence() -> Iterator[str]:
    """Every key with its meaning and how it is written, then the names of ICMP errors."""
    yield generated_from("src/nocarrier/model/evidence.py")
    yield "# Evidence"
    yield (
        "What is known about a failure: `evidence` of an entry or an attempt. An absent key is not known; it does "
        "not mean no. The command line and the page show the keys in these words, the most telling first."
    )
    yield table(
        ("key", "value", "meaning", "shown as"),
        ((f"`{row.key}`", row.form, row.meaning, _said(row)) for row in EVIDENCE_KEYS),
    )
    yield "## ICMP errors"
    yield table(
        ("IP version", "type", "code", "name"),
        ((str(each.version), str(each.type), str(each.code), each.name) for each in ICMP_NAMES),
    )


def _said(row: EvidenceKey) -> str:
    if not row.sayings:
        return "shown next to the other one"
    beside = f" (not if {', '.join(f'`{key}`' for key in row.told_by)} is shown)" if row.told_by else ""
    return "; ".join(saying.text.replace("{", "*").replace("}", "*") for saying in row.sayings) + beside
