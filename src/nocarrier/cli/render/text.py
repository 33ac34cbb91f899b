"""Foreign text on a terminal: it must neither control the terminal nor pass for something else."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence

import click

_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that act instead of being seen: control characters (escape among them), format
characters (which reverse text or take no room), surrogates, private and unassigned ones, and line separators."""


def printable(text: object) -> str:
    r"""`text` on one line, with every character that acts written as an escape such as ``\x1b``."""
    return "".join(
        character if unicodedata.category(character) not in _ACTING else character.encode("unicode_escape").decode()
        for character in str(text)
    )


def print_json(document: object) -> None:
    """Print `document` on standard output. It is safe on a terminal too, as everything but ASCII is escaped."""
    click.echo(json.dumps(document, indent=2))


def cell(value: object) -> str:
    """What a table shows for `value`; nothing for None."""
    return "" if value is None else printable(value)


def clock_time(at_unix: object) -> str:
    """Local time of day, with the date unless it is today."""
    if not isinstance(at_unix, int | float):
        return ""
    try:
        then = time.localtime(at_unix)
    except (OverflowError, ValueError, OSError):
        return "?"
    is_today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", then)


def took_in_words(duration_s: float | None) -> str:
    """Such as 12 ms or 3.4 s; empty if unknown."""
    if duration_s is None:
        return ""
    return f"{duration_s * 1000:.0f} ms" if duration_s < 1 else f"{duration_s:.1f} s"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, whole: int) -> None:
    """Print a table on standard output. Every cell is shown as it is, markup and control characters included.

    On a terminal, the first `whole` columns stay on one line and the others are folded; a table without rows is not
    shown. Elsewhere, cells are separated by tabs below one line with the names of the columns. A tab within a cell is
    escaped, so that programs can tell the cells apart.
    """
    if not sys.stdout.isatty():
        print_row(columns)
        for row in rows:
            print_row(row)
        return
    from rich.box import SIMPLE  # noqa: PLC0415 - rich takes longer to load than most verbs to run
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        is_whole = place < whole
        table.add_column(column, no_wrap=is_whole, overflow="ellipsis" if is_whole else "fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    if table.row_count:
        Console(highlight=False).print(table)


def print_row(cells: Iterable[object]) -> None:
    """Print one line of a table for programs."""
    click.echo("\t".join(map(cell, cells)))


def print_note(text: str) -> None:
    """Print a sentence about a table, on standard error if programs read the table, so that they get it alone."""
    click.echo(text, err=not sys.stdout.isatty())
