"""The ASGI application."""

from __future__ import annotations

import contextlib
import html
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp

from nocarrier.api.guard import Guard
from nocarrier.api.handlers import Api
from nocarrier.api.openapi import openapi_document
from nocarrier.api.probes import Prober
from nocarrier.api.problems import on_http_exception, on_unexpected
from nocarrier.api.routes import ROUTES, Handler
from nocarrier.doctor import Doctor
from nocarrier.model.node_state import NodePort
from nocarrier.track import DialTracker


def create_app(
    tracker: DialTracker,
    node: NodePort | None,
    doctor: Doctor,
    prober: Prober,
    *,
    version: str,
    token: str | None = None,
    allowed_hosts: Iterable[str] | None = None,
) -> ASGIApp:
    """The application for `tracker`, and for `node` where there is one.

    Args:
        tracker: whose dials to show.
        node: whose peers to show, and what to dial with; None: the program has no node of ours.
        doctor: whose findings to show.
        prober: what looks into them when it is asked to.
        version: of nocarrier, for the OpenAPI document.
        token: secret that requests must bear.
        allowed_hosts: see `Guard`.
    """
    document = msgspec.json.encode(openapi_document(ROUTES, version))
    api = Api(tracker, node, doctor, prober, openapi=document, index=_index_page())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        if api.connects is not None:
            await api.connects.close()
        await api.probes.close()

    app = Starlette(
        routes=[StarletteRoute(row.path, _endpoint(row.handler, api), methods=[row.method]) for row in ROUTES],
        exception_handlers={HTTPException: on_http_exception, Exception: on_unexpected},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a wrong path is told as such
    return Guard(app, token=token, allowed_hosts=allowed_hosts)


def _endpoint(handler: Handler, api: Api) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await handler(api, request)

    return endpoint


def _index_page() -> bytes:
    # Links are relative, so that they work wherever the application is mounted.
    rows = "".join(
        f'<li><code>{row.method}</code> <a href=".{row.path}">{row.path}</a> {html.escape(row.summary)}</li>'
        for row in ROUTES
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>nocarrier</title>'
        f"<h1>nocarrier</h1><p>Why aren't my peers connecting?</p><ul>{rows}</ul></html>"
    ).encode()
