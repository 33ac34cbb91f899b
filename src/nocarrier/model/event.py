"""The event of a dial: the waist between those who dial and those who watch.

A dial begins with one event of kind ``started`` and ends with exactly one of kind ``succeeded``, ``failure`` or
``cancelled``. A ``skip`` or a ``disconnect`` belongs to no open dial.

Events are values made for whoever reads them; nothing in the tracker changes with them. They are not frozen: that would
triple what making a hundred of them costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Blame, Kind, Outcome, Phase, Reason, Source


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
class DialEvent:
    """One event of a dial. `run` and `seq` name it for ever, on every machine."""

    run: str
    """Which run of a program recorded it: 32 lower-case hex digits, random."""
    seq: int
    """Counts every event of the run, from 1; a number that is left out was lost."""
    kind: Kind
    outcome: Outcome
    """What became of the dial, so far as this event tells."""
    addr: str
    source: Source
    via: str | None = None
    at_unix: float
    timestamp_unix: int
    dial_id: int | None = None
    """The same for the beginning and the end of one dial; None: somebody else made the dial, and told of it."""
    reason: Reason | None = None
    """None where the dial began or succeeded."""
    phase: Phase | None = None
    """None where the dial began."""
    blame: Blame | None = None
    """None where the dial began."""
    detail: str | None = None
    """Text for people. May come from a peer: hostile."""
    duration_s: float | None = None
    node_id: str | None = None
    penalised: bool = False
    """Whether it counts against the peer."""
    attempts: tuple[Attempt, ...] = ()
    """All attempts, the losing addresses of a won dial with their own fault among them."""
    evidence: Evidence = field(default_factory=Evidence)
    phases_s: Mapping[str, float] = field(default_factory=dict)
    """How long each phase took."""


@dataclass(slots=True, kw_only=True)
class DialFailure(DialEvent):
    """An entry of the record: a dial that failed, was cancelled or skipped, or whose session ended early."""

    reason: Reason
    phase: Phase
    blame: Blame
    repeats: int = 1
    """How often this same skip was seen; `timestamp_unix` is the last time."""
