"""Failures over time: as lines of block characters, and as an SVG drawing."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from nocarrier.cli.render.text import printable
from nocarrier.cli.render.times import utc
from nocarrier.model.wording.numbers import span
from nocarrier.web.views import SeriesView

MAX_LINES = 8
"""As many colours as people can tell apart; rarer reasons share one line."""

OTHERS = "others"

_BLOCKS = " ▁▂▃▄▅▆▇█"
_NAME_WIDTH = 22
"""Enough for most reasons."""

_WIDTH, _HEIGHT = 900, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 26
"""Room around the bars, for the numbers."""

_TIME_OF_DAY = slice(11, 16)
_DATE_AND_TIME = slice(5, 16)
"""Parts of a text such as 2026-11-03 10:12:05."""

_DAY_S = 86_400


def lines_of(series: SeriesView) -> list[tuple[str, list[int]]]:
    """Names with a count for each bucket, the most frequent first; beyond `MAX_LINES` they are added up."""
    every = list(series.series.items())
    if len(every) <= MAX_LINES:
        return every
    shown, rest = every[: MAX_LINES - 1], [counts for _, counts in every[MAX_LINES - 1 :]]
    return [*shown, (OTHERS, [sum(column) for column in zip(*rest, strict=True)])]


def total_of(series: SeriesView) -> list[int]:
    """The total of each bucket."""
    return [sum(column) for column in zip(*series.series.values(), strict=True)]


def block_chart(series: SeriesView) -> str:
    """A line per reason, each with its own scale; the number at its end is the count of its highest block."""
    rows = [("all", total_of(series)), *lines_of(series)]
    drawn = [
        f"{printable(name)[:_NAME_WIDTH]:<{_NAME_WIDTH}} {_blocks(counts)}| {max(counts)}" for name, counts in rows
    ]
    begin, end = _label(series, series.since_unix), _label(series, series.until_unix)
    axis = f"{'UTC':<{_NAME_WIDTH}} {begin}  {end:>{max(0, len(rows[0][1]) - len(begin) - 2)}}"
    return "\n".join([*drawn, axis])


def _blocks(counts: Sequence[int]) -> str:
    most = max(counts, default=0) or 1
    # Rounded up, so that one failure among thousands is visible.
    return "".join(_BLOCKS[-(-count * (len(_BLOCKS) - 1) // most)] for count in counts)


def _label(series: SeriesView, at_unix: float) -> str:
    return utc(at_unix)[_TIME_OF_DAY if series.until_unix - series.since_unix < _DAY_S else _DATE_AND_TIME]


# ---- the drawing ----------------------------------------------------------------------------------------------------


def svg_chart(series: SeriesView) -> str:
    """Stacked bars as inline SVG, with a legend below; colours are the classes s0 to s7 of the style sheet."""
    totals = total_of(series)
    most = max(totals, default=0) or 1
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Failed dials over time">',
        *_grid(most),
        *_bars(series, most),
        *_axis(series),
        "</svg>",
    ]
    legend = "".join(
        f'<span><i class="s{place}"></i>{_escaped(name)} <b>{sum(counts)}</b></span>'
        for place, (name, counts) in enumerate(lines_of(series))
    )
    caption = f"failed dials per {span(series.bucket_s)}, UTC"
    return f'<figure>{"".join(parts)}<figcaption>{caption}<div class="legend">{legend}</div></figcaption></figure>\n'


def _grid(most: int) -> Iterator[str]:
    for count in sorted({0, (most + 1) // 2, most}):
        y = _y(count, most)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="number" x="{_LEFT - 6}" y="{y + 4:.1f}">{count}</text>'


def _bars(series: SeriesView, most: int) -> Iterator[str]:
    lines = lines_of(series)
    buckets = len(lines[0][1]) if lines else 0
    width = (_WIDTH - _LEFT - _RIGHT) / max(1, buckets)
    for bucket in range(buckets):
        below = 0
        begin = _label(series, series.since_unix + bucket * series.bucket_s)
        for place, (name, counts) in enumerate(lines):
            count = counts[bucket]
            if count:
                y, height = _y(below + count, most), _y(below, most) - _y(below + count, most)
                yield (
                    f'<rect class="s{place}" x="{_LEFT + bucket * width + 0.5:.1f}" y="{y:.1f}" '
                    f'width="{max(1.0, width - 1):.1f}" height="{height:.1f}">'
                    f"<title>{begin} {_escaped(name)}: {count}</title></rect>"
                )
            below += count


def _axis(series: SeriesView) -> Iterator[str]:
    span_s = max(1.0, series.until_unix - series.since_unix)
    for start_unix in series.starts_unix:
        x = _LEFT + (start_unix - series.since_unix) / span_s * (_WIDTH - _LEFT - _RIGHT)
        yield (
            f'<line class="start" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}">'
            f"<title>{_label(series, start_unix)} the program was started</title></line>"
        )
    for share, anchor in ((0.0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1.0, "end")):
        x = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        label = _label(series, series.since_unix + share * span_s)
        yield f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{label}</text>'


def _y(count: int, most: int) -> float:
    return _HEIGHT - _BOTTOM - count / most * (_HEIGHT - _TOP - _BOTTOM)


def _escaped(name: str) -> str:
    return html.escape(printable(name))
