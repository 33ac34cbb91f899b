"""Turns a row of the table of routes into an endpoint: it reads the request, calls the handler, encodes the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.web.api.api import Api
from nocarrier.web.api.input.requests import read_body, read_query, reader_of
from nocarrier.web.api.routes import ApiRoute
from nocarrier.web.views import redact


def endpoint(route: ApiRoute, api: Api) -> Callable[[Request], Awaitable[Response]]:
    """Return the function that answers requests to `route`.

    It refuses a query parameter that the row does not declare before it does anything else.
    """

    async def answer(request: Request) -> Response:
        query = read_query(request, route.query) if route.query is not None else None
        reader = reader_of(request, query, api.program)
        if route.respond is not None:
            return await route.respond(api, query, request, reader)
        assert route.view is not None
        body = await read_body(request, route.body) if route.body is not None else None
        view = await route.view(api, query, body, reader)
        if isinstance(view, bytes):  # already encoded, and masked if needed
            return Response(view, media_type="application/json")
        status = route.status_of(view)
        if reader.is_masked:
            view = redact(view)
        return Response(msgspec.json.encode(view), status, media_type="application/json")

    return answer
