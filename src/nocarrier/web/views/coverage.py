"""The time that counts cover. A count means little unless the reader knows since when it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The time that counts cover."""

    covers: Literal["since start", "all history"]
    """The present run of the program, or everything in its history."""
    since_unix: float | None
    """When that time begins; None: nothing is recorded yet."""
