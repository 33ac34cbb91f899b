"""Writes to the file, each in one transaction: events with their counts, findings, and deletions of old rows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from nocarrier.model.event import DialEvent
from nocarrier.model.finding import Finding
from nocarrier.model.history import EndedBy
from nocarrier.outputs.history.finding_json import encode_finding
from nocarrier.outputs.history.retention import minute
from nocarrier.outputs.history.rows import COLUMNS, HOUR_S, MINUTE_S, MinuteKey, minute_of, to_row

BLOCK_ROWS = 128
"""Rows in one statement. Other Python threads run while SQLite works, but after each statement the writer must get the
interpreter's lock back. With a statement for each row, the writer would wait for a busy event loop thousands of times a
second; with thousands of rows, the event loop would wait for the writer. Preparing 128 takes about two milliseconds."""

DELETE_ROWS = 4_000
"""How many old rows to delete at once: this takes about 50 ms, in which new rows can wait."""

_ROW = f"({', '.join('?' * len(COLUMNS))})"
_INSERT = f"INSERT INTO event ({', '.join(COLUMNS)}) VALUES "  # noqa: S608 - our own names
INSERT_ONE = _INSERT + _ROW
_INSERT_BLOCK = _INSERT + ", ".join([_ROW] * BLOCK_ROWS)
_COUNT = "INSERT INTO {} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
_COUNT_HOUR_ANEW = """
INSERT INTO hour
SELECT :hour, kind, source, phase, reason, sum(count) FROM minute WHERE minute >= :hour AND minute < :hour + 3600
GROUP BY kind, source, phase, reason
"""


class StandingFinding(NamedTuple):
    """An active finding, as it was last written."""

    place: int
    finding: Finding
    written_unix: float
    worst_rank: int


Told: TypeAlias = tuple[float, tuple[Finding, ...]]
"""A time in Unix seconds, and the findings that were active from then on."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction: all of it takes effect, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # If the disk is full, SQLite may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def begin_run(connection: sqlite3.Connection, identity: str, now_unix: float, version: str) -> int:
    """Note that the run `identity` writes from now on, and return its id.

    It may have written before, because a program can close its history and open it again. Findings of a run that
    crashed get the time at which that run was last seen as their end.
    """
    with transaction(connection):
        connection.execute(
            "UPDATE finding SET ended_by = ?,"
            " ended_unix = max(began_unix, (SELECT seen_unix FROM run WHERE run.id = finding.run))"
            " WHERE ended_unix IS NULL",
            [EndedBy.CRASHED.value],
        )
        (run,) = connection.execute(
            "INSERT INTO run (identity, started_unix, seen_unix, version) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (identity) DO UPDATE SET seen_unix = excluded.seen_unix, stopped_unix = NULL RETURNING id",
            [identity, now_unix, now_unix, version],
        ).fetchone()
    return int(run)


def see_run(connection: sqlite3.Connection, run: int, now_unix: float, *, stopped: bool = False) -> None:
    """Note that the program runs or, with `stopped`, that it stops."""
    connection.execute(
        "UPDATE run SET seen_unix = ?, stopped_unix = ? WHERE id = ?", [now_unix, now_unix if stopped else None, run]
    )


def insert_events(connection: sqlite3.Connection, blocks: Iterable[Sequence[DialEvent]], run: int) -> None:
    """Write events, oldest first and in blocks of at most `BLOCK_ROWS`, count them, and note when the run was seen."""
    counts: Counter[MinuteKey] = Counter()
    seen_unix = 0.0
    with transaction(connection):
        (first,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM event").fetchone()
        place = first
        for block in blocks:
            rows = [to_row(event, each, run) for each, event in enumerate(block, place)]
            place += len(rows)
            seen_unix = rows[-1][3]
            counts.update(map(minute_of, rows))
            if len(rows) == BLOCK_ROWS:
                connection.execute(_INSERT_BLOCK, [value for row in rows for value in row])
            else:
                connection.executemany(INSERT_ONE, rows)
        _show_from(connection, min(key[0] for key in counts), first)
        see_run(connection, run, seen_unix)
        by_minute = [(*key, count) for key, count in counts.items()]
        connection.executemany(_COUNT.format("minute"), by_minute)
        connection.executemany(_COUNT.format("hour"), [(row[0] // HOUR_S * HOUR_S, *row[1:]) for row in by_minute])


def can_be_written(event: DialEvent) -> bool:
    """Whether `event` can be turned into a row."""
    try:
        minute_of(to_row(event, 0, 0))
    except Exception:  # noqa: BLE001 - whatever the error, the event cannot be kept
        return False
    return True


def _show_from(connection: sqlite3.Connection, at_unix: int, place: int) -> None:
    """Move the horizon back to `at_unix` if it is later, as after a clock that was years ahead.

    Events before `place` that it still hides are deleted at once; otherwise they would be shown again.
    """
    (horizon,) = connection.execute("SELECT at_unix FROM horizon").fetchone()
    if at_unix < horizon:
        connection.execute("DELETE FROM event WHERE at_unix < ? AND id < ?", [horizon, place])
        connection.execute("UPDATE horizon SET at_unix = ?", [at_unix])


# ---- old rows --------------------------------------------------------------------------------------------------------


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of the rows and their indexes in bytes. Free pages do not count, because they are used again."""
    return _pragma(connection, "page_count") * _pragma(connection, "page_size") - free_bytes(connection)


def free_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of the file's free pages in bytes."""
    return _pragma(connection, "freelist_count") * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def minute_after_oldest(connection: sqlite3.Connection, rows: int) -> float | None:
    """Return the beginning of the minute of the first event after the oldest `rows`; None: there are no events.

    If that is the minute of the oldest event too, the next minute is returned.
    """
    oldest = connection.execute("SELECT at_unix FROM event ORDER BY at_unix LIMIT 1").fetchone()
    if oldest is None:
        return None
    last = connection.execute("SELECT at_unix FROM event ORDER BY at_unix LIMIT 1 OFFSET ?", [rows]).fetchone()
    at_least = minute(oldest[0]) + MINUTE_S
    return max(at_least, minute(last[0])) if last else at_least


def move_horizon(connection: sqlite3.Connection, at_unix: float) -> None:
    """Hide all events before `at_unix`, a whole minute. `delete_old` deletes their rows bit by bit."""
    with transaction(connection):
        connection.execute("UPDATE horizon SET at_unix = max(at_unix, ?)", [at_unix])
        connection.execute("DELETE FROM minute WHERE minute < ?", [at_unix])
        hour = at_unix // HOUR_S * HOUR_S  # part of this hour may remain, so it is counted again
        connection.execute("DELETE FROM hour WHERE hour <= ?", [hour])
        connection.execute(_COUNT_HOUR_ANEW, {"hour": int(hour)})
        connection.execute("DELETE FROM finding WHERE ended_unix < ?", [at_unix])


def delete_old(connection: sqlite3.Connection) -> int:
    """Delete some events before the horizon, and return how many. If fewer than `DELETE_ROWS`, none are left."""
    with transaction(connection):
        deleted = connection.execute(
            "DELETE FROM event WHERE id IN"
            " (SELECT id FROM event WHERE at_unix < (SELECT at_unix FROM horizon) ORDER BY at_unix LIMIT ?)"
            " RETURNING run, seq",
            [DELETE_ROWS],
        ).fetchall()
        newest: dict[int, int] = {}
        for run, seq in deleted:
            newest[run] = max(seq, newest.get(run, 0))
        connection.executemany(
            "UPDATE run SET expired_seq = max(expired_seq, ?) WHERE id = ?", [(seq, run) for run, seq in newest.items()]
        )
        if len(deleted) < DELETE_ROWS:
            _delete_old_runs(connection)
    return len(deleted)


def _delete_old_runs(connection: sqlite3.Connection) -> None:
    """Delete the oldest runs that have no rows left, but no run that is newer than one that stays.

    So a follower whose run is still here cannot have missed a run after it.
    """
    connection.execute(
        "DELETE FROM run WHERE id < (SELECT min(id) FROM run WHERE"
        " seen_unix >= (SELECT at_unix FROM horizon) OR id = (SELECT max(id) FROM run)"  # crashed ones too
        " OR EXISTS (SELECT 1 FROM event WHERE event.run = run.id)"
        " OR EXISTS (SELECT 1 FROM finding WHERE finding.run = run.id))"
    )


def shrink(connection: sqlite3.Connection, pages: int) -> None:
    """Give back up to `pages` free pages to the disk."""
    connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()


# ---- findings --------------------------------------------------------------------------------------------------------

REWRITE_AFTER_S = 30.0
"""How often a finding is rewritten while its numbers change. A worse severity is written at once."""


def write_findings(
    connection: sqlite3.Connection, standing: Mapping[str, StandingFinding], told: Iterable[Told], run: int
) -> dict[str, StandingFinding]:
    """Write which findings began, changed and ended since `standing`; return the active findings by code."""
    now = dict(standing)
    with transaction(connection):
        for at_unix, findings in told:
            now = _write_change(connection, now, findings, at_unix, run)
    return now


def _write_change(
    connection: sqlite3.Connection,
    standing: Mapping[str, StandingFinding],
    findings: Sequence[Finding],
    at_unix: float,
    run: int,
) -> dict[str, StandingFinding]:
    now: dict[str, StandingFinding] = {}
    for finding in findings:
        earlier = standing.get(finding.code)
        if earlier is None:
            now[finding.code] = _begin_finding(connection, finding, at_unix, run)
        else:
            now[finding.code] = _change_finding(connection, earlier, finding, at_unix)
    for code in standing.keys() - now.keys():
        end_finding(connection, standing[code], at_unix, EndedBy.CLEARED)
    return now


def end_finding(connection: sqlite3.Connection, standing: StandingFinding, now_unix: float, ended_by: EndedBy) -> None:
    """Write that a finding is no longer active, and its last state."""
    connection.execute(
        "UPDATE finding SET ended_unix = ?, ended_by = ?, finding = ? WHERE id = ?",
        [now_unix, ended_by.value, encode_finding(standing.finding), standing.place],
    )


def _begin_finding(connection: sqlite3.Connection, finding: Finding, now_unix: float, run: int) -> StandingFinding:
    made = connection.execute(
        "INSERT INTO finding (run, code, began_unix, worst_severity, finding) VALUES (?, ?, ?, ?, ?)",
        [run, finding.code, finding.since_unix, finding.severity.value, encode_finding(finding)],
    )
    assert made.lastrowid is not None
    return StandingFinding(made.lastrowid, finding, now_unix, finding.severity.rank)


def _change_finding(
    connection: sqlite3.Connection, earlier: StandingFinding, finding: Finding, now_unix: float
) -> StandingFinding:
    is_worse = finding.severity.rank < earlier.worst_rank
    is_due = finding != earlier.finding and now_unix - earlier.written_unix >= REWRITE_AFTER_S
    if is_worse:
        connection.execute(
            "UPDATE finding SET worst_severity = ?, finding = ? WHERE id = ?",
            [finding.severity.value, encode_finding(finding), earlier.place],
        )
    elif is_due:
        connection.execute("UPDATE finding SET finding = ? WHERE id = ?", [encode_finding(finding), earlier.place])
    written_unix = now_unix if is_worse or is_due else earlier.written_unix
    return StandingFinding(earlier.place, finding, written_unix, min(earlier.worst_rank, finding.severity.rank))
