"""The latest outcome of every address. A diagnosis reads it again and again, so it is cheap to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nocarrier.model.event import DialEvent, DialFailure
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source
from nocarrier.tracking.record import AT_UNIX, CELL, VIA, Record


class LastOutcome(NamedTuple):
    """The last outcomes of one address. The fields of the failure are None if it never failed."""

    addr: str
    source: Source
    via: str | None
    reason: Reason | None
    phase: Phase | None
    blame: Blame | None
    detail: str | None
    evidence: Evidence | None
    """Shared, not a copy: do not change it."""
    duration_s: float | None
    failed_unix: float | None
    failure_seq: int
    failures_since_success: int
    succeeded_unix: float | None
    """When a dial to it last succeeded, as far as it is remembered."""
    is_phase_told: bool
    """Whether the caller said in which phase it failed; otherwise `phase` is the reason's usual one."""

    @property
    def is_failing(self) -> bool:
        """Whether the failure is newer than the last success."""
        # Compared by count, not by time: the wall clock may have been set back between the two.
        return self.failures_since_success > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The latest outcome of every remembered address, at one instant."""

    at_unix: float
    run: str
    """Which run of the program numbered the failures."""
    peers: tuple[LastOutcome, ...]
    recent: tuple[DialFailure, ...]
    """The newest entries, oldest first."""
    in_flight: tuple[DialEvent, ...]
    """The beginnings of dials that have not ended, oldest first."""


def last_outcome(
    addr: str, failure: Record | None, failure_seq: int, failures_since_success: int, success: Record | None
) -> LastOutcome:
    """The last outcome of `addr`; at least one of `failure` and `success` is known."""
    succeeded_unix = success[AT_UNIX] if success else None
    if failure is None:
        assert success is not None
        source, via = success[CELL].source, success[VIA]
        return LastOutcome(addr, source, via, None, None, None, None, None, None, None, 0, 0, succeeded_unix, False)
    cell, at_unix, _, _, via, detail, evidence, duration_s, _, details = failure
    reason = cell.reason
    assert reason is not None
    phase, blame = details[1:3] if details else (reason.phase, reason.blame)
    return LastOutcome(
        addr,
        cell.source,
        via,
        reason,
        phase,
        blame,
        detail,
        evidence,
        duration_s,
        at_unix,
        failure_seq,
        failures_since_success,
        succeeded_unix,
        details is not None,
    )
