"""The history on disk: every dial event and every finding, across restarts, in one SQLite file."""

from nocarrier.outputs.history.sqlite_history import FILE_NAME, SqliteHistory

__all__ = ["FILE_NAME", "SqliteHistory"]
