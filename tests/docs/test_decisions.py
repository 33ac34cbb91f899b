"""docs/decisions/: numbered without a gap, each with a status and a date, and all in the index."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
SECTIONS = ["Context", "Decision", "Consequences", "Rejected"]


def test_numbers_have_no_gap():
    assert [path.name[:5] for path in RECORDS] == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_its_parts(path: Path):
    text = path.read_text()
    head = re.match(r"# (\d+)\. .+\n\n- \*\*Status:\*\* (.+)\n- \*\*Date:\*\* (.+)\n\n## ", text)
    assert head, "it begins with its number, its title, its status and its date"
    number, status, date = head.groups()
    assert int(number) == int(path.name[:4])
    assert re.fullmatch(r"accepted|superseded by \d+", status)
    dt.date.fromisoformat(date)
    assert re.findall(r"(?m)^## (.+)$", text) in (SECTIONS, SECTIONS[:-1])
    assert len(text.split()) <= 400, "a record is short"


def test_the_index_has_every_record_as_it_is():
    index = (FOLDER / "README.md").read_text()
    rows = []
    for number, path in enumerate(RECORDS, 1):
        title, status, date = re.match(
            r"# \d+\. (.+)\n\n- \*\*Status:\*\* (.+)\n- \*\*Date:\*\* (.+)\n", path.read_text()
        ).groups()
        rows.append(f"| {number} | [{title}]({path.name}) | {status} | {date} |")
    assert re.findall(r"(?m)^\| \d.*$", index) == rows
