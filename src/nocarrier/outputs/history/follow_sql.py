"""Reads the history in the order in which it was written, after a given event: for followers.

The order is that of the rows' ids. It is not that of time, so that a clock that was set cannot hide an event; nor that
of runs, so that no event is lost if an old program still writes its last events after the next one has started.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nocarrier.errors import UnknownRunError
from nocarrier.model.history import EventPlace, EventsAfter, MissingBecause, MissingEvents, StoredEvent
from nocarrier.outputs.history.rows import SELECTED, SHOWN, to_event


class _Run(NamedTuple):
    """A row of the table run."""

    id: int
    identity: str
    expired_seq: int


def read_after(connection: sqlite3.Connection, place: EventPlace | None, limit: int) -> EventsAfter:
    """Return the next `limit` events written after `place`; None: from the oldest on.

    Raises:
        UnknownRunError: the history does not have the run of `place`.
    """
    connection.execute("BEGIN")  # one snapshot: events that are deleted meanwhile must not look lost
    run, seq, seen_id = 0, 0, 0
    if place is not None:
        run, seq = _run_id(connection, place.run), place.seq
        seen_id = _id_of(connection, run, seq)
    rows = connection.execute(
        # The place may be newer than everything on disk. Then only later events of its run may follow.
        f"SELECT {SELECTED} FROM event WHERE id > ? AND NOT (run = ? AND seq <= ?) AND {SHOWN} ORDER BY id LIMIT ?",  # noqa: S608
        [seen_id, run, seq, limit],
    ).fetchall()
    events = list(map(to_event, rows))
    missing = list(_missing(connection, events, run, seq, seen_id))
    if events:
        place = EventPlace(events[-1].run, events[-1].seq)
    elif missing:
        place = EventPlace(missing[-1].run, missing[-1].last)
    return EventsAfter(events=events, next_after=place, missing=missing)


def read_range(connection: sqlite3.Connection, run: str, first: int, last: int) -> list[StoredEvent]:
    """Return the events `first` to `last` of a run, as far as the history has them.

    Raises:
        UnknownRunError: the history does not have the run.
    """
    rows = connection.execute(
        f"SELECT {SELECTED} FROM event WHERE run = ? AND seq BETWEEN ? AND ? AND {SHOWN} ORDER BY seq",  # noqa: S608
        [_run_id(connection, run), first, last],
    )
    return list(map(to_event, rows))


def _run_id(connection: sqlite3.Connection, identity: str) -> int:
    found = connection.execute("SELECT id FROM run WHERE identity = ?", [identity]).fetchone()
    if found is None:
        raise UnknownRunError(
            f"The history has no run {identity}: it is from another history, or too old. Leave out after to start with "
            "the oldest event."
        )
    return int(found[0])


def _id_of(connection: sqlite3.Connection, run: int, seq: int) -> int:
    """Return the id of the last row that a follower at this place has seen."""
    for search, values in (
        ("SELECT id FROM event WHERE run = ? AND seq <= ? ORDER BY seq DESC LIMIT 1", [run, seq]),
        # It was deleted as too old, or never written. The rest of its run follows, or else the next run.
        ("SELECT id - 1 FROM event WHERE run = ? ORDER BY seq LIMIT 1", [run]),
        ("SELECT min(id) - 1 FROM event WHERE run > ?", [run]),
        ("SELECT max(id) FROM event", []),
    ):
        (found,) = connection.execute(search, values).fetchone() or (None,)
        if found is not None:
            return int(found)
    return 0


def _missing(
    connection: sqlite3.Connection, events: Sequence[StoredEvent], place_run: int, place_seq: int, seen_id: int
) -> Iterator[MissingEvents]:
    """Yield the events that are missing between the place and the last of `events`, run by run."""
    seqs: dict[str, list[int]] = {}
    for event in events:
        seqs.setdefault(event.run, []).append(event.seq)
    last_run = _run_id(connection, events[-1].run) if events else None
    earliest = min([place_run, *(_run_id(connection, identity) for identity in seqs)])
    runs = connection.execute("SELECT id, identity, expired_seq FROM run WHERE id >= ? ORDER BY id", [earliest])
    for run in map(_Run._make, runs.fetchall()):
        found = seqs.get(run.identity, [])
        is_passed = run.id >= place_run and (last_run is None or run.id < last_run)
        if not found and not is_passed:
            continue
        newest = place_seq if run.id == place_run else _newest_seen(connection, run, seen_id)
        for seq in found:
            if seq > newest + 1:
                yield from _why(connection, run, newest + 1, seq - 1)
            newest = max(newest, seq)
        if is_passed:
            # No more of this run follows on this page or a later one; or it is the run of the place, and the rest of
            # it was deleted after the place was read.
            expired = _expired_up_to(connection, run, newest)
            if expired > newest:
                yield from _why(connection, run, newest + 1, expired)


def _newest_seen(connection: sqlite3.Connection, run: _Run, seen_id: int) -> int:
    """Return the newest event of `run` that a follower at `seen_id` has seen; 0: none."""
    (seq,) = connection.execute(
        "SELECT coalesce((SELECT seq FROM event WHERE run = ? AND id <= ? ORDER BY seq DESC LIMIT 1), 0)",
        [run.id, seen_id],
    ).fetchone()
    return int(seq)


def _expired_up_to(connection: sqlite3.Connection, run: _Run, seq: int) -> int:
    """Return the newest event of `run` that is too old, including those after `seq` that are not deleted yet."""
    (waiting,) = connection.execute(
        f"SELECT coalesce(max(seq), 0) FROM event WHERE run = ? AND seq > ? AND NOT {SHOWN}",  # noqa: S608
        [run.id, seq],
    ).fetchone()
    return max(run.expired_seq, int(waiting))


def _why(connection: sqlite3.Connection, run: _Run, first: int, last: int) -> Iterator[MissingEvents]:
    """Say why `first` to `last` are missing: those up to the run's `expired_seq` were too old, the others were lost."""
    expired = min(last, _expired_up_to(connection, run, first - 1))
    if first <= expired:
        yield MissingEvents(run=run.identity, first=first, last=expired, because=MissingBecause.EXPIRED)
    if expired < last:
        yield MissingEvents(run=run.identity, first=max(first, expired + 1), last=last, because=MissingBecause.LOST)
