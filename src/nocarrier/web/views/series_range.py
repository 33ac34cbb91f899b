"""The time that a chart covers and the width of its buckets, with defaults for what a request leaves out."""

from __future__ import annotations

from typing import NamedTuple

from nocarrier.errors import RangeError

MINUTE_S = 60
"""The history counts events by minute."""

USUAL_BUCKETS = 60
"""How many buckets a chart has at most by default: as many as a reader can tell apart."""

MAX_BUCKETS = 2_000
"""The most that a request may ask for; more than a screen has columns."""

BUCKETS_S = (60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800)
"""Usual widths, from a minute to a week. By default a chart has the narrowest that makes at most `USUAL_BUCKETS`."""

HOUR_S = 3_600.0


class SeriesRange(NamedTuple):
    """The time that a chart covers, and the width of its buckets."""

    since_unix: float
    until_unix: float
    bucket_s: int


def series_range(
    since_unix: float | None, until_unix: float | None, bucket_s: int | None, now_unix: float
) -> SeriesRange:
    """Fill in defaults: until now, an hour long, in at most 60 buckets.

    Raises:
        RangeError: the time is empty, or has too many buckets; the error says what to change.
    """
    until_unix = until_unix if until_unix is not None else now_unix
    since_unix = since_unix if since_unix is not None else max(0.0, until_unix - HOUR_S)
    if since_unix >= until_unix:
        raise RangeError("since_unix must be before until_unix (by default the present time).")
    span_s = until_unix - since_unix
    bucket_s = bucket_s or next((width for width in BUCKETS_S if span_s / width <= USUAL_BUCKETS), 0)
    if not bucket_s:  # longer than 60 weeks: as many minutes as it takes
        bucket_s = -(-int(span_s) // (USUAL_BUCKETS * MINUTE_S)) * MINUTE_S
    if span_s / bucket_s > MAX_BUCKETS:
        raise RangeError(f"This would be more than {MAX_BUCKETS} buckets; use a larger bucket_s or a shorter time.")
    return SeriesRange(since_unix, until_unix, bucket_s)
