"""What a package may ask of another without knowing it: small protocols, introduced to each other by `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from nocarrier.model.event import EndedAttempt
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Reason

Clock: TypeAlias = Callable[[], float]
"""Returns Unix seconds, such as `time.time`."""

MonotonicClock: TypeAlias = Callable[[], float]
"""Returns seconds that never go back, such as `time.monotonic`."""


class DialRecorder(Protocol):
    """Where a producer records what became of its dials. `tracking.DialTracker` is one.

    No method raises, blocks, or waits for a reader.
    """

    def begin(self, addr: str, source: str, *, via: str | None = None) -> int:
        """Record that a dial begins; returns its id, to be ended exactly once."""

    def fail(
        self,
        dial_id: int,
        fault: Fault,
        *,
        duration_s: float | None = None,
        attempts: tuple[EndedAttempt, ...] = (),
        phases_s: Mapping[str, float] | None = None,
        node_id: str | None = None,
        penalise: bool = True,
    ) -> None:
        """Record that the dial failed, or was cancelled."""

    def succeed(
        self,
        dial_id: int,
        *,
        duration_s: float | None = None,
        attempts: tuple[EndedAttempt, ...] = (),
        phases_s: Mapping[str, float] | None = None,
        node_id: str | None = None,
    ) -> None:
        """Record that the dial reached its session."""

    def record(
        self,
        addr: str,
        reason: str,
        source: str,
        *,
        detail: str | None = None,
        via: str | None = None,
        evidence: Evidence | None = None,
        duration_s: float | None = None,
        node_id: str | None = None,
        penalise: bool = True,
    ) -> None:
        """Record a whole outcome at once: a skip, an early disconnect, or a dial that somebody else made."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the past says about dialing one address again."""

    streak: int = 0
    """Failures in a row that count against the peer."""
    last_reason: Reason | None = None
    last_failure_unix: float | None = None
    last_success_unix: float | None = None
    next_attempt_unix: float | None = None
    """When it may be dialed again; None: now. Infinite where only a change of configuration helps."""
    because: Reason | None = None
    """Which reason set `next_attempt_unix`."""


class StandingBook(Protocol):
    """Answers when an address may be dialed again. `tracking.DialTracker` is one."""

    def standing(self, addr: str) -> Standing:
        """The standing of `addr`; of an unknown one, that it may be dialed now."""
