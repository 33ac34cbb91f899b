"""Findings are kept from their beginning to their end, however they end."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from nocarrier.model.action import NextAction
from nocarrier.model.finding import Finding, Severity
from nocarrier.model.history import EndedBy
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import address, quoted, say
from nocarrier.outputs.history import database, write_sql, writer_thread
from tests.outputs.history.kit import NOON_UNIX, eventually, history_of, written


def finding(code="peer_down", severity=Severity.INFO, summary="one is down", since_unix=NOON_UNIX):
    return Finding(
        code=code,
        title=say("A title about {addr}", addr=address("203.0.113.9:7072")),
        severity=severity,
        blame=Blame.THEM,
        summary=say("{said}", said=quoted(summary)),
        confidence=0.5,
        evidence=(),
        affected_peers=1,
        affected_dials=2,
        next_actions=(NextAction(text=say("Do this.")),),
        since_unix=since_unix,
    )


@pytest.fixture
def history(path, tracker):
    with history_of(path, tracker) as made:
        eventually(lambda: made.status().since_unix is None and made.status().state == "working")
        yield made


def kept(history, since_unix=None, until_unix=None):
    return history.findings(since_unix, until_unix, 100)


def test_a_finding_has_a_beginning_and_an_end(history):
    history.record_findings((finding(),))
    [begun] = eventually(lambda: kept(history))
    assert (begun.began_unix, begun.ended_unix, begun.ended_by) == (NOON_UNIX, None, None)
    assert begun.finding == finding()

    history.record_findings(())
    [ended] = eventually(lambda: [each for each in kept(history) if each.ended_unix])
    assert ended.ended_by is EndedBy.CLEARED
    assert ended.ended_unix > NOON_UNIX


def test_a_finding_that_comes_again_is_another_one(history):
    for summary in ("first", "second"):
        history.record_findings((finding(summary=summary),))
        eventually(lambda summary=summary: kept(history) and str(kept(history)[0].finding.summary) == summary)
        history.record_findings(())
        eventually(lambda: all(each.ended_unix for each in kept(history)))
    assert {str(each.finding.summary) for each in kept(history)} == {"first", "second"}


def test_numbers_that_change_are_written_now_and_then_and_the_last_ones_at_the_end(history):
    history.record_findings((finding(summary="1 dial"),))
    eventually(lambda: kept(history))
    history.record_findings((finding(summary="2 dials"),))
    history.record_findings((finding(summary="3 dials"),))
    history.record_findings((finding(), finding("offline")))
    eventually(lambda: len(kept(history)) == 2)
    assert {str(each.finding.summary) for each in kept(history)} == {"1 dial", "one is down"}, "not at every change"
    history.record_findings(())
    eventually(lambda: all(each.ended_unix for each in kept(history)))
    assert {str(each.finding.summary) for each in kept(history)} == {"one is down"}


def test_the_worst_severity_stays(history):
    for severity in (Severity.WARNING, Severity.CRITICAL, Severity.INFO):
        history.record_findings((finding(severity=severity, summary=severity),))
        eventually(
            lambda severity=severity: [
                standing for standing in history._writer._standing.values() if standing.finding.severity is severity
            ]
        )
    [only] = kept(history)
    assert only.worst_severity is Severity.CRITICAL


def test_a_change_of_numbers_is_written_when_it_is_due(path, tracker, monkeypatch):
    monkeypatch.setattr(write_sql, "REWRITE_AFTER_S", 0.0)
    with history_of(path, tracker) as history:
        history.record_findings((finding(summary="1 dial"),))
        eventually(lambda: kept(history))
        history.record_findings((finding(summary="2 dials"),))
        eventually(lambda: str(kept(history)[0].finding.summary) == "2 dials")


def test_findings_active_at_a_normal_end_ended_then(path, tracker):
    with history_of(path, tracker) as history:
        history.record_findings((finding(),))
        eventually(lambda: kept(history))
    with history_of(path, tracker) as again:
        [ended] = eventually(lambda: kept(again))
        assert ended.ended_by is EndedBy.STOPPED
        assert ended.ended_unix is not None


def test_findings_active_at_a_crash_ended_when_they_were_last_seen(path, tracker):
    with history_of(path, tracker) as history:
        history.record_findings((finding(),))
        tracker.record("198.18.0.1:1", "timeout", "seed")
        written(history, 1)
        eventually(lambda: kept(history))
    with contextlib.closing(sqlite3.connect(path)) as connection:  # as a kill would have left it
        connection.execute("UPDATE run SET stopped_unix = NULL, seen_unix = ?", [NOON_UNIX + 7])
        connection.execute("UPDATE finding SET ended_unix = NULL, ended_by = NULL")
        connection.commit()
    with history_of(path, tracker) as again:
        [ended] = eventually(lambda: [each for each in kept(again) if each.ended_unix])
        assert (ended.ended_by, ended.ended_unix) == (EndedBy.CRASHED, NOON_UNIX + 7)


def test_a_range_contains_the_findings_active_in_it(history, tracker):
    history.record_findings((finding("one", since_unix=NOON_UNIX), finding("two", since_unix=NOON_UNIX + 100)))
    eventually(lambda: len(kept(history)) == 2)
    assert [each.finding.code for each in kept(history)] == ["two", "one"]
    assert [each.finding.code for each in kept(history, until_unix=NOON_UNIX + 50)] == ["one"]
    history.record_findings((replace(finding("two", since_unix=NOON_UNIX + 100)),))
    [ended] = eventually(lambda: [each for each in kept(history) if each.ended_unix])
    assert [each.finding.code for each in kept(history, since_unix=ended.ended_unix + 1)] == ["two"]


def test_findings_that_came_and_went_while_the_disk_failed_keep_their_times(path, tracker, monkeypatch):
    monkeypatch.setattr(writer_thread, "RETRY_EVERY_S", 0.05)
    path.mkdir()  # a folder where the file should be
    with history_of(path, tracker) as history:
        eventually(lambda: history.status().state == "failing")
        history.record_findings((finding("offline"),))
        history.record_findings(())
        cleared_unix = tracker._clock()
        history.record_findings((finding("offline", since_unix=NOON_UNIX + 3),))
        tracker._clock.now_unix += 3_600
        path.rmdir()
        again, first = eventually(lambda: history.status().state == "working" and kept(history))
    assert (first.began_unix, first.ended_by) == (NOON_UNIX, EndedBy.CLEARED)
    assert first.ended_unix == pytest.approx(cleared_unix, abs=1), "when it ended, not when that could be written"
    assert (again.began_unix, again.ended_unix) == (NOON_UNIX + 3, None)


def test_no_finding_ends_before_it_began(path, tracker):
    with history_of(path, tracker) as history:
        history.record_findings((finding(since_unix=NOON_UNIX + 20),))
        eventually(lambda: kept(history))
    with contextlib.closing(sqlite3.connect(path)) as connection:  # as a kill would have left it
        connection.execute("UPDATE run SET stopped_unix = NULL, seen_unix = ?", [NOON_UNIX])
        connection.execute("UPDATE finding SET ended_unix = NULL, ended_by = NULL")
        connection.commit()
    with history_of(path, tracker) as again:
        [ended] = eventually(lambda: [each for each in kept(again) if each.ended_unix])
    assert ended.ended_unix == NOON_UNIX + 20


def test_an_active_finding_begins_again_in_a_new_file(history, path):
    history.record_findings((finding(),))
    eventually(lambda: kept(history))
    for ending in ("", *database.COMPANIONS):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    eventually(lambda: "removed" in (history.status().detail or ""))
    [standing] = eventually(lambda: history.status().state == "working" and kept(history))
    assert (standing.began_unix, standing.ended_unix) == (NOON_UNIX, None)
