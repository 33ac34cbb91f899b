"""Reads the file: pages of events, counts over time, and findings. Each read has a connection of its own."""

from __future__ import annotations

import contextlib
import math
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nocarrier.errors import CursorError, HistoryError
from nocarrier.model.finding import Severity
from nocarrier.model.history import (
    EndedBy,
    EventCount,
    EventPage,
    EventQuery,
    Series,
    SeriesQuery,
    StoredEvent,
    StoredFinding,
)
from nocarrier.model.taxonomy import Phase, Reason, Source
from nocarrier.outputs.history.database import Migration, open_to_read, what_to_change
from nocarrier.outputs.history.finding_json import decode_finding
from nocarrier.outputs.history.rows import HOUR_S, IDENTITY, KINDS, MINUTE_S, SELECTED, SHOWN, member, to_event

LONGEST_S = 5.0
"""A read that takes longer is aborted. It looks for something rare in a long time, without an index."""

LOOK_AT_CLOCK_EVERY = 20_000
"""After how many steps of SQLite's virtual machine to check the time: about a millisecond."""

_CURSOR = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)-([0-9]{1,18})")
"""Time and id of the last event of a page."""

_COLUMNS = ("kind", "source", "phase", "reason")
"""The columns by which the tables minute and hour count."""


@contextlib.contextmanager
def connected(path: Path, steps: Sequence[Migration], *, may_be_missing: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a connection for one read. A file that the writer has not made yet is an empty history.

    Args:
        path: the file.
        steps: the schema.
        may_be_missing: whether there may be no file yet.

    Raises:
        HistoryError: the file cannot be read, or the read takes too long.
    """
    deadline = time.monotonic() + LONGEST_S
    try:
        with contextlib.closing(open_to_read(path, steps, may_be_missing=may_be_missing)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, LOOK_AT_CLOCK_EVERY)
            yield connection
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise HistoryError(
                f"this takes longer than {LONGEST_S:g} s; ask for a shorter time with since_unix and until_unix, or "
                "for one addr, via or reason"
            ) from error
        raise HistoryError(f"the history cannot be read: {what_to_change(error, path)}") from error
    except sqlite3.Error as error:
        raise HistoryError(f"the history cannot be read: {what_to_change(error, path)}") from error


def read_events(connection: sqlite3.Connection, query: EventQuery) -> EventPage:
    """Return a page of events, newest first.

    Raises:
        CursorError: the cursor did not come from this history.
    """
    last = _read_cursor(query.cursor) if query.cursor is not None else None
    begin = query.since_unix or 0.0
    end = math.inf if query.until_unix is None else query.until_unix
    newest = end if last is None else min(end, last[0])
    rows: list[tuple[Any, ...]] = []
    with _one_instant(connection):
        for since_unix, until_unix in _spans(connection, query, begin, newest):
            missing = query.limit + 1 - len(rows)
            rows += _rows(connection, query, max(begin, since_unix), min(end, until_unix), last, missing)
            if len(rows) > query.limit:
                break
    events = list(map(to_event, rows[: query.limit]))
    return EventPage(events=events, next_cursor=_cursor(events[-1]) if len(rows) > query.limit else None)


@contextlib.contextmanager
def _one_instant(connection: sqlite3.Connection) -> Iterator[None]:
    """Read inside the block as of one moment, so that counts and events agree."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()


def _rows(
    connection: sqlite3.Connection,
    query: EventQuery,
    since_unix: float,
    until_unix: float,
    last: tuple[float, int] | None,
    limit: int,
) -> list[tuple[Any, ...]]:
    """Return up to `limit` matching events, newest first: at or after `since_unix`, before `until_unix` and `last`."""
    # `+` keeps SQLite from using the index on reason: a peer has fewer events than a reason.
    reason = "reason" if query.addr is None and query.via is None else "+reason"
    conditions, values = _filters(query, "kind", reason, "source", "phase", "addr", "via")
    # Only one bound on each side: if there are two, SQLite may use either for the search, and read all rows in between.
    conditions.append("at_unix >= max(?, (SELECT at_unix FROM horizon))")
    values.append(since_unix)
    if last is not None and last[0] < until_unix:
        conditions.append("(at_unix, id) < (?, ?)")
        values += last
    else:
        conditions.append("at_unix < ?")
        values.append(until_unix)
    return connection.execute(
        f"SELECT {SELECTED} FROM event WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own names
        " ORDER BY at_unix DESC, id DESC LIMIT ?",
        [*values, limit],
    ).fetchall()


def _spans(
    connection: sqlite3.Connection, query: EventQuery, begin: float, newest: float
) -> Iterator[tuple[float, float]]:
    """Yield the times to search, newest first: each minute that has matching counts, or the whole time.

    There is no index on kind, source or phase. The tables of counts know in which minutes such events were recorded.
    """
    whole = (begin, math.inf)
    if query.addr is not None or query.via is not None:
        # The counts do not know addresses, but they know if nothing matches the other filters.
        if next(_counted(connection, query, "hour", begin // HOUR_S * HOUR_S, newest), None) is not None:
            yield whole
    elif query.kind is None and query.source is None and query.phase is None:
        yield whole
    else:
        for hour in _counted(connection, query, "hour", begin // HOUR_S * HOUR_S, newest):
            first = max(hour, begin // MINUTE_S * MINUTE_S)
            for minute in _counted(connection, query, "minute", first, min(hour + HOUR_S - 1, newest)):
                yield minute, minute + MINUTE_S


def _counted(connection: sqlite3.Connection, query: EventQuery, table: str, first: float, last: float) -> Iterator[int]:
    """Yield the hours or minutes from `first` to `last` whose counts match `query`; addr and via are ignored."""
    conditions, values = _filters(query, *_COLUMNS)
    conditions.append(f"{table} BETWEEN ? AND ?")
    found = connection.execute(
        f"SELECT DISTINCT {table} FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {table} DESC",  # noqa: S608
        [*values, first, last],
    )
    return (begin for (begin,) in found)


def _filters(query: EventQuery | SeriesQuery, *columns: str) -> tuple[list[str], list[str | float]]:
    """Return SQL conditions for the filters of `query`, and their values."""
    conditions: list[str] = []
    values: list[str | float] = []
    for column in columns:
        wanted = getattr(query, column.lstrip("+"))
        if wanted is not None:
            any_of = wanted if isinstance(wanted, tuple) else (wanted,)
            conditions.append(f"{column} IN ({', '.join('?' * len(any_of))})")
            values += map(str, any_of)
    return conditions, values


def _cursor(event: StoredEvent) -> str:
    return f"{event.at_unix!r}-{event.id}"


def _read_cursor(text: str) -> tuple[float, int]:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise CursorError("the cursor did not come from this history; leave it out to get the first page.")
    return float(match[1]), int(match[2])


def read_series(connection: sqlite3.Connection, query: SeriesQuery) -> Series:
    """Return counts for each bucket and for the whole time."""
    begin = int(query.since_unix) // query.bucket_s * query.bucket_s
    end = -(-math.ceil(query.until_unix) // query.bucket_s) * query.bucket_s
    table = "minute" if query.bucket_s % HOUR_S else "hour"
    conditions, values = _filters(query, *_COLUMNS)
    conditions += [f"{table} >= ?", f"{table} < ?"]
    values += [begin, end]
    rows = connection.execute(
        f"SELECT {', '.join(_COLUMNS)}, ({table} - ?) / ? AS bucket, sum(count) FROM {table}"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} GROUP BY {', '.join(_COLUMNS)}, bucket",
        [begin, query.bucket_s, *values],
    ).fetchall()
    buckets = (end - begin) // query.bucket_s
    name_at = _COLUMNS.index(query.by)
    series: dict[str, list[int]] = {}
    whole: Counter[tuple[str, str, str, str]] = Counter()
    for kind, source, phase, reason, bucket, count in rows:
        whole[kind, source, phase, reason] += count
        name = (kind, source, phase, reason)[name_at]
        if name:
            series.setdefault(name, [0] * buckets)[bucket] += count
    starts = connection.execute(
        "SELECT started_unix FROM run WHERE started_unix >= ? AND started_unix < ? ORDER BY started_unix", [begin, end]
    )
    return Series(
        since_unix=begin,
        until_unix=end,
        bucket_s=query.bucket_s,
        by=query.by,
        series=dict(sorted(series.items(), key=lambda item: -sum(item[1]))),
        counts=[_count(*key, count) for key, count in whole.most_common()],
        starts_unix=[started for (started,) in starts],
    )


def _count(kind: str, source: str, phase: str, reason: str, count: int) -> EventCount:
    return EventCount(
        kind=KINDS[kind],
        source=member(Source, source) or Source.OTHER,
        phase=member(Phase, phase or None),
        reason=(member(Reason, reason) or Reason.OTHER) if reason else None,
        count=count,
    )


def read_findings(
    connection: sqlite3.Connection, since_unix: float | None, until_unix: float | None, limit: int
) -> list[StoredFinding]:
    """Return the findings that were active between the two times, the latest to begin first."""
    rows = connection.execute(
        f"SELECT id, {IDENTITY}, began_unix, ended_unix, ended_by, worst_severity, finding FROM finding"  # noqa: S608
        " WHERE (ended_unix IS NULL OR ended_unix >= ?) AND began_unix < ? ORDER BY began_unix DESC, id DESC LIMIT ?",
        [since_unix or 0.0, float("inf") if until_unix is None else until_unix, limit],
    )
    return [_finding(*row) for row in rows]


def _finding(place: int, run: str, began_unix: float, *rest: Any) -> StoredFinding:
    ended_unix, ended_by, worst_severity, finding = rest
    return StoredFinding(
        id=place,
        run=run,
        began_unix=began_unix,
        ended_unix=ended_unix,
        ended_by=EndedBy(ended_by) if ended_by else None,
        worst_severity=Severity(worst_severity),
        finding=decode_finding(finding, run),
    )


def count_events(connection: sqlite3.Connection) -> int:
    """Return how many events are shown."""
    return int(connection.execute("SELECT coalesce(sum(count), 0) FROM minute").fetchone()[0])


def oldest_event(connection: sqlite3.Connection) -> float | None:
    """Return the time of the oldest event that is shown; None: there are none."""
    (at_unix,) = connection.execute(f"SELECT min(at_unix) FROM event WHERE {SHOWN}").fetchone()  # noqa: S608
    return None if at_unix is None else float(at_unix)
