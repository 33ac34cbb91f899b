"""The code of the documentation: every fenced block and every command within a sentence, found by a Markdown parser.

A comment before a block contains what its reader need not see:

- ``<!-- not run: REASON -->``: no test can run it, and why;
- ``<!-- run by: FILE -->``: a test of its own runs it, in that file;
- ``<!-- before it: CODE -->``: runs first, such as an import that an earlier block has;
- ``<!-- runs until: TEXT -->``: stays up; it gets Ctrl-C once it has printed TEXT.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]

GENERATED = [*sorted((ROOT / "docs" / "reference").glob("*.md")), ROOT / "docs" / "glossary.md"]
"""Made of tables that have their own tests."""

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "dashboard/README.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page not in GENERATED),
]

_NOTE = re.compile(r"<!-- (not run|run by|before it|runs until):\s(.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None = None
    run_by: Path | None = None
    before: str = ""
    until: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """The commands of a console, each as it was typed, without their output."""
        found: list[str] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append(line[2:])
            elif found and _goes_on(found[-1]):
                found[-1] += f"\n{line}"
        return found


def _goes_on(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:  # a quote is open
        return True
    return command.endswith("\\")


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, with what the comment before each says."""
    tokens = _parsed(page)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "fence":
            continue
        notes = dict(_NOTE.findall(before.content)) if before is not None and before.type == "html_block" else {}
        yield Block(
            page=page,
            line=(token.map or [0])[0] + 1,
            language=token.info.strip(),
            text=token.content,
            not_run=notes.get("not run"),
            run_by=ROOT / notes["run by"] if "run by" in notes else None,
            before=notes.get("before it", ""),
            until=notes.get("runs until"),
        )


def commands_in_sentences(page: Path, program: str) -> list[str]:
    """The code within sentences that begins with `program`, such as "nocarrier doctor --probe"."""
    spans = (child for token in _parsed(page) for child in token.children or () if child.type == "code_inline")
    return [span.content for span in spans if span.content.startswith(f"{program} ")]


def _parsed(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
