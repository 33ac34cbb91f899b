"""The handlers of routes whose answer is not JSON, or depends on the headers of the request."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.outputs.metrics import exposition
from nocarrier.web.api.api import Api
from nocarrier.web.api.input.questions import LARGEST_SEQ, NoQuery, StreamQuery
from nocarrier.web.api.live.event_stream import EventStream
from nocarrier.web.views import Reader
from nocarrier.web.views.status import history_status

MAX_STREAMS = 100
"""How many readers the live stream may have at once. Each holds one of the 256 connections."""


async def events(api: Api, query: StreamQuery, request: Request, reader: Reader) -> Response:
    """Return the live stream."""
    if api.event_log.readers >= MAX_STREAMS:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{MAX_STREAMS} readers already follow the live stream. Close some, or try again later.",
            {"Retry-After": "10"},
        )
    texts = api.event_log.follow(_last_event_id(request, query), reader, start_id=query.start_id)
    return EventStream(texts, api.event_log.reading())


def _last_event_id(request: Request, query: StreamQuery) -> int | None:
    """Return the last event that the client has seen. A header that is not a number of an event is ignored."""
    header = request.headers.get("last-event-id", "")
    is_number = header.isascii() and header.isdigit() and len(header) <= len(str(LARGEST_SEQ))
    return int(header) if is_number else query.last_event_id


async def metrics(api: Api, _query: NoQuery, request: Request, _reader: Reader) -> Response:
    """Return the metrics in Prometheus text format."""
    diagnosis = await api.doctor.diagnosis()
    body, media_type = exposition(
        api.tracker, api.node, diagnosis, history_status(api.history), accept=request.headers.get("accept", "")
    )
    return Response(body, headers={"content-type": media_type})


async def page(api: Api, _query: None, request: Request, _reader: Reader) -> Response:
    """Return the page."""
    return api.page.index(request)


async def page_asset(api: Api, _query: NoQuery, request: Request, _reader: Reader) -> Response:
    """Return a file of the page."""
    return api.page.asset(request, request.path_params["name"])
