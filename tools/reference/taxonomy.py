"""The pages of reasons and sources."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.model.taxonomy import Phase, Reason, Source
from reference.markdown import generated_from, table


def reasons() -> Iterator[str]:
    """All reasons by phase: first an overview, then the details of each."""
    yield generated_from("src/nocarrier/model/taxonomy.py")
    yield "# Reasons"
    yield (
        "Why a dial did not become a session. The names are the same in the API, in metric labels and on the command "
        "line; `nocarrier explain NAME` prints one of them."
    )
    yield (
        "*Blame* is whose fault it is; if it has several values, the evidence decides for each event. *Retry* is when "
        "another dial makes sense."
    )
    for phase in Phase:
        rows = [reason for reason in Reason if reason.phase is phase]
        if rows:
            yield f"## Phase: {phase}"
            yield table(
                ("reason", "kind", "blame", "retry", "meaning"),
                (
                    (f"[`{row}`](#{row})", row.kind, " or ".join(row.blames) or "-", row.retry, row.meaning)
                    for row in rows
                ),
            )
            for row in rows:
                yield f"### {row}"
                yield row.meaning
                yield f"- **Usual cause:** {row.usual_cause}\n- **Next step:** {row.next_step}"


def sources() -> Iterator[str]:
    """All sources of an address."""
    yield generated_from("src/nocarrier/model/taxonomy.py")
    yield "# Sources"
    yield "Who gave this node the address that was dialed. *Via*, beside it in every record, is which peer did."
    yield table(("source", "meaning"), ((f"`{source}`", source.meaning) for source in Source))
