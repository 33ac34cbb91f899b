"""The parts of a report that count dials and show samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nocarrier.cli.render.event_row import evidence_of, repeats_in_words
from nocarrier.cli.render.markdown import code, table, words
from nocarrier.cli.render.text import took_in_words
from nocarrier.cli.render.times import utc
from nocarrier.cli.report.chart import block_chart, total_of
from nocarrier.cli.report.facts import ReportFacts, reasons_of
from nocarrier.model.event import DialEvent
from nocarrier.model.taxonomy import Kind, Reason
from nocarrier.model.wording.numbers import count_of, span

CHART = "text failures-over-time"
"""Info string of the fenced chart, by which the HTML report finds it and draws it instead."""

MAX_REASONS = 50
MAX_SOURCES = 12
"""More than there are."""


def over_time(facts: ReportFacts) -> Iterator[str]:
    """The chart."""
    recorded = facts.recorded
    if recorded.without_history:
        yield (
            "From memory, which keeps only the newest failures and may not go back far enough. There is no history: "
            f"{words(recorded.without_history)}"
        )
    total = sum(total_of(recorded.failures))
    if not total:
        yield "No dial failed in this period."
        return
    yield f"{total} failed dials, in steps of {span(recorded.failures.bucket_s)}."
    yield f"```{CHART}\n{block_chart(recorded.failures)}\n```"
    starts = recorded.failures.starts_unix
    if starts:
        yield f"The program started in this period at: {', '.join(map(utc, starts[-MAX_SOURCES:]))} UTC."


def counts(facts: ReportFacts) -> Iterator[str]:
    """Totals, by reason and source."""
    recorded, totals, cover = facts.recorded, facts.debug.dial_totals, facts.debug.totals_cover
    since_start = {
        Kind.STARTED: totals.started,
        Kind.SUCCEEDED: totals.succeeded,
        Kind.FAILURE: totals.failed,
        Kind.CANCELLED: totals.cancelled,
        Kind.SKIP: totals.skipped,
        Kind.DISCONNECT: totals.disconnected_early,
    }
    since = "since start" + (f" ({utc(cover.since_unix)} UTC)" if cover.since_unix is not None else "")
    if recorded.without_history:
        yield table(("dials", since), ((kind.outcome, str(since_start[kind])) for kind in Kind), numbers=1)
    else:
        kinds = Counter[str]()
        for each in recorded.counts:
            kinds[each.kind] += each.count
        # Not every dial has an event for its start: a program that dials by itself may report only the end.
        in_time = {kind: str(kinds[kind]) for kind in Kind} | {Kind.STARTED: ""}
        rows = ((kind.outcome, in_time[kind], str(since_start[kind])) for kind in Kind)
        yield table(("dials", "in this period", since), rows, numbers=2)
    yield f"{count_of(totals.in_flight, 'dial')} in flight."
    yield from _grid(facts)


def _grid(facts: ReportFacts) -> Iterator[str]:
    cells = Counter[tuple[str, str]]()
    sources = Counter[str]()
    failed = Counter[str]()
    skips = set()
    for each in facts.recorded.counts:
        if each.reason is None or each.kind in {Kind.STARTED, Kind.SUCCEEDED}:
            continue
        cells[each.reason, each.source] += each.count
        sources[each.source] += each.count
        if each.kind == Kind.SKIP:
            skips.add(each.reason)
        else:
            failed[each.source] += each.count
    if not cells:
        return
    shown = [source for source, _ in sources.most_common(MAX_SOURCES)]
    reasons = list(reasons_of(facts.recorded.counts))[:MAX_REASONS]

    def row(reason: str) -> tuple[str, ...]:
        numbers = [cells[reason, source] for source in shown]
        return code(reason), *(str(number or "") for number in numbers), str(sum(numbers))

    yield f"By reason and source, {facts.recorded.covers}; skips come last and are not failures:"
    rows = [row(reason) for reason in reasons if reason not in skips]
    rows.append(("**total without skips**", *(f"**{failed[source]}**" for source in shown), f"**{failed.total()}**"))
    rows += [row(reason) for reason in reasons if reason in skips]
    yield table(("reason", *map(words, shown), "total"), rows, numbers=len(shown) + 1)


def samples(facts: ReportFacts) -> Iterator[str]:
    """Samples of each reason, with what is known about them."""
    known = {reason.value: reason for reason in Reason}  # a newer node may have more
    if not any(facts.recorded.samples.values()):
        yield "None."
    for name, events in facts.recorded.samples.items():
        if not events:
            continue
        reason = known.get(name)
        kind = " (skip)" if events[0].kind == Kind.SKIP else ""
        yield f"### {code(name)}{kind}" + (f": {words(reason.meaning)}" if reason is not None else "")
        yield table(("time (UTC)", "address", "from", "phase, blame", "took", "what is known"), map(_sample, events))


def _sample(event: DialEvent) -> tuple[str, ...]:
    via = f" via {code(event.via)}" if event.via else ""
    repeats = repeats_in_words(event)
    return (
        utc(event.at_unix),
        code(event.addr),
        words(event.source) + via,
        words(f"{event.phase or '?'}, {event.blame or '?'}"),
        took_in_words(event.duration_s),
        words(evidence_of(event)) + (f" ({repeats})" if repeats else ""),
    )
