"""Which events go, as too old or to stay below the allowed size. No I/O: the writer asks, and does it."""

from __future__ import annotations

from nocarrier.outputs.history.rows import MINUTE_S

TRUST_AFTER_S = 3_600.0
"""How long the clock must have gone evenly until events are deleted by age. Machines boot with a clock that is years
off, and set it right within minutes; until then everything would be old."""

SET_BY_S = 60.0
"""A clock that went so much further than time did, or less far, was set."""

FILL = 0.85
"""Share of the allowed size that rows may take; the rest is for the log beside the file, and for free pages."""

FREE = 0.05
"""Share of the allowed size that free pages may take until they are given back."""

SHARE_DELETED = 0.05
"""Share of the events that goes when the file is full, so that it is not full again at once."""


class EvenClock:
    """Whether the wall clock can be believed: whether it has gone as fast as time for long enough.

    Args:
        now_unix: the wall clock.
        now_s: seconds that never go back, of the same moment.
    """

    def __init__(self, now_unix: float, now_s: float) -> None:
        self._even_since_s = now_s
        self._ahead_s = now_unix - now_s

    def is_trusted(self, now_unix: float, now_s: float) -> bool:
        """Look at it once more, and say so."""
        ahead_s = now_unix - now_s
        if abs(ahead_s - self._ahead_s) > SET_BY_S:
            self._even_since_s = now_s
        self._ahead_s = ahead_s
        return now_s - self._even_since_s >= TRUST_AFTER_S


def minute(at_unix: float) -> float:
    """The beginning of the minute of `at_unix`."""
    return at_unix // MINUTE_S * MINUTE_S


def first_young_enough(now_unix: float, oldest_unix: float, ttl_s: float) -> float | None:
    """The beginning of the first minute that is not too old; None: nothing is older."""
    first = minute(now_unix - ttl_s)
    return first if oldest_unix < first else None


def rows_to_delete(used_bytes: int, events_total: int, max_bytes: int) -> int | None:
    """How many of the oldest rows go as the others need their place, besides the rest of their minute; None: none."""
    return int(events_total * SHARE_DELETED) if used_bytes > FILL * max_bytes else None


def has_space_to_give_back(free_bytes: int, max_bytes: int) -> bool:
    """Whether the file has become so much smaller that the disk should have the rest."""
    return free_bytes > FREE * max_bytes
