"""How much of the file a query reads: no more than it asks for."""

from __future__ import annotations

import pytest

from nocarrier.model.history import EventPlace, EventQuery
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.outputs.history import database, follow_sql, read_sql, write_sql
from tests.outputs.history.kit import NOON_UNIX
from tests.outputs.history.test_events import record_one_of_each

TOTAL = 20_000
RARE = "198.18.0.99:1"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One event per second; all of the same kind except the oldest."""
    from nocarrier import DialTracker

    tracker = DialTracker(clock=lambda: NOON_UNIX)
    path = tmp_path_factory.mktemp("large") / "history.sqlite3"
    connection = database.open_to_write(path, database.migrations(), max_bytes=10**9)
    assert write_sql.begin_run(connection, tracker.run, NOON_UNIX, "") == 1
    with tracker.subscribe(polled=True) as events:
        record_one_of_each(tracker)
        tracker.record(RARE, "timeout", "seed")
        write_sql.insert_events(connection, [events.drain()], run=1)
        for second in range(0, TOTAL, write_sql.BLOCK_ROWS):
            for each in range(write_sql.BLOCK_ROWS):
                tracker.record(f"198.18.0.{each}:7072", "timeout", "gossip")
            block = events.drain()
            for number, event in enumerate(block):
                event.at_unix = NOON_UNIX + second + number
            write_sql.insert_events(connection, [block], run=1)
    connection.close()
    return path


def steps(path, **wanted):
    """How many thousand steps of SQLite's virtual machine a page takes."""
    return steps_of(path, lambda connection: read_sql.read_events(connection, EventQuery(**wanted)))


def steps_of(path, question):
    taken = 0

    def count():
        nonlocal taken
        taken += 1
        return False

    with read_sql.connected(path, database.migrations()) as connection:
        connection.set_progress_handler(count, 1_000)
        question(connection)
    return taken


LATE = {"since_unix": NOON_UNIX + TOTAL - 60}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        LATE,
        {"until_unix": NOON_UNIX + 60},
        {**LATE, "kind": (Kind.CANCELLED,)},
        {**LATE, "phase": Phase.SECURE},
        {**LATE, "source": Source.DHT, "reason": Reason.TIMEOUT},
        {"addr": RARE, "reason": Reason.TIMEOUT},
        {"via": "198.18.0.1:7072", "reason": Reason.TIMEOUT},
        {"addr": RARE, "kind": (Kind.SKIP,)},
        {"reason": Reason.BANNED, "phase": Phase.SECURE},
        {"until_unix": NOON_UNIX + TOTAL, "cursor": f"{NOON_UNIX + 100}-200"},
        {"until_unix": NOON_UNIX + 100, "cursor": f"{NOON_UNIX + TOTAL}-99999"},
        {**LATE, "cursor": f"{NOON_UNIX + TOTAL}-99999", "phase": Phase.SECURE},
        {"kind": (Kind.CANCELLED,)},
        {"phase": Phase.SECURE},
        {"source": Source.DHT},
        {"source": Source.DHT, "reason": Reason.TIMEOUT},
        {"via": "198.18.0.1:7072", "source": Source.DHT},
    ],
    ids=str,
)
def test_a_query_reads_only_what_it_asks_for(large, wanted):
    everything = steps_of(large, lambda connection: connection.execute("SELECT max(duration_s) FROM event").fetchone())
    assert everything > 50
    assert steps(large, **wanted) < everything / 10


@pytest.mark.parametrize("seq", [0, 10, TOTAL // 2, TOTAL, TOTAL + 1_000])
def test_a_follower_reads_only_new_events(large, seq):
    with read_sql.connected(large, database.migrations()) as connection:
        ((run,),) = connection.execute("SELECT identity FROM run")
    assert steps_of(large, lambda connection: follow_sql.read_after(connection, EventPlace(run, seq), 100)) < 10
    assert steps_of(large, lambda connection: follow_sql.read_range(connection, run, seq, seq + 100)) < 10
