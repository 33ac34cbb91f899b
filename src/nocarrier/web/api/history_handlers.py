"""What the routes of the history answer. They read the disk, so they do it in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.errors import CursorError, HistoryError, RangeError
from nocarrier.model.history import History
from nocarrier.web.api.handlers import REDACT, Api
from nocarrier.web.api.known_addresses import known_addresses
from nocarrier.web.api.requests import read_query
from nocarrier.web.views import (
    EventFilter,
    FindingsFilter,
    SeriesFilter,
    history_view,
    past_findings_view,
    redact,
    series_view,
)


class HistoryQuery(EventFilter, frozen=True, kw_only=True):
    """Which events, and for whom."""

    redact: Annotated[bool, REDACT] = False


class SeriesQuery(SeriesFilter, frozen=True, kw_only=True):
    """What to count, and for whom."""

    redact: Annotated[bool, REDACT] = False


class FindingsQuery(FindingsFilter, frozen=True, kw_only=True):
    """Which findings, and for whom."""

    redact: Annotated[bool, REDACT] = False


async def history(api: Api, request: Request) -> Response:
    """A page of events that were kept."""
    query = read_query(request, HistoryQuery)
    return await _answer(api, lambda kept: history_view(kept, query), redacted=query.redact)


async def history_series(api: Api, request: Request) -> Response:
    """Counts by time."""
    query = read_query(request, SeriesQuery)
    return await _answer(api, lambda kept: series_view(kept, query, time.time()), redacted=query.redact)


async def history_findings(api: Api, request: Request) -> Response:
    """Findings of the past."""
    query = read_query(request, FindingsQuery)
    return await _answer(api, lambda kept: past_findings_view(kept, query), redacted=query.redact)


async def _answer(api: Api, look: Callable[[History], object], *, redacted: bool) -> Response:
    kept = api.history
    if kept is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            "This program keeps no history; set enabled = true under [history], and start it anew.",
        )
    # The node lives in this loop, so it is asked here; a large page takes long to mask, so that is done in the thread.
    known = list(known_addresses(api.tracker, api.node)) if redacted else None

    def encoded() -> bytes:
        view = look(kept)
        return msgspec.json.encode(view if known is None else redact(view, known))

    try:
        body = await api.history_questions.ask(encoded)
    except (CursorError, RangeError) as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except HistoryError as error:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"}) from error
    return Response(body, media_type="application/json")
