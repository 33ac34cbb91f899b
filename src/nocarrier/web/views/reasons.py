"""`/api/p2p/reasons`: the tables of reasons, sources and evidence, for whoever meets one of their names."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from nocarrier.model.evidence import EVIDENCE_KEYS, ICMP_NAMES, EvidenceKey, IcmpName
from nocarrier.model.taxonomy import Blame, Kind, Phase, Reason, Retry, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One row of the table."""

    name: Reason
    phase: Phase
    kind: Kind
    blame: Blame
    """unknown where evidence decides per event between `blames`."""
    blames: tuple[Blame, ...]
    retry: Retry
    meaning: str
    usual_cause: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """Who can have given us an address."""

    name: Source
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonsView:
    """Every reason, source and key of evidence there is."""

    reasons: tuple[ReasonView, ...]
    sources: tuple[SourceView, ...]
    evidence: tuple[EvidenceKey, ...]
    """In the order in which they are said."""
    icmp_names: tuple[IcmpName, ...]


def reason_view(reason: Reason) -> ReasonView:
    """The row of `reason`."""
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
    """The whole table."""
    return ReasonsView(
        reasons=tuple(map(reason_view, Reason)),
        sources=tuple(SourceView(name=source, meaning=source.meaning) for source in Source),
        evidence=EVIDENCE_KEYS,
        icmp_names=ICMP_NAMES,
    )
