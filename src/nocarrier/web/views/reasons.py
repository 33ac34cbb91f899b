"""`/api/p2p/reasons`: the tables of reasons, sources and evidence, to look up what a name means."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from nocarrier.model.evidence import EVIDENCE_KEYS, ICMP_NAMES, EvidenceKey, IcmpName
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Retry, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One row of the table of reasons."""

    name: Reason
    phase: Phase
    kind: Kind
    blame: Blame
    """Whose fault it is; `unknown` if the evidence of each event decides between `blames`."""
    blames: tuple[Blame, ...]
    retry: Retry
    meaning: str
    usual_cause: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """One source of addresses."""

    name: Source
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonsView:
    """Every reason, source and key of evidence."""

    reasons: tuple[ReasonView, ...]
    sources: tuple[SourceView, ...]
    evidence: tuple[EvidenceKey, ...]
    """In the order in which they are shown."""
    icmp_names: tuple[IcmpName, ...]


def reason_view(reason: Reason) -> ReasonView:
    """Return the row of `reason`."""
    return ReasonView(
        name=reason,
        phase=reason.phase,
        kind=reason.kind,
        blame=reason.blame,
        blames=reason.blames,
        retry=reason.retry,
        meaning=reason.meaning,
        usual_cause=reason.usual_cause,
        next_step=reason.next_step,
    )


@functools.cache
def reasons_view() -> ReasonsView:
    """Return the whole table."""
    return ReasonsView(
        reasons=tuple(map(reason_view, Reason)),
        sources=tuple(SourceView(name=source, meaning=source.meaning) for source in Source),
        evidence=EVIDENCE_KEYS,
        icmp_names=ICMP_NAMES,
    )
