"""Every heading, label and option of the command line consists of plain English and of words that `explain` knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import nocarrier.cli
from nocarrier.cli.main import VERBS, main
from nocarrier.model.glossary import GLOSSARY, key_of

HEADINGS = {"COLUMNS", "columns"}
"""Names of the tuples that are the header of a table."""

LABELLING = {"print_table": 0, "table": 0, "add_column": 0, "_fact": 0, "_counted": 2}
"""Functions that take a heading or a label, and the position of that argument."""

PLAIN = """
a addr address addresses all away connections dialed dropped ended fact first follow force format from how in is it
itself json known last lasted listen min next not now number of once or output period program protect report row
seen setting since start success summary that the this time to token told took total turned unredacted until url utc
value was what with worst
"""
"""Words that every reader of English knows in the sense in which they are used here. Do not add nocarrier's own terms:
they belong in the glossary."""


def labels_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and {each.id for each in node.targets if isinstance(each, ast.Name)} & HEADINGS:
            yield from texts_in(node.value)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = LABELLING.get(name)
            if place is not None and len(node.args) > place:
                yield from texts_in(node.args[place])


def texts_in(node: ast.expr) -> Iterator[str]:
    """The texts in a tuple, or the text itself. Computed texts are words of a table, which has its own test."""
    for each in node.elts if isinstance(node, ast.Tuple) else [node]:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def labels() -> dict[str, set[str]]:
    folder = Path(nocarrier.cli.__file__).parent
    found = {str(path.relative_to(folder)): set(labels_in(path)) for path in sorted(folder.rglob("*.py"))}
    return {file: texts for file, texts in found.items() if texts}


def unexplained(text: str) -> list[str]:
    words = re.findall(r"[a-z]+", text.lower())
    left = []
    while words:
        length = next((length for length in (2, 1) if is_explained("_".join(words[:length]))), 0)
        if not length:
            left.append(words[0])
        words = words[length or 1 :]
    return [word for word in left if word not in PLAIN.split()]


def is_explained(word: str) -> bool:
    return key_of(word) in GLOSSARY or key_of(word.removesuffix("s")) in GLOSSARY


def test_labels_are_found_in_every_part_of_the_command_line():
    found = labels()
    assert {"peers.py", "demo.py", "render/event_row.py", "top/screen.py", "history/command.py"} <= set(found)
    assert {"report/numbers.py", "report/peers.py", "report/text.py"} <= set(found)
    assert "streak" in found["peers.py"]
    assert "in flight" in found["top/screen.py"]
    assert unexplained("peer book, of frobnications") == ["frobnications"]


@pytest.mark.parametrize("file", labels())
def test_every_heading_and_label_can_be_explained(file):
    assert {text: unexplained(text) for text in sorted(labels()[file]) if unexplained(text)} == {}


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"run"}))  # its flags are settings, which have a page
def test_every_option_can_be_explained(verb):
    command = main.get_command(click.Context(main), verb)
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if unexplained(option.opts[0])] == []
