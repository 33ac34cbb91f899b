"""Findings in a file of the previous version are shown as they were, and masked where necessary."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from nocarrier.model.action import ProgramKind
from nocarrier.model.history import EndedBy
from nocarrier.model.wording.text import ValueKind
from nocarrier.web.views import Reader
from nocarrier.web.views.findings import finding_view
from tests.outputs.history.kit import eventually, history_of

DUMP = Path(__file__).with_name("history-0.1.0.sql")
"""Two runs of 0.1.0 from before findings had templates with values; the second one was killed."""

CODES = ["peer_overloaded", "private_addresses_gossiped", "seeds_down", "seeds_misconfigured", "unexplained"]


@pytest.fixture
def old(path):
    """The contents of the file, read without our code."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(DUMP.read_text())
        return [json.loads(row) for [row] in connection.execute("SELECT finding FROM finding ORDER BY id")]


@pytest.fixture
def history(old, path, tracker):
    with history_of(path, tracker) as made:
        eventually(lambda: made.status().state == "working")
        yield made


def test_every_finding_says_and_advises_what_it_did(history, old):
    kept = sorted(history.findings(None, None, 100), key=lambda stored: stored.id)
    assert sorted(stored.finding.code for stored in kept) == CODES
    for stored, then in zip(kept, old, strict=True):
        found = stored.finding
        assert (str(found.title), str(found.summary)) == (then["title"], then["summary"])
        assert [str(item.statement) for item in found.evidence] == [item["statement"] for item in then["evidence"]]
        assert [item.addrs for item in found.evidence] == [tuple(item["addrs"]) for item in then["evidence"]]
        assert [str(action.text) for action in found.next_actions] == then["next_actions"]
        assert [action.command for action in found.next_actions] == [None] * len(then["next_actions"])
        others = ("severity", "blame", "confidence", "affected_peers", "affected_dials", "since_unix")
        assert {name: getattr(found, name) for name in others} == {name: then[name] for name in others}
        assert found.hides == tuple(then["hides"])


def test_findings_of_a_killed_run_have_ended(history):
    ends = {stored.finding.code: stored.ended_by for stored in history.findings(None, None, 100)}
    assert ends["unexplained"] is ends["peer_overloaded"] is not None
    assert ends["unexplained"] is not EndedBy.CLEARED
    assert ends["seeds_down"] is EndedBy.CLEARED


def test_an_old_sentence_is_free_text_and_masked_as_such(history):
    [stored] = [each for each in history.findings(None, None, 100) if each.finding.code == "seeds_down"]
    assert {value.kind for value in stored.finding.summary.values.values()} == {ValueKind.TEXT}
    shown = finding_view(stored.finding, Reader(program=ProgramKind.NODE, is_masked=True))
    assert shown.summary.startswith("All 3 seeds that were dialed are down (")
    for secret in ("203.0.113.2", "seed-a", "seed-c"):
        assert secret not in str(shown)
