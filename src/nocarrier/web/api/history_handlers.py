"""What the routes of the history answer. They read the disk, so they do it in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException

from nocarrier.errors import CursorError, HistoryError, PlaceError, RangeError, UnknownRunError
from nocarrier.model.history import History, SeriesQuery
from nocarrier.web.api.api import Api
from nocarrier.web.api.known_addresses import known_addresses
from nocarrier.web.api.questions import HistoryQuery, HistorySeriesQuery, Order, PastFindingsQuery
from nocarrier.web.views import history_after_view, history_view, past_findings_view, redact, series_range, series_view


async def history(api: Api, query: HistoryQuery, _body: None) -> bytes:
    """A page of the newest events that were kept, or what was written after a place."""
    if query.order is Order.DESC and query.after is None:
        return await _read(api, lambda kept: history_view(kept, query.events), redacted=query.redact)
    return await _read(api, lambda kept: history_after_view(kept, query.place, query.limit), redacted=query.redact)


async def history_series(api: Api, query: HistorySeriesQuery, _body: None) -> bytes:
    """Counts by time."""
    return await _read(api, lambda kept: series_view(kept, _series(query, time.time())), redacted=query.redact)


def _series(query: HistorySeriesQuery, now_unix: float) -> SeriesQuery:
    span = series_range(query.since_unix, query.until_unix, query.bucket_s, now_unix)
    return SeriesQuery(
        since_unix=span.since_unix,
        until_unix=span.until_unix,
        bucket_s=span.bucket_s,
        by=query.by,
        kind=query.kind,
        reason=query.reason,
        source=query.source,
        phase=query.phase,
    )


async def history_findings(api: Api, query: PastFindingsQuery, _body: None) -> bytes:
    """Findings of the past."""
    return await _read(
        api,
        lambda kept: past_findings_view(kept, query.since_unix, query.until_unix, query.limit),
        redacted=query.redact,
    )


async def _read(api: Api, look: Callable[[History], object], *, redacted: bool) -> bytes:
    """What `look` sees in the history, as JSON."""
    kept = api.history
    if kept is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, "History is off in this program; set enabled = true under [history], and restart it."
        )
    # The node lives in this loop, so it is asked here; a large page takes long to mask, so that is done in the thread.
    known = list(known_addresses(api.tracker, api.node)) if redacted else None

    def encoded() -> bytes:
        view = look(kept)
        return msgspec.json.encode(view if known is None else redact(view, known))

    try:
        return await api.history_questions.ask(encoded)
    except (CursorError, PlaceError, RangeError) as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except UnknownRunError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    except HistoryError as error:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"}) from error
