"""How an endless task of this program does, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """What an endless task died of."""

    error: str
    """Of the last time, for people: type, text and place of the exception. May quote anybody: hostile."""
    total: int
    """How often it died since it was first started."""
    since_unix: float
    """When it died first in the present row of deaths (Unix seconds)."""
    last_unix: float
    """When it died last (Unix seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One endless task of this program, such as the maintainer of a node."""

    name: str
    is_down: bool
    """Whether it died, and has not run for long enough since to count as working again."""
    failure: TaskFailure | None
    """None: it never died."""
