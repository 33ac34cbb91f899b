"""The handlers of the history's routes. They read the disk, so they run in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException

from nocarrier.errors import CursorError, HistoryError, PlaceError, RangeError, UnknownRunError
from nocarrier.model.history import History, SeriesQuery
from nocarrier.web.api.api import Api
from nocarrier.web.api.input.questions import HistoryQuery, HistorySeriesQuery, Order, PastFindingsQuery
from nocarrier.web.views import (
    Reader,
    history_after_view,
    history_view,
    past_findings_view,
    redact,
    series_range,
    series_view,
)


async def history(api: Api, query: HistoryQuery, _body: None, reader: Reader) -> bytes:
    """Return a page of the newest stored events, or the events written after a given one."""
    if query.order is Order.DESC and query.after is None:
        return await _read(api, lambda kept: history_view(kept, query.events), is_masked=reader.is_masked)
    return await _read(api, lambda kept: history_after_view(kept, query.place, query.limit), is_masked=reader.is_masked)


async def history_series(api: Api, query: HistorySeriesQuery, _body: None, reader: Reader) -> bytes:
    """Return how many events there were over time."""
    return await _read(api, lambda kept: series_view(kept, _series(query, time.time())), is_masked=reader.is_masked)


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


async def history_findings(api: Api, query: PastFindingsQuery, _body: None, reader: Reader) -> bytes:
    """Return past findings."""
    return await _read(
        api,
        lambda kept: past_findings_view(kept, query.since_unix, query.until_unix, query.limit, reader),
        is_masked=reader.is_masked,
    )


async def _read(api: Api, look: Callable[[History], object], *, is_masked: bool) -> bytes:
    """Return what `look` finds in the history, as JSON."""
    kept = api.history
    if kept is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, "History is off in this program; set enabled = true under [history] and restart it."
        )

    def encoded() -> bytes:  # in the thread too, because masking a large page takes long
        view = look(kept)
        return msgspec.json.encode(redact(view) if is_masked else view)

    try:
        return await api.history_questions.ask(encoded)
    except (CursorError, PlaceError, RangeError) as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except UnknownRunError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    except HistoryError as error:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"}) from error
