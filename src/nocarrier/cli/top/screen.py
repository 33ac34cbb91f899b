"""The screen of `nocarrier top`: turns the state into lines that fit a terminal of any size."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from nocarrier.cli.render.diagnosis_text import SEVERITY_STYLES, health_in_words
from nocarrier.cli.render.event_row import evidence_of, outcome
from nocarrier.cli.render.text import printable, took_in_words
from nocarrier.cli.render.times import day_and_time
from nocarrier.cli.top.state import WINDOW_S, Filter, TopState
from nocarrier.model.event import DialEvent
from nocarrier.model.finding import HealthStatus
from nocarrier.model.history import HistoryState, HistoryStatus
from nocarrier.model.taxonomy import Kind
from nocarrier.model.wording.numbers import SHOWN_ID_DIGITS, count_of, span
from nocarrier.web.views import FindingView, StatusView

_HEALTH_STYLES = {
    HealthStatus.HEALTHY: "bold green",
    HealthStatus.UNHEALTHY: "bold red",
    HealthStatus.UNDETERMINED: "bold",
}
_KIND_STYLES = {Kind.SUCCEEDED: "green", Kind.SKIP: "dim", Kind.CANCELLED: "yellow", Kind.DISCONNECT: "magenta"}

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MAX_BARS = 8
_MAX_BAR_WIDTH = 30
_NAME_WIDTH = 22
"""Enough for most reasons."""

_TWO_COLUMNS_FROM = 90
"""On a narrower screen, sources go below the reasons."""

_BARS_FROM_HEIGHT = 18
"""On a lower screen the dials matter more."""

_SEPARATOR = "   "

_NETWORK_WIDTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The terminal, and what the keys have set."""

    width: int
    height: int
    url: str
    is_utf8: bool = True
    has_keys: bool = True
    is_paused: bool = False
    wanted: Filter = Filter.DIALS


def body(state: TopState, screen: Screen) -> list[Text]:
    """All but the footer: `screen.height` - 1 lines, none wider than the screen."""
    room = max(0, screen.height - 1)
    lines = [*_header(state, screen), *_findings(state, screen)]
    if screen.height >= _BARS_FROM_HEIGHT:
        lines += _bars(state, screen)
    lines = lines[:room]
    lines += itertools.islice(_dials(state, screen), room - len(lines))
    lines += [Text() for _ in range(room - len(lines))]
    return [_cut(line, screen.width) for line in lines]


def footer(screen: Screen) -> Text:
    """The keys, and what they have set."""
    if not screen.has_keys:
        return _fit(screen.width, [Text("Ctrl-C to quit", style="dim")])
    paused = [Text(" paused: p to resume ", style="reverse bold")] if screen.is_paused else []
    keys = [
        Text.assemble(("q", "bold"), " quit"),
        Text.assemble(("p", "bold"), " resume" if screen.is_paused else " pause"),
        Text.assemble(("f", "bold"), f" lists others (now: {screen.wanted})"),
    ]
    return _fit(screen.width, [*paused, *keys])


# ---- header ---------------------------------------------------------------------------------------------------------


def _header(state: TopState, screen: Screen) -> Iterator[Text]:
    yield _fit(screen.width, [Text("nocarrier top", style="bold"), _stream(state), *_who(state, screen)])
    if state.lost is not None:
        yield _line(f"{state.lost.why}; trying again", screen.width, "bold red")
    elif state.notice:
        yield _line(_noticed(state), screen.width, "yellow")
    status = state.status
    if status is None:
        yield _line("waiting for the node's first status update", screen.width, "dim")
        return
    totals = status.dial_totals
    ended = totals.succeeded + totals.failed
    rate = state.dials_per_minute()
    yield _fit(
        screen.width,
        [
            _connected(status),
            _fact("in flight", totals.in_flight),
            _fact("succeeded", f"{totals.succeeded / ended:.0%} of {ended}" if ended else "none ended yet"),
            _fact("dials/min", f"{rate:.0f}" if rate is not None else "..."),
            _fact("skips", totals.skipped),
            _fact("since start", f"{day_and_time(status.started_unix)}"),
        ],
    )
    book = status.peer_book_counts
    facts = [_fact("reachability", status.reachability), _fact("history", _history(status.history))]
    if status.target_peers is not None:
        facts.insert(0, _fact("peer book", f"{book.hot} hot, {book.warm} warm, {book.cold} cold"))
    if status.offline:
        facts.insert(0, Text("this machine is offline", style="bold red"))
    lost = sum(status.dropped.values())
    if lost:
        facts.append(Text(f"{lost} events lost by readers", style="yellow"))
    yield _fit(screen.width, facts)


def _who(state: TopState, screen: Screen) -> Iterator[Text]:
    if state.node is not None:
        yield _fact("node", state.node.node_id[:SHOWN_ID_DIGITS])
        yield _fact("network", state.node.network[:_NETWORK_WIDTH])
    yield Text(printable(screen.url), style="dim")


def _stream(state: TopState) -> Text:
    if state.lost is not None:
        return Text("NOT ANSWERING", style="bold red")
    return Text("live", style="bold green") if state.status is not None else Text("connecting", style="yellow")


def _noticed(state: TopState) -> str:
    total = f" ({state.events_lost} since top started)" if state.events_lost else ""
    return state.notice + total


def _connected(status: StatusView) -> Text:
    if status.target_peers is None:
        return Text("no nocarrier node", style="dim")
    style = "bold green" if status.connected >= status.target_peers else "bold yellow"
    return Text.assemble(
        "connected ", (f"{status.connected}/{status.target_peers}", style if status.connected else "bold red")
    )


def _history(history: HistoryStatus) -> str:
    if history.state == HistoryState.WORKING:
        since = f" since {day_and_time(history.since_unix)}" if history.since_unix is not None else ""
        return f"{history.events_total:,} events{since}"
    return history.state + (f": {history.detail}" if history.detail else "")


# ---- findings -------------------------------------------------------------------------------------------------------


def _findings(state: TopState, screen: Screen) -> Iterator[Text]:
    if state.diagnosis is None:
        return
    findings = state.diagnosis.findings
    health = state.diagnosis.status
    found = count_of(len(findings), "finding") if findings else "nothing found"
    if state.lost is None:
        yield _heading(f"{health_in_words(health)}: {found}", screen, _HEALTH_STYLES.get(health, "bold"))
    else:  # the present status is unknown
        yield _heading(f"when it last answered: {health_in_words(health)}: {found}", screen, "bold")
    if state.diagnosis.status_detail:
        yield _line(state.diagnosis.status_detail, screen.width)
    room = max(1, screen.height // 5)
    shown = findings if len(findings) <= room + 1 else findings[:room]
    for place, finding in enumerate(shown):
        yield _finding(finding, screen.width)
        if place == 0:
            yield from _action(finding, screen.width)
    if len(shown) < len(findings):
        yield _line(f"{'':9}and {len(findings) - len(shown)} more; see nocarrier doctor", screen.width, "dim")


def _action(finding: FindingView, width: int) -> Iterator[Text]:
    """What to do first, and below it what can be copied."""
    for action in finding.next_actions[:1]:
        yield _line(f"{'':9}do: {action.text}", width)
        yield from (_line(f"{'':13}{line}", width) for line in action.lines)


def _finding(finding: FindingView, width: int) -> Text:
    severity = (f"{printable(finding.severity)[:8]:<8} ", SEVERITY_STYLES.get(finding.severity, "bold"))
    return _cut(Text.assemble(severity, (f"{printable(finding.code)}: ", "bold"), printable(finding.summary)), width)


# ---- bars -----------------------------------------------------------------------------------------------------------


def _bars(state: TopState, screen: Screen) -> Iterator[Text]:
    window = span(WINDOW_S)
    reasons, sources = state.failures_by_reason(), state.failures_by_source()
    total = sum(count for _, count in reasons)
    left_title = f"failures by reason, last {window}: {total}"
    room = min(_MAX_BARS, max(2, screen.height // 6))
    if screen.width >= _TWO_COLUMNS_FROM:
        left_width = screen.width * 3 // 5
        right_width = screen.width - left_width
        yield _heading(left_title, screen, width=left_width) + _heading("by source", screen, width=right_width)
        left = _bar_lines(reasons[:room], left_width, "red", is_utf8=screen.is_utf8)
        right = _bar_lines(sources[:room], right_width, "blue", is_utf8=screen.is_utf8)
        for one, other in itertools.zip_longest(left, right, fillvalue=Text()):
            yield _cut(one, left_width, pad=True) + other
    else:
        yield _heading(left_title, screen)
        yield from _bar_lines(reasons[: max(2, room - 1)], screen.width, "red", is_utf8=screen.is_utf8)
        if sources:
            yield _line(", ".join(f"{name} {count}" for name, count in sources), screen.width, "blue")


def _bar_lines(counts: Sequence[tuple[str, int]], width: int, style: str, *, is_utf8: bool) -> Iterator[Text]:
    most = max((count for _, count in counts), default=0)
    digits = len(str(most))
    room = max(1, min(_MAX_BAR_WIDTH, width - _NAME_WIDTH - digits - 4))
    for name, count in counts:
        label = _cut(Text(printable(name)), _NAME_WIDTH, pad=True)
        yield label.append(f" {count:>{digits}} ", style="bold").append(
            _bar(count / most, room, is_utf8=is_utf8), style
        )


def _bar(share: float, width: int, *, is_utf8: bool) -> str:
    if not is_utf8:
        return "#" * max(1, round(share * width))
    whole, eighths = divmod(max(1, round(share * width * 8)), 8)
    return "█" * whole + _EIGHTHS[eighths].strip()


# ---- dials ----------------------------------------------------------------------------------------------------------


def _dials(state: TopState, screen: Screen) -> Iterator[Text]:
    yield _heading(f"newest {screen.wanted}", screen)
    events = list(itertools.islice(state.listed(screen.wanted), screen.height))
    if not events:
        yield _line("none yet", screen.width, "dim")
    addr_width = min(max((len(event.addr) for event in events), default=0), max(15, screen.width // 4))
    for event in events:
        yield _dial(event, addr_width, screen.width)


def _dial(event: DialEvent, addr_width: int, width: int) -> Text:
    style = _KIND_STYLES.get(event.kind, "red")
    source = event.source + (f" via {event.via}" if event.via else "")
    cells = [
        _cell(_time_of_day(event.at_unix), 8, "dim"),
        _cell(event.addr, addr_width),
        _cell(outcome(event), _NAME_WIDTH, style),
        _cell(took_in_words(event.duration_s), 6),
        _cell(source, max(10, width // 8)),
        Text(printable(evidence_of(event)), style="dim"),
    ]
    return _cut(Text("  ").join(cells), width)


def _time_of_day(at_unix: float) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(at_unix))
    except (OverflowError, ValueError, OSError):
        return "?"


# ---- lines that fit -------------------------------------------------------------------------------------------------


def _cell(text: str, width: int, style: str = "") -> Text:
    return _cut(Text(printable(text), style=style), width, pad=True)


def _line(text: str, width: int, style: str = "") -> Text:
    return _cut(Text(printable(text), style=style), width)


def _heading(text: str, screen: Screen, style: str = "bold", width: int | None = None) -> Text:
    """A rule over the whole width, to separate the parts of the screen."""
    width = screen.width if width is None else width
    rule = "─" if screen.is_utf8 else "-"
    line = Text.assemble((f"{rule} ", "dim"), (printable(text), style), (f" {rule * width}", "dim"))
    line.no_wrap = True
    line.truncate(width, overflow="crop")
    return line


def _fact(name: str, value: object) -> Text:
    return Text.assemble(f"{name} ", (printable(value), "bold"))


def _cut(text: Text, width: int, *, pad: bool = False) -> Text:
    text.no_wrap = True
    text.truncate(max(0, width), overflow="ellipsis", pad=pad)
    return text


def _fit(width: int, parts: Iterable[Text]) -> Text:
    """As many of `parts` as fit on a line; at least the first, cut if it must be."""
    line = Text()
    for part in parts:
        needed = line.cell_len + len(_SEPARATOR) + part.cell_len
        if line.cell_len and needed > width:
            break
        line = line + Text(_SEPARATOR if line.cell_len else "") + part
    return _cut(line, width)
