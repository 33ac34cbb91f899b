"""Every severity has its own look wherever findings are shown: on a terminal and on the page."""

from __future__ import annotations

import re
from pathlib import Path

from nocarrier.cli.render.diagnosis_text import SEVERITY_STYLES
from nocarrier.model.finding import Severity

VERDICT_CSS = Path(__file__).parents[2] / "dashboard/src/verdict/verdict.css"


def test_a_terminal_shows_every_severity_differently():
    assert SEVERITY_STYLES.keys() == set(Severity)
    assert len(set(SEVERITY_STYLES.values())) == len(Severity)


def test_the_page_shows_every_severity_differently():
    """A finding for information looks like any finding, and needs no rule of its own."""
    styled = re.findall(r"^\.severity-(\w+) \{", VERDICT_CSS.read_text(), re.MULTILINE)
    assert {*styled, Severity.INFO} == set(Severity)
