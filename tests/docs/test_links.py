"""Links lead to an existing page and heading, and no file refers to a text that is not in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import GENERATED, PAGES, ROOT

EVERY_PAGE = sorted({*PAGES, *GENERATED, *ROOT.glob("*.md"), ROOT / "dashboard" / "README.md"})


def anchors_of(page: Path) -> set[str]:
    """What a link to a page can name, in the way in which code hosting sites derive it from headings."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text())
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            wrong.append(link)
    assert wrong == []


def test_every_page_is_reached_from_the_index():
    """By links from page to page; a page that nobody can find might as well not exist."""
    reached, waiting = set(), [ROOT / "docs" / "README.md", ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert [page for page in EVERY_PAGE if page not in reached] == []


FOLDERS = ["docs", "src", "dashboard/src", "dashboard/tests", "tests", "testbed", "lab", "bench", "tools", "monitoring"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_refers_to_texts_that_are_not_in_the_repository(folder: str):
    """There is no "contract" and no "mission" that a reader could open."""
    suffixes = {".md", ".py", ".ts", ".tsx", ".yml"}
    paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes and path != Path(__file__)]
    spoken = re.compile(r"\bthe (contract|mission|goals)\b", re.IGNORECASE)
    assert [path for path in paths if "built" not in path.parts and spoken.search(path.read_text())] == []
