"""The one form of errors: RFC 9457 problem documents whose detail says what to change."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.web.views import Problem

MEDIA_TYPE = "application/problem+json"
"""RFC 9457 section 3."""

_RENAMED: Mapping[int, str] = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
"""Phrases of RFC 9110 section 15.5 that Python has only since 3.13."""


def phrase_of(status: int) -> str:
    """Return the phrase of an HTTP status, the same on every version of Python."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error in the form that every part of the API uses."""
    problem = Problem(type="about:blank", title=phrase_of(status), status=status, detail=detail)
    return Response(msgspec.json.encode(problem), status, headers, media_type=MEDIA_TYPE)


async def on_http_exception(request: Request, exc: Exception) -> Response:
    """Answer an exception that a handler or Starlette raised with a problem document."""
    assert isinstance(exc, HTTPException)
    detail = exc.detail
    if exc.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is no such route; GET /openapi.json lists the routes."
    elif exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (exc.headers or {}).get("Allow", "")
        detail = f"This route does not support {request.method}; use {allowed}."
    return problem_response(exc.status_code, detail, exc.headers)


async def on_unexpected(_request: Request, _exc: Exception) -> Response:
    """Answer after a bug in nocarrier. The server logs the exception; the client does not see it."""
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR, "This is a bug in nocarrier; its log has the traceback. Please report it."
    )
