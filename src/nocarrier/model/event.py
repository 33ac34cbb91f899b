"""The events of a dial: the waist between those who dial and those who watch.

A dial begins with `DialStarted` and ends exactly once, with `DialSucceeded` or with a `DialFailure` of kind failure or
cancelled. A skip or an early disconnect is a `DialFailure` of that kind and belongs to no open dial.

Events are values made for whoever reads them; nothing in the tracker changes with them. They are not frozen: that would
triple what making a hundred of them costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Source


class EndedAttempt(NamedTuple):
    """One connection attempt as a dialer hands it on: small and quick to make, as every dial pays for it."""

    addr: str
    started_s: float
    """Seconds after the dial began."""
    duration_s: float
    fault: Fault | None
    """None where it connected."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One connection attempt to one address of a peer, to be read. `reason` is None where it connected."""

    addr: str
    started_s: float
    """Seconds after the dial began."""
    duration_s: float
    reason: Reason | None = None
    blame: Blame | None = None
    phase: Phase = Phase.CONNECT
    detail: str | None = None
    evidence: Evidence = field(default_factory=Evidence)

    @classmethod
    def of(cls, ended: EndedAttempt) -> Attempt:
        """The readable form of `ended`."""
        addr, started_s, duration_s, fault = ended
        if fault is None:
            return cls(addr=addr, started_s=started_s, duration_s=duration_s)
        return cls(
            addr=addr,
            started_s=started_s,
            duration_s=duration_s,
            reason=fault.reason,
            blame=fault.blame,
            phase=fault.phase,
            detail=fault.detail,
            evidence=fault.evidence,
        )


@dataclass(slots=True, kw_only=True)
class DialStarted:
    """A dial began."""

    seq: int
    dial_id: int
    addr: str
    source: Source
    via: str | None
    at_unix: float


@dataclass(slots=True, kw_only=True)
class DialSucceeded:
    """A dial reached its session."""

    seq: int
    dial_id: int | None
    addr: str
    source: Source
    via: str | None
    at_unix: float
    duration_s: float | None
    node_id: str | None
    attempts: tuple[Attempt, ...]
    """All attempts, the losing addresses of a won dial with their own fault among them."""
    phases_s: Mapping[str, float]
    """How long each phase took."""


@dataclass(slots=True, kw_only=True)
class DialFailure:
    """A dial that failed, was cancelled or skipped, or whose session ended early."""

    addr: str
    reason: Reason
    timestamp_unix: int
    source: Source
    phase: Phase
    kind: Kind
    blame: Blame
    detail: str | None
    via: str | None
    duration_s: float | None
    attempts: tuple[Attempt, ...]
    evidence: Evidence
    phases_s: Mapping[str, float]
    """How long each phase took."""
    node_id: str | None
    repeats: int
    """How often this same skip was seen; `timestamp_unix` is the last time."""
    penalised: bool
    """Whether it counts against the peer."""
    dial_id: int | None
    seq: int
    at_unix: float


DialEvent: TypeAlias = DialStarted | DialSucceeded | DialFailure
