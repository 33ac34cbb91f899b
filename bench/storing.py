"""The history: writing against executemany, queries against counting, and what the event loop notices of it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Benchmark, Goal, Result, compare
from bench.samples import record_failed_dials
from nocarrier import DialTracker
from nocarrier.model.history import EventQuery, SeriesQuery
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.outputs.history import SqliteHistory, database, read_sql, write_sql
from nocarrier.outputs.history.database import migrations
from nocarrier.outputs.history.rows import to_row
from nocarrier.outputs.history.syncer import Syncer
from nocarrier.outputs.history.writer_thread import Writer

DIALS = 10_000
"""A beginning and an end for each."""

MAX_BYTES = 10**11

EVENTS = 10_000_000
LARGE_EVENTS = 30_000_000
DAYS = 30
NOW_UNIX = 1_750_000_000.0

DIALS_PER_S = 5_000
TICK_S = 0.002
DELAY_S = 3.0


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nocarrier-bench-") as folder:
        yield Path(folder)


# ---- writing ---------------------------------------------------------------------------------------------------------


def _ours() -> float:
    with _folder() as folder:
        tracker = DialTracker()
        writer = Writer(
            folder / "history",
            tracker,
            syncer=Syncer(folder / "history"),
            steps=migrations(),
            ttl_s=1e9,
            max_bytes=MAX_BYTES,
            version="bench",
            clock=time.time,
        )
        writer.step()  # opens the file
        record_failed_dials(tracker, DIALS)
        started = time.perf_counter()
        writer.step()
        took_s = time.perf_counter() - started
        assert writer.status().events_total == 2 * DIALS
        writer.stop()
        writer.run()
        return 2 * DIALS / took_s


def _bare_executemany() -> float:
    with _folder() as folder:
        tracker = DialTracker()
        with tracker.subscribe(3 * DIALS, polled=True) as events:
            record_failed_dials(tracker, DIALS)
            rows = [to_row(event, place, 1) for place, event in enumerate(events.drain(), 1)]
        with contextlib.closing(database.open_to_write(folder / "bare", migrations(), max_bytes=MAX_BYTES)) as bare:
            started = time.perf_counter()
            bare.execute("BEGIN")
            bare.executemany(write_sql.INSERT_ONE, rows)
            bare.execute("COMMIT")
            return len(rows) / (time.perf_counter() - started)


def store_ingest(rounds: int) -> Result:
    return compare(_ours, _bare_executemany, rounds=rounds, unit="/s")


# ---- queries ---------------------------------------------------------------------------------------------------------

_FILL = """
WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :events)
INSERT INTO event (id, run, seq, at_unix, kind, source, phase, reason, blame, addr, penalised, more)
SELECT n + 1, 1, n + 1, :begin + n * :step,
  CASE n % 8 WHEN 0 THEN 'started' WHEN 1 THEN 'succeeded' WHEN 2 THEN 'skip' ELSE 'failure' END,
  CASE n % 3 WHEN 0 THEN 'seed' WHEN 1 THEN 'gossip' ELSE 'peer_book' END,
  CASE n % 8 WHEN 0 THEN NULL WHEN 1 THEN 'session' WHEN 2 THEN 'policy' WHEN 3 THEN 'handshake' ELSE 'connect' END,
  CASE n % 8 WHEN 0 THEN NULL WHEN 1 THEN NULL WHEN 2 THEN 'already_connected' WHEN 3 THEN 'handshake_timeout'
             WHEN 4 THEN 'timeout' WHEN 5 THEN 'connection_refused' WHEN 6 THEN 'host_unreachable' ELSE 'timeout' END,
  'them', '198.18.' || (n * 7919 % 250) || '.' || (n * 104729 % 250) || ':7072', 1,
  '{"evidence":{"errno":"ECONNREFUSED","decided_by":"network","syn_retransmits":0,"elapsed_s":0.0002}}'
FROM number
"""

_COUNT = """
INSERT INTO {table}
SELECT CAST(at_unix / {width_s} AS INTEGER) * {width_s}, kind, source, coalesce(phase, ''), coalesce(reason, ''),
  count(*)
FROM event GROUP BY 1, 2, 3, 4, 5
"""


def _filled(path: Path, events: int) -> None:
    """A file as `DAYS` of a busy node leave it. Its indexes are made last, which is faster and gives the same file."""
    with contextlib.closing(database.open_to_write(path, migrations(), max_bytes=MAX_BYTES)) as connection:
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'event' AND type = 'index'"
        ).fetchall()
        connection.execute("PRAGMA synchronous = OFF")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        assert write_sql.begin_run(connection, "0" * 32, NOW_UNIX, "") == 1
        step_s = DAYS * 86_400 / events
        connection.execute(_FILL, {"events": events, "begin": NOW_UNIX - events * step_s, "step": step_s})
        connection.execute(_COUNT.format(table="minute", width_s=60))
        connection.execute(_COUNT.format(table="hour", width_s=3_600))
        for _, sql in indexes:
            connection.execute(sql)


def _seconds(question: object) -> float:
    started = time.perf_counter()
    assert callable(question)
    question()
    return time.perf_counter() - started


def history_query(rounds: int, events: int = EVENTS) -> Result:
    with _folder() as folder:
        path = folder / "history.sqlite3"
        _filled(path, events)
        last_hour = SeriesQuery(since_unix=NOW_UNIX - 3_600, until_unix=NOW_UNIX, bucket_s=60)
        all_days = SeriesQuery(since_unix=NOW_UNIX - DAYS * 86_400, until_unix=NOW_UNIX, bucket_s=43_200)

        def ask(query: SeriesQuery) -> None:
            with read_sql.connected(path, migrations()) as connection:
                assert read_sql.read_series(connection, query).series["timeout"]

        def page(query: EventQuery) -> None:
            with read_sql.connected(path, migrations()) as connection:
                assert len(read_sql.read_events(connection, query).events) == query.limit

        def count_events() -> None:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute(
                    "SELECT reason, CAST(at_unix / 60 AS INTEGER), count(*) FROM event WHERE at_unix >= ?"
                    " GROUP BY 1, 2",
                    [NOW_UNIX - 3_600],
                ).fetchall()

        result = compare(
            lambda: _seconds(lambda: ask(last_hour)), lambda: _seconds(count_events), rounds=rounds, unit="s"
        )
        newest, of_peer = EventQuery(limit=100), EventQuery(limit=10, addr="198.18.0.0:7072")
        more = {
            "thirty_days": statistics.median(_seconds(lambda: ask(all_days)) for _ in range(3)),
            "page_of_newest": statistics.median(_seconds(lambda: page(newest)) for _ in range(5)),
            "page_of_one_reason": statistics.median(
                _seconds(lambda: page(EventQuery(limit=100, reason=Reason.TIMEOUT))) for _ in range(5)
            ),
            "page_of_one_peer": statistics.median(_seconds(lambda: page(of_peer)) for _ in range(5)),
            "events": float(events),
            "file_bytes": float(path.stat().st_size),
        }
    return Result(value=result.value, unit="s", baseline=result.baseline, ratio=result.ratio, more=more)


NO_MATCH = {
    "source": EventQuery(source=Source.DIRECT),
    "phase": EventQuery(phase=Phase.RESOLVE),
    "kind": EventQuery(kind=(Kind.CANCELLED,)),
    "source_and_reason": EventQuery(source=Source.DIRECT, reason=Reason.TIMEOUT),
    "source_of_one_peer": EventQuery(source=Source.DIRECT, addr="198.18.0.0:7072"),
    "reason": EventQuery(reason=Reason.BANNED),
    "peer": EventQuery(addr="203.0.113.7:7072"),
    "introducer": EventQuery(via="203.0.113.7:7072"),
}
"""Queries that no event in the file matches."""


def history_large(rounds: int) -> Result:
    with _folder() as folder:
        path = folder / "history.sqlite3"
        _filled(path, LARGE_EVENTS)

        def ask(query: EventQuery) -> None:
            with read_sql.connected(path, migrations()) as connection:
                assert not read_sql.read_events(connection, query).events

        took_s = {
            name: statistics.median(_seconds(lambda: ask(query)) for _ in range(rounds))  # noqa: B023 - called at once
            for name, query in NO_MATCH.items()
        }
        more = took_s | {"events": float(LARGE_EVENTS), "file_bytes": float(path.stat().st_size)}
    return Result(value=max(took_s.values()), unit="s", more=more)


# ---- what the event loop notices -------------------------------------------------------------------------------------


async def _lateness(tracker: DialTracker) -> list[float]:
    """How late each tick was, while DIALS_PER_S dials a second begin and fail in this loop."""
    loop = asyncio.get_running_loop()
    late = []
    due = loop.time()
    end = due + DELAY_S
    while due < end:
        due += TICK_S
        await asyncio.sleep(max(0.0, due - loop.time()))
        late.append(max(0.0, loop.time() - due))
        record_failed_dials(tracker, int(DIALS_PER_S * TICK_S))
        due = max(due, loop.time() - 5 * TICK_S)  # a stall counts once, and not once for each tick that it took
    return sorted(late)


def _p999(late: list[float]) -> float:
    return late[int(len(late) * 0.999)]


def _with_history() -> float:
    with _folder() as folder:
        tracker = DialTracker()
        with SqliteHistory(folder / "history", tracker) as history:
            late = asyncio.run(_lateness(tracker))
        assert history.status().dropped_total == 0
        return _p999(late)


def _without() -> float:
    return _p999(asyncio.run(_lateness(DialTracker())))


def history_loop_delay(rounds: int) -> Result:
    result = compare(_with_history, _without, rounds=rounds, unit="s")
    assert result.baseline is not None
    added = max(0.0, result.value - result.baseline)
    return Result(
        value=added, unit="s", baseline=result.baseline, ratio=result.ratio, more={"with_history": result.value}
    )


BENCHMARKS = (
    Benchmark(
        name="store_ingest",
        what="20,000 events of failed dials through the writer of the history: counted by minute, safe from a kill",
        baseline="executemany of the same rows into the same table with its indexes, in one transaction",
        goal=Goal(0.5, is_ceiling=False),
        rounds=15,
        run=store_ingest,
    ),
    Benchmark(
        name="history_query",
        what="the last hour by reason and minute, of 10 million events in 30 days",
        baseline="counting the events of that hour in SQL, through the index by time",
        goal=Goal(0.1, is_ceiling=True, of_ratio=False),
        rounds=15,
        run=history_query,
    ),
    Benchmark(
        name="history_loop_delay",
        what="what the writer adds to the delay of a loop's wake-ups (99.9th percentile), at 5,000 dials a second",
        baseline="the delay without a history",
        goal=Goal(0.005, is_ceiling=True, of_ratio=False),
        rounds=5,
        run=history_loop_delay,
    ),
)

LONG = (
    Benchmark(
        name="history_large",
        what="the slowest of several queries that none of 30 million events in 30 days matches",
        baseline="none",
        goal=Goal(0.1, is_ceiling=True, of_ratio=False),
        rounds=5,
        run=history_large,
    ),
)
"""They need 9 GB of disk for several minutes."""
