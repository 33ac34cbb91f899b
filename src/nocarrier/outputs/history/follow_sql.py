"""The history in the order in which it was written, from a place on: what a follower asks for, again and again.

The order is that of the rows' ids, not of time, so that a clock that was set cannot hide an event; and not of runs, so
that an old program which still writes its last events while the next one has begun loses none of them.
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
    """The `limit` events that were written next after `place`; None: from the oldest on.

    Raises:
        UnknownRunError: the history does not have the run of `place`.
    """
    connection.execute("BEGIN")  # one instant: what is deleted meanwhile must not look lost
    run, seq, seen_id = 0, 0, 0
    if place is not None:
        run, seq = _run_id(connection, place.run), place.seq
        seen_id = _id_of(connection, run, seq)
    rows = connection.execute(
        # The place may be newer than all that is on disk yet; then its run goes on behind it.
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
    """The events `first` to `last` of a run, so far as they are kept.

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
            f"The history has no run {identity}: it was not kept here, or is too old. Ask without after for the oldest "
            "event that there is."
        )
    return int(found[0])


def _id_of(connection: sqlite3.Connection, run: int, seq: int) -> int:
    """The row after which the events follow that somebody at this place has not seen."""
    for search, values in (
        ("SELECT id FROM event WHERE run = ? AND seq <= ? ORDER BY seq DESC LIMIT 1", [run, seq]),
        # Retention took it, or it was never written: all that there is of the run follows, or else the next run.
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
    """What is left out from the place on to the last of `events`, run by run."""
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
            # Nothing of it follows on this page or a later one, or it is the place's and went after that was read.
            expired = _expired_up_to(connection, run, newest)
            if expired > newest:
                yield from _why(connection, run, newest + 1, expired)


def _newest_seen(connection: sqlite3.Connection, run: _Run, seen_id: int) -> int:
    """The newest event of `run` among those that a follower at `seen_id` has seen; 0: none."""
    (seq,) = connection.execute(
        "SELECT coalesce((SELECT seq FROM event WHERE run = ? AND id <= ? ORDER BY seq DESC LIMIT 1), 0)",
        [run.id, seen_id],
    ).fetchone()
    return int(seq)


def _expired_up_to(connection: sqlite3.Connection, run: _Run, seq: int) -> int:
    """The newest event of `run` that is too old; those after `seq` that only wait for being deleted count as well."""
    (waiting,) = connection.execute(
        f"SELECT coalesce(max(seq), 0) FROM event WHERE run = ? AND seq > ? AND NOT {SHOWN}",  # noqa: S608
        [run.id, seq],
    ).fetchone()
    return max(run.expired_seq, int(waiting))


def _why(connection: sqlite3.Connection, run: _Run, first: int, last: int) -> Iterator[MissingEvents]:
    """Why `first` to `last` are missing: what is too old the run remembers, and the rest was lost."""
    expired = min(last, _expired_up_to(connection, run, first - 1))
    if first <= expired:
        yield MissingEvents(run=run.identity, first=first, last=expired, because=MissingBecause.EXPIRED)
    if expired < last:
        yield MissingEvents(run=run.identity, first=max(first, expired + 1), last=last, because=MissingBecause.LOST)
