"""Paragraphs on a terminal: wrapped, indented, and with a mark such as the number of a step in front."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from nocarrier.cli.render.text import printable


class Line(NamedTuple):
    """One paragraph. `text` may be hostile: it is made printable."""

    indentation: int
    text: str
    mark: str = ""
    """Precedes the first line. The other lines are aligned with the text, not with the mark."""
    style: str = ""
    mark_style: str = ""
    is_whole: bool = False
    """Never wrapped, so that it can be copied."""


def print_lines(console: Console, lines: Iterable[Line]) -> None:
    """Print `lines`, with styles if `console` is a terminal."""
    for line in lines:
        mark = f"{printable(line.mark)} " if line.mark else ""
        text = Text(printable(line.text), style=line.style)
        # A very long mark, or a very narrow terminal, must leave room for at least some words.
        width = max(20, console.width - line.indentation - len(mark))
        before = Text(" " * line.indentation).append(mark, style=line.mark_style)
        for part in ([text] if line.is_whole else text.wrap(console, width)) or [Text()]:
            part.rstrip()
            console.print(before + part, soft_wrap=True)
            before = Text(" " * len(before))
