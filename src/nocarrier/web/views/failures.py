"""`/api/p2p/failures`: the newest failures that match, and counts and samples that no noisy peer can push out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.event import DialFailure
from nocarrier.model.event_filter import EventFilter
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.tracking import DialTracker, Snapshot, Totals

LATEST_UNIX = 253_402_300_799
"""The last second of the year 9999; later, dates have no agreed form (RFC 3339)."""


class FailureFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which failures to show; what is not given does not filter."""

    reason: Annotated[Reason, Meta(description="Only this reason.")] | None = None
    source: Annotated[Source, Meta(description="Only addresses that came from here.")] | None = None
    addr: Annotated[str, Meta(max_length=MAX_ADDRESS_LENGTH, description="Only this address.")] | None = None
    via: Annotated[str, Meta(max_length=300, description="Only addresses that this peer told us.")] | None = None
    phase: Annotated[Phase, Meta(description="Only failures in this phase.")] | None = None
    kind: Annotated[Kind, Meta(description="Only failures, skips, cancellations or early disconnects.")] | None = None
    since_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only at or after this time, in Unix seconds.")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many of `failures`, the newest.")] = 100

    @property
    def entries(self) -> EventFilter:
        """Which entries these are, however many."""
        return EventFilter(
            reason=self.reason,
            source=self.source,
            addr=self.addr,
            via=self.via,
            phase=self.phase,
            kind=self.kind,
            since_unix=self.since_unix,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesView:
    """The last few entries of one (reason, source), however noisy another is."""

    reason: Reason
    source: Source
    total: int
    """How many there were since start."""
    failures: list[DialFailure]
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresView:
    """Failures, skips, cancellations and early disconnects.

    `failures` and `samples` heed the filter. The counts are of everything since start and do not.
    """

    failures: list[DialFailure]
    """Newest first."""
    by_reason: Mapping[Reason, int]
    """Most frequent first."""
    by_source: Mapping[Source, int]
    """Most frequent first."""
    by_addr: Mapping[str, int]
    """Failures of the addresses that the tracker still keeps, most frequent first."""
    samples: list[SamplesView]
    totals_by_source: Mapping[Source, Totals]
    """Dials by outcome, of the sources that were dialed from."""
    dropped: Mapping[str, int]
    """What was lost on the way to the readers, by cause."""


def failures_view(tracker: DialTracker, wanted: FailureFilter) -> FailuresView:
    """The view of this instant."""
    snapshot = tracker.snapshot()
    entries = wanted.entries
    by_reason: Counter[Reason] = Counter()
    by_source: Counter[Source] = Counter()
    for (reason, source), total in snapshot.counts.items():
        by_reason[reason] += total
        by_source[source] += total
    return FailuresView(
        failures=[failure for failure in reversed(snapshot.recent) if entries.matches(failure)][: wanted.limit],
        by_reason=dict(by_reason.most_common()),
        by_source=dict(by_source.most_common()),
        by_addr=dict(Counter({peer.addr: peer.failures_total for peer in snapshot.peers}).most_common()),
        samples=_samples(snapshot, entries),
        totals_by_source={source: totals for source, totals in snapshot.totals_by_source.items() if totals != Totals()},
        dropped=snapshot.dropped,
    )


def _samples(snapshot: Snapshot, wanted: EventFilter) -> list[SamplesView]:
    samples = []
    for (reason, source), kept in sorted(snapshot.samples.items()):
        matching = [failure for failure in kept if wanted.matches(failure)]
        if matching:
            total = snapshot.counts.get((reason, source), 0)
            samples.append(SamplesView(reason=reason, source=source, total=total, failures=matching))
    return samples
