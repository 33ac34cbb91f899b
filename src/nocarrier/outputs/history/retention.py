"""Decides which events to delete, because they are too old or the file is too large. The writer does the deleting."""

from __future__ import annotations

from nocarrier.outputs.history.rows import MINUTE_S

TRUST_AFTER_S = 3_600.0
"""How long the clock must have run evenly before events are deleted by age. Machines may boot with a clock that is
years off and set it within minutes; until then every event would look old."""

SET_BY_S = 60.0
"""If the clock gains or loses more than this against monotonic time, it was set."""

FILL = 0.85
"""Share of the allowed size for rows; the rest is for the log beside the file and for free pages."""

FREE = 0.05
"""If free pages take more than this share of the allowed size, they are given back to the disk."""

SHARE_DELETED = 0.05
"""Share of the events to delete when the file is full, so that it does not fill up again at once."""


class EvenClock:
    """Decides whether the wall clock can be trusted: it must have run evenly for long enough.

    Args:
        now_unix: the wall clock.
        now_s: the monotonic clock at the same moment.
    """

    def __init__(self, now_unix: float, now_s: float) -> None:
        self._even_since_s = now_s
        self._ahead_s = now_unix - now_s

    def is_trusted(self, now_unix: float, now_s: float) -> bool:
        """Check both clocks once more; True: the wall clock can be trusted."""
        ahead_s = now_unix - now_s
        if abs(ahead_s - self._ahead_s) > SET_BY_S:
            self._even_since_s = now_s
        self._ahead_s = ahead_s
        return now_s - self._even_since_s >= TRUST_AFTER_S


def minute(at_unix: float) -> float:
    """Return the beginning of the minute of `at_unix`."""
    return at_unix // MINUTE_S * MINUTE_S


def first_young_enough(now_unix: float, oldest_unix: float, ttl_s: float) -> float | None:
    """Return the beginning of the first minute that is not too old; None: no event is older."""
    first = minute(now_unix - ttl_s)
    return first if oldest_unix < first else None


def rows_to_delete(used_bytes: int, events_total: int, max_bytes: int) -> int | None:
    """Return how many of the oldest rows to delete for lack of space, rounded up to a whole minute; None: none."""
    return int(events_total * SHARE_DELETED) if used_bytes > FILL * max_bytes else None


def has_space_to_give_back(free_bytes: int, max_bytes: int) -> bool:
    """Whether the file has so many free pages that they should be given back to the disk."""
    return free_bytes > FREE * max_bytes
