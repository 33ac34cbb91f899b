"""`/api/p2p/failures`: the newest failures that match, and counts and samples that a noisy peer cannot push out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nocarrier.model.event import DialFailure
from nocarrier.model.event_filter import EventFilter
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.tracking import DialTracker, Snapshot, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesView:
    """The last few entries of one reason and source, kept even if another reason fills the record."""

    reason: Reason
    source: Source
    total: int
    """How many there were since the start."""
    failures: list[DialFailure]
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresView:
    """Failures, skips, cancellations and early disconnects.

    The filters apply to `failures` and `samples`. The counts ignore them and cover everything since the start.
    """

    failures: list[DialFailure]
    """Newest first."""
    by_reason: Mapping[Reason, int]
    """Most frequent first."""
    by_source: Mapping[Source, int]
    """Most frequent first."""
    by_addr: Mapping[str, int]
    """Failures of each address that the tracker still has, most frequent first."""
    samples: list[SamplesView]
    totals_by_source: Mapping[Source, Totals]
    """Dials by outcome, for each source that has any."""
    dropped: Mapping[str, int]
    """Events lost on the way to readers, by cause."""


def failures_view(tracker: DialTracker, wanted: EventFilter, limit: int) -> FailuresView:
    """Return the present view, with at most `limit` of the failures that match `wanted`."""
    snapshot = tracker.snapshot()
    by_reason: Counter[Reason] = Counter()
    by_source: Counter[Source] = Counter()
    for (reason, source), total in snapshot.counts.items():
        by_reason[reason] += total
        by_source[source] += total
    return FailuresView(
        failures=[failure for failure in reversed(snapshot.recent) if wanted.matches(failure)][:limit],
        by_reason=dict(by_reason.most_common()),
        by_source=dict(by_source.most_common()),
        by_addr=dict(Counter({peer.addr: peer.failures_total for peer in snapshot.peers}).most_common()),
        samples=_samples(snapshot, wanted),
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
