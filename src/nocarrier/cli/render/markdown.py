"""Markdown (GitHub's, which is CommonMark with tables) in which text of others stays text.

What a peer says can make no link, image, heading, table cell or mention, wherever the document is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nocarrier.cli.render.text import printable

MAX_LENGTH = 400
"""Characters of one text; what is longer is cut. A detail is bounded at 300 where it is recorded."""

_SIGNIFICANT = re.compile(
    r"""
    [\\`*\[\]<>&~$]              # emphasis, code, links, HTML, entities, strikethrough, formulas
    | (?<![^\W_])_ | _(?![^\W_]) # emphasis; within a word such as connection_refused it is none
    | :(?=//)                    # a URL becomes a link by itself
    | (?<=www)\.                 # and so does a host name that begins like this
    """,
    re.VERBOSE | re.IGNORECASE,
)

_AT_BEGINNING = re.compile(r"^([-+=#]|\d{1,9}(?=[.)]))")
"""What makes a heading or a list of a paragraph that begins with it."""


def words(text: object) -> str:
    """`text` as it is, to be read within a sentence, a paragraph or a cell."""
    shown = _SIGNIFICANT.sub(lambda match: f"\\{match[0]}", _bounded(text))
    # Neither a person that is told, nor an address that mail can be sent to.
    return _AT_BEGINNING.sub(_not_at_beginning, shown).replace("@", "`@`")


def code(text: object) -> str:
    """`text` as a word to be copied: an address, a name, a command."""
    shown = _bounded(text)
    # Inside code nothing can be escaped, and a bar would end a cell.
    return f"`{shown}`" if shown.strip() and not set(shown) & set("`|\\") else words(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of cells that are Markdown already; the last `numbers` columns are flush right."""
    marks = ["---"] * (len(columns) - numbers) + ["---:"] * numbers
    lines = [columns, marks, *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bounded(text: object) -> str:
    shown = printable(text).strip()
    return shown if len(shown) <= MAX_LENGTH else f"{shown[: MAX_LENGTH - 1]}…"


def _not_at_beginning(match: re.Match[str]) -> str:
    # The number of a list cannot be escaped, and what follows it can.
    return f"\\{match[0]}" if not match[0].isdigit() else f"{match[0]}\\"
