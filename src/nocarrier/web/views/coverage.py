"""What counts are of: they mean little to who does not know since when they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Since when something is counted."""

    covers: Literal["since start", "all history"]
    """The program's present run, or all that its history keeps."""
    since_unix: float | None
    """The beginning of that; None: nothing was recorded yet."""
