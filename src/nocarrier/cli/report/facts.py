"""Asks a node for everything that a report contains."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TypeVar

from nocarrier.client import history_pages
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import NocarrierError
from nocarrier.model.event import DialEvent, DialFailure
from nocarrier.model.history import EventCount, SeriesBy
from nocarrier.model.taxonomy import Kind
from nocarrier.web.views import (
    Coverage,
    DebugView,
    DiagnosisView,
    FailuresView,
    HistoryView,
    PastFindingsView,
    PastFindingView,
    PeersView,
    PeerView,
    PropagationView,
    SeriesView,
)
from nocarrier.web.views.series_range import BUCKETS_S

SAMPLES_EACH = 3
"""Samples of each reason: enough to see whether they are alike."""

MAX_REASONS = 40
"""Reasons with samples: more than any node has ever shown."""

MAX_PAST_FINDINGS = 100

SAMPLES_FROM = 50
"""How many of the newest events of a reason are searched for samples of different peers."""

MAX_BUCKETS = 72
"""Buckets of the chart: a line of them still fits where Markdown is shown."""

_SERIES_PATH = "/api/p2p/history/series"

_View = TypeVar("_View")


@dataclass(frozen=True, kw_only=True)
class RecordedDials:
    """What became of dials."""

    covers: str
    """What `counts` cover."""
    counts: list[EventCount]
    failures: SeriesView
    """Failed dials by time and reason."""
    samples: dict[str, list[DialEvent]]
    """By reason, the newest first."""
    past_findings: list[PastFindingView] | None
    """None: there is no history."""
    without_history: str = ""
    """Why everything is from memory; empty if it is from the history."""


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """Everything that a report contains."""

    since_unix: float
    until_unix: float
    is_redacted: bool
    debug: DebugView
    diagnosis: DiagnosisView
    recorded: RecordedDials
    peers: list[PeerView]
    propagation: PropagationView
    dropped: Mapping[str, int] = field(default_factory=dict)


def gather(
    client: NodeClient,
    since_unix: float,
    until_unix: float,
    *,
    is_redacted: bool,
    tell: Callable[[str], None] = lambda _: None,
) -> ReportFacts:
    """Ask the node for everything; `tell` is called with what is asked for next.

    Raises:
        NodeUnreachableError: no node answers.
        AnotherApiError: its answer cannot be read.
        RequestRefusedError: the node is too old.
    """
    asking = _Asking(client, is_redacted=is_redacted)
    tell("asking for the findings")
    debug = asking.ask(DebugView, "/api/p2p/debug")
    diagnosis = asking.ask(DiagnosisView, "/api/p2p/diagnosis")
    failures = asking.ask(FailuresView, "/api/p2p/failures", {"since_unix": since_unix, "limit": 1000})
    recorded = _recorded(asking, failures, since_unix, until_unix, tell)
    tell("asking for the peers")
    return ReportFacts(
        since_unix=since_unix,
        until_unix=until_unix,
        is_redacted=is_redacted,
        debug=debug,
        diagnosis=diagnosis,
        recorded=recorded,
        peers=asking.ask(PeersView, "/api/p2p/peers").peers,
        propagation=asking.ask(PropagationView, "/api/p2p/propagation"),
        dropped=failures.dropped,
    )


class _Asking:
    """Asks for answers that can be shared, unless told otherwise."""

    def __init__(self, client: NodeClient, *, is_redacted: bool) -> None:
        self._client = client
        self._redact = {"redact": "true"} if is_redacted else {}

    def ask(self, view: type[_View], path: str, query: Mapping[str, object] | None = None) -> _View:
        return self._client.get(path, {**(query or {}), **self._redact}).read(view)


# ---- what became of dials -------------------------------------------------------------------------------------------


def _recorded(
    asking: _Asking,
    failures: FailuresView,
    since_unix: float,
    until_unix: float,
    tell: Callable[[str], None],
) -> RecordedDials:
    tell("asking for the history")
    try:
        return _from_history(asking, {"since_unix": since_unix, "until_unix": until_unix}, tell)
    except NocarrierError as error:  # the history is off or cannot be read; memory always holds something
        return _from_memory(failures, since_unix, until_unix, str(error))


def _from_history(asking: _Asking, times: Mapping[str, float], tell: Callable[[str], None]) -> RecordedDials:
    bucket_s = _bucket_s(times["until_unix"] - times["since_unix"])
    series = asking.ask(SeriesView, _SERIES_PATH, {**times, "kind": "failure", "bucket_s": bucket_s})
    counts = asking.ask(SeriesView, _SERIES_PATH, {**times, "by": "kind"}).counts
    past = asking.ask(PastFindingsView, history_pages.FINDINGS_PATH, {**times, "limit": MAX_PAST_FINDINGS})
    samples: dict[str, list[DialEvent]] = {}
    for reason in itertools.islice(reasons_of(counts), MAX_REASONS):
        tell(f"asking for samples of {reason}")
        query = {**times, "reason": reason, "limit": SAMPLES_FROM}
        samples[reason] = _different(asking.ask(HistoryView, history_pages.PATH, query).events)
    return RecordedDials(
        covers="in this period, from the history",
        counts=counts,
        failures=series,
        samples=samples,
        past_findings=past.findings,
    )


def _from_memory(failures: FailuresView, since_unix: float, until_unix: float, why: str) -> RecordedDials:
    counts = [
        EventCount(
            kind=sample.failures[-1].kind,
            phase=sample.failures[-1].phase,
            reason=sample.reason,
            source=sample.source,
            count=sample.total,
        )
        for sample in failures.samples
        if sample.failures
    ]
    counts.sort(key=lambda each: -each.count)
    samples: dict[str, list[DialFailure]] = {reason: [] for reason in itertools.islice(reasons_of(counts), MAX_REASONS)}
    for sample in failures.samples:
        samples.get(sample.reason, []).extend(sample.failures)
    newest = {
        reason: _different(sorted(events, key=lambda event: -event.at_unix)) for reason, events in samples.items()
    }
    in_time = [event for event in failures.failures if event.at_unix < until_unix and event.kind == Kind.FAILURE]
    return RecordedDials(
        covers="everything since the program started, from memory",
        counts=counts,
        failures=_counted(in_time, since_unix, until_unix),
        samples=newest,
        past_findings=None,
        without_history=why,
    )


def _different(events: Sequence[DialEvent]) -> list[DialEvent]:
    """The first of each address."""
    return list({event.addr: event for event in reversed(events)}.values())[: -SAMPLES_EACH - 1 : -1]


def _bucket_s(span_s: float) -> int | None:
    """The narrowest usual width that gives few enough buckets; None lets the node choose a wider one."""
    # One bucket more, because buckets begin at multiples of their width.
    return next((width for width in BUCKETS_S if span_s / width + 1 <= MAX_BUCKETS), None)


def _counted(events: Iterable[DialFailure], since_unix: float, until_unix: float) -> SeriesView:
    bucket_s = _bucket_s(until_unix - since_unix) or ceil((until_unix - since_unix) / MAX_BUCKETS)
    begin_unix = int(since_unix // bucket_s * bucket_s)
    buckets = int((until_unix - begin_unix) / bucket_s) + 1
    series: dict[str, list[int]] = {}
    for event in events:
        series.setdefault(event.reason, [0] * buckets)[int((event.at_unix - begin_unix) / bucket_s)] += 1
    return SeriesView(
        since_unix=begin_unix,
        until_unix=begin_unix + buckets * bucket_s,
        bucket_s=bucket_s,
        by=SeriesBy.REASON,
        series=dict(sorted(series.items(), key=lambda item: -sum(item[1]))),
        counts=[],
        starts_unix=[],
        cover=Coverage(covers="since start", since_unix=None),
    )


def reasons_of(counts: Iterable[EventCount]) -> Iterable[str]:
    """Reasons in `counts`, the most frequent first; skips come after all others."""
    totals: Counter[tuple[bool, str]] = Counter()
    for each in counts:
        if each.reason is not None and each.kind not in {Kind.STARTED, Kind.SUCCEEDED}:
            totals[each.kind == Kind.SKIP, each.reason] += each.count
    return dict.fromkeys(reason for (_, reason), _ in sorted(totals.items(), key=lambda item: (item[0][0], -item[1])))
