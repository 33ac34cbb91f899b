"""Opens the file: settings, migrations, and what is done with a file that cannot be used."""

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
"""How long to wait for another program that writes to the file, such as a backup."""

CACHE_KIB = 16 * 1024
"""Pages of the indexes that new rows touch; SQLite's own 2 MB would read them from disk again and again."""

LOG_BYTES = 64_000_000
"""How large the log (WAL) may get before the writer itself takes it over: some seconds of the busiest node."""

LOG_SHARE = 0.06
"""Likewise as a share of the allowed size, where that is less."""

COMPANIONS = ("-wal", "-shm")
"""What SQLite keeps beside a file in WAL mode."""

_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})

_NOT_A_DATABASE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    sql: str


class NewerSchemaError(HistoryError):
    """A newer nocarrier wrote the file."""


def migrations() -> tuple[Migration, ...]:
    """All steps, in order: the files of `store/migrations`."""
    folder = importlib.resources.files("nocarrier.outputs.history.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(Migration(int(name.partition("_")[0]), (folder / name).read_text()) for name in names)


def open_to_write(path: Path, steps: Sequence[Migration], *, max_bytes: int) -> sqlite3.Connection:
    """A connection to `path`, which is made, or brought to today's schema, where it is not there yet.

    Raises:
        NewerSchemaError: a newer nocarrier wrote the file; it stays as it is.
        sqlite3.Error: it cannot be opened, written to, or is no database.
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # for its owner alone; SQLite gives its companions the same
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        stands = _schema(connection, steps)
        if not stands:
            # Before the first table: afterwards it cannot be changed. Lets the file shrink without being rewritten.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {log_limit(max_bytes) // 2}")
        _migrate(connection, [step for step in steps if step.number > stands])
        # From here on only the syncer waits for the disk.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA synchronous = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def log_limit(max_bytes: int) -> int:
    """How large the log may get, in bytes, in a history of at most `max_bytes`."""
    return min(LOG_BYTES, int(max_bytes * LOG_SHARE))


def log_bytes(path: Path) -> int:
    """How large the log is."""
    try:
        return Path(f"{path}-wal").stat().st_size
    except OSError:
        return 0


def take_over_log(connection: sqlite3.Connection) -> None:
    """Force the log to disk, take it over into the file, and start it again; waits for the disk, and for no reader."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1_000)}")
    connection.execute("PRAGMA synchronous = OFF")


def open_to_sync(path: Path) -> sqlite3.Connection:
    """A connection that forces to disk what another one has written; it makes no file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S, isolation_level=None)
    # The log before any of it is taken over, and the file before the log is used again: so it is whole at any moment.
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def close_written(connection: sqlite3.Connection) -> None:
    """Close a connection of `open_to_write`. The last one takes the log over into the file, and waits for the disk."""
    with contextlib.closing(connection), contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA synchronous = FULL")


def open_to_read(path: Path, steps: Sequence[Migration], *, may_be_missing: bool) -> sqlite3.Connection:
    """A connection that only reads; to an empty database where the file has no table yet.

    Args:
        path: the file.
        steps: the schema.
        may_be_missing: whether a file that is not there is an empty one too.

    Raises:
        HistoryError: the file has an older schema, which the writer is about to change.
        sqlite3.Error: it cannot be opened.
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
            raise HistoryError("an older nocarrier wrote the history, which is being brought to today's schema")
    except BaseException:
        connection.close()
        raise
    return connection


def _empty(steps: Sequence[Migration]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection, steps)
    return connection


def _opened_to_read(path: Path) -> sqlite3.Connection:
    # A file in WAL mode on a disk that cannot be written to can be read as long as nothing waits in a log beside it.
    is_frozen = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    options = "immutable=1" if is_frozen else "mode=ro"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )


def is_corrupt(error: Exception) -> bool:
    """Whether `error` says that the file is damaged, or no database at all."""
    return isinstance(error, sqlite3.DatabaseError) and (_code(error) & 0xFF) in _NOT_A_DATABASE


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, with what belongs to it; returns the new name. It may still be mended by hand.

    Raises:
        OSError: it cannot be renamed.
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
    """`error` for people: what is wrong, and what to change."""
    if isinstance(error, NewerSchemaError):
        return str(error)
    code = _code(error) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return f"the disk of {path} is full: free some space, or set a smaller max_bytes under [history]"
    if code == sqlite3.SQLITE_READONLY or getattr(error, "errno", None) in _FORBIDDEN:
        return f"{path} cannot be written to: make it writable for this user, or set another data_dir under [node]"
    if code == sqlite3.SQLITE_CANTOPEN or isinstance(error, OSError):
        why = getattr(error, "strerror", None) or error
        return f"{path} cannot be opened ({why}): its folder must exist and be writable for this user"
    if code == sqlite3.SQLITE_BUSY:
        return f"another program keeps {path} locked: end it, such as a sqlite3 shell in a transaction"
    return f"{path}: {error}"


def file_bytes(path: Path) -> int:
    """What the history takes on disk, its companions included."""
    total = 0
    for ending in ("", *COMPANIONS):
        with contextlib.suppress(OSError):
            total += Path(f"{path}{ending}").stat().st_size
    return total


def _schema(connection: sqlite3.Connection, steps: Sequence[Migration]) -> int:
    """The number of the last step that was made; 0 in an empty file."""
    stands = _number(connection, "PRAGMA user_version")
    newest = steps[-1].number
    if stands > newest:
        raise NewerSchemaError(
            f"a newer nocarrier wrote the history (schema {stands}; this one knows {newest}), which is left as it is: "
            "take the newer one, or set another data_dir under [node]"
        )
    return stands


def _migrate(connection: sqlite3.Connection, steps: Sequence[Migration]) -> None:
    # One transaction with the number, so that all steps are made or none; no reader finds a new file half made.
    made = "\n".join(step.sql for step in steps)
    if made:
        connection.executescript(f"BEGIN IMMEDIATE;\n{made}\nPRAGMA user_version = {steps[-1].number};\nCOMMIT;")


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) or 0
