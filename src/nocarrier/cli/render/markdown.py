"""Markdown (GitHub's, which is CommonMark with tables) in which foreign text stays text.

The words of a peer cannot make a link, image, heading, table cell or mention, wherever the document is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nocarrier.cli.render.text import printable

MAX_LENGTH = 400
"""Longest text in characters; a longer one is cut. A detail is cut at 300 when it is recorded."""

_SIGNIFICANT = re.compile(
    r"""
    [\\`*\[\]<>&~$]              # emphasis, code, links, HTML, entities, strikethrough, formulas
    | (?<![^\W_])_ | _(?![^\W_]) # emphasis, but not within a word such as connection_refused
    | :(?=//)                    # a URL becomes a link without any markup
    | (?<=www)\.                 # and so does a host name that begins with www
    """,
    re.VERBOSE | re.IGNORECASE,
)

_AT_BEGINNING = re.compile(r"^([-+=#]|\d{1,9}(?=[.)]))")
"""What turns a paragraph that begins with it into a heading or a list."""


def words(text: object) -> str:
    """`text` to be read as it is, within a sentence, a paragraph or a cell."""
    shown = _SIGNIFICANT.sub(lambda match: f"\\{match[0]}", _bounded(text))
    # Neither a mention of a user nor a mail address.
    return _AT_BEGINNING.sub(_not_at_beginning, shown).replace("@", "`@`")


def code(text: object) -> str:
    """`text` to be copied: an address, a name, a command."""
    shown = _bounded(text)
    # Inside code nothing can be escaped, and a bar would end a cell.
    return f"`{shown}`" if shown.strip() and not set(shown) & set("`|\\") else words(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table. Its cells are Markdown already; the last `numbers` columns are aligned right."""
    marks = ["---"] * (len(columns) - numbers) + ["---:"] * numbers
    lines = [columns, marks, *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bounded(text: object) -> str:
    shown = printable(text).strip()
    return shown if len(shown) <= MAX_LENGTH else f"{shown[: MAX_LENGTH - 1]}…"


def _not_at_beginning(match: re.Match[str]) -> str:
    # The number of a list item cannot be escaped, but the mark after it can.
    return f"\\{match[0]}" if not match[0].isdigit() else f"{match[0]}\\"
