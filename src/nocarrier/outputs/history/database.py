"""Opens the file: settings, migrations, and how to deal with a file that cannot be used."""

from __future__ import annotations

import contextlib
import errno
import importlib.resources
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nocarrier.errors import HistoryError

BUSY_S = 5.0
"""How long to wait for another program that locks the file, such as a backup."""

CACHE_KIB = 16 * 1024
"""Room for the index pages that new rows touch. With SQLite's default of 2 MB they would be read again and again."""

LOG_BYTES = 64_000_000
"""How large the log (WAL) may get before the writer itself checkpoints it: a few seconds of the busiest node."""

LOG_SHARE = 0.06
"""The same as a share of the allowed size; the smaller of the two applies."""

COMPANIONS = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside a file in WAL mode."""

_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})

_NOT_A_DATABASE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    sql: str


class NewerSchemaError(HistoryError):
    """The file was written by a newer nocarrier."""


def migrations() -> tuple[Migration, ...]:
    """Return all steps in order: the files in the folder `migrations`."""
    folder = importlib.resources.files("nocarrier.outputs.history.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(Migration(int(name.partition("_")[0]), (folder / name).read_text()) for name in names)


def open_to_write(path: Path, steps: Sequence[Migration], *, max_bytes: int) -> sqlite3.Connection:
    """Return a connection to `path`. The file is created if it is missing, and migrated if its schema is older.

    Raises:
        NewerSchemaError: the file was written by a newer nocarrier; it stays unchanged.
        sqlite3.Error: the file cannot be opened or written to, or is not a database.
        OSError: the file cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # only for its owner; SQLite copies this to its companions
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        stands = _schema(connection, steps)
        if not stands:
            # Lets the file shrink without a rewrite. It can only be set before the first table exists.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {log_limit(max_bytes) // 2}")
        _migrate(connection, [step for step in steps if step.number > stands])
        # From now on only the syncer waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA synchronous = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def log_limit(max_bytes: int) -> int:
    """Return how large the log may get, in bytes, if the history may take `max_bytes`."""
    return min(LOG_BYTES, int(max_bytes * LOG_SHARE))


def log_bytes(path: Path) -> int:
    """Return the size of the log in bytes."""
    try:
        return Path(f"{path}-wal").stat().st_size
    except OSError:
        return 0


def take_over_log(connection: sqlite3.Connection) -> None:
    """Force the log to disk, move it into the file and restart it. Waits for the disk, but not for readers."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1_000)}")
    connection.execute("PRAGMA synchronous = OFF")


def open_to_sync(path: Path) -> sqlite3.Connection:
    """Return a connection that forces to disk what another one has written. It creates no file.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S, isolation_level=None)
    # Syncs the log before any of it is moved into the file, and the file before the log is reused. So the history is
    # intact at every moment.
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def close_written(connection: sqlite3.Connection) -> None:
    """Close a connection of `open_to_write`. The last one moves the log into the file, and waits for the disk."""
    with contextlib.closing(connection), contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA synchronous = FULL")


def open_to_read(path: Path, steps: Sequence[Migration], *, may_be_missing: bool) -> sqlite3.Connection:
    """Return a connection that only reads. It is to an empty database if the file has no table yet.

    Args:
        path: the file.
        steps: the schema.
        may_be_missing: whether a missing file counts as empty.

    Raises:
        HistoryError: the file has an older schema, which the writer is about to migrate.
        sqlite3.Error: the file cannot be opened.
    """
    if may_be_missing and not path.exists():
        return _empty(steps)
    connection = _opened_to_read(path)
    try:
        stands = _number(connection, "PRAGMA user_version")
        if stands == 0:
            connection.close()
            return _empty(steps)
        if stands < steps[-1].number:
            raise HistoryError("the history was written by an older nocarrier and is being migrated; try again soon")
    except BaseException:
        connection.close()
        raise
    return connection


def _empty(steps: Sequence[Migration]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection, steps)
    return connection


def _opened_to_read(path: Path) -> sqlite3.Connection:
    # On a read-only disk, a file in WAL mode can be read only as immutable, and only if there is no log beside it.
    is_frozen = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    options = "immutable=1" if is_frozen else "mode=ro"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )


def is_corrupt(error: Exception) -> bool:
    """Whether `error` says that the file is damaged or not a database."""
    return isinstance(error, sqlite3.DatabaseError) and (_code(error) & 0xFF) in _NOT_A_DATABASE


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its companions, and return the new name. It can perhaps still be repaired by hand.

    Raises:
        OSError: the file cannot be renamed.
    """
    at_s = int(time.time())
    while (aside := path.with_name(f"{path.name}.corrupt-{at_s}")).exists():  # two in one second
        at_s += 1
    for ending in COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{aside}{ending}")
    path.rename(aside)
    return aside


def what_to_change(error: Exception, path: Path) -> str:
    """Describe `error` to people: what is wrong, and what to change."""
    if isinstance(error, NewerSchemaError):
        return str(error)
    code = _code(error) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return f"the disk of {path} is full: free some space, or set a smaller max_bytes under [history]"
    if code == sqlite3.SQLITE_READONLY or getattr(error, "errno", None) in _FORBIDDEN:
        return f"{path} cannot be written to: make it writable by this user, or set another data_dir under [node]"
    if code == sqlite3.SQLITE_CANTOPEN or isinstance(error, OSError):
        why = getattr(error, "strerror", None) or error
        return f"{path} cannot be opened ({why}): its folder must exist and be writable by this user"
    if code == sqlite3.SQLITE_BUSY:
        return f"another program keeps {path} locked, such as a sqlite3 shell in a transaction: end that program"
    return f"{path}: {error}"


def file_bytes(path: Path) -> int:
    """Return the size of the history on disk in bytes, including its companions."""
    total = 0
    for ending in ("", *COMPANIONS):
        with contextlib.suppress(OSError):
            total += Path(f"{path}{ending}").stat().st_size
    return total


def _schema(connection: sqlite3.Connection, steps: Sequence[Migration]) -> int:
    """Return the number of the last migration that was applied; 0: the file is empty."""
    stands = _number(connection, "PRAGMA user_version")
    newest = steps[-1].number
    if stands > newest:
        raise NewerSchemaError(
            f"the history was written by a newer nocarrier (schema {stands}; this version knows {newest}) and stays "
            "unchanged: use the newer version, or set another data_dir under [node]"
        )
    return stands


def _migrate(connection: sqlite3.Connection, steps: Sequence[Migration]) -> None:
    # One transaction with the number, so that all steps are applied or none. No reader finds a new file half-made.
    made = "\n".join(step.sql for step in steps)
    if made:
        connection.executescript(f"BEGIN IMMEDIATE;\n{made}\nPRAGMA user_version = {steps[-1].number};\nCOMMIT;")


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) or 0
