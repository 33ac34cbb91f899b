"""`/api/p2p/events`: the messages of the live stream that are nothing else than that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events that a reader missed."""

    after_seq: int
    """The last event before the gap."""
    next_seq: int
    """The first event after it."""
    missed: int | None
    """How many there were. None: the program was restarted since, and counts from 1 again."""
