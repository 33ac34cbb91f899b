"""The ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from nocarrier.doctor import Doctor
from nocarrier.model.history import History
from nocarrier.model.node.state import NodePort
from nocarrier.supervision import Supervisor
from nocarrier.tracking import DialTracker
from nocarrier.web.api.api import Api
from nocarrier.web.api.endpoint import endpoint
from nocarrier.web.api.guard import Guard
from nocarrier.web.api.openapi import openapi_document
from nocarrier.web.api.page import Page
from nocarrier.web.api.probes import ProberPort
from nocarrier.web.api.problems import on_http_exception, on_unexpected
from nocarrier.web.api.routes import ROUTES
from nocarrier.web.page import BUILT


class Application:
    """Answers requests (ASGI).

    Args:
        app: the guarded Starlette application.
        api: the objects that its handlers read.
    """

    def __init__(self, app: ASGIApp, api: Api) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    @property
    def supervisor(self) -> Supervisor:
        """Runs the endless tasks of the application. `Server` adds its own task to it."""
        return self._api.doctor.supervisor

    def end_streams(self) -> None:
        """End all live streams, which would otherwise keep a server from stopping."""
        self._api.event_log.close()


def create_app(
    tracker: DialTracker,
    node: NodePort | None,
    doctor: Doctor,
    prober: ProberPort,
    history: History | None,
    *,
    version: str,
    token: str | None = None,
    allowed_hosts: Iterable[str] | None = None,
) -> Application:
    """Return the application for `tracker`, and for `node` if there is one.

    Args:
        tracker: has the dials to show.
        node: has the peers to show, and dials on request; None: the program has no nocarrier node.
        doctor: makes the findings to show.
        prober: probes findings on request.
        history: has the events and findings on disk; None: history is off.
        version: the version of nocarrier, for the OpenAPI document.
        token: the secret that requests must carry; None: no token is needed.
        allowed_hosts: see `Guard`.
    """
    document = msgspec.json.encode(openapi_document(ROUTES, version))
    page = Page(BUILT, ROUTES)
    api = Api(tracker, node, doctor, prober, history, version=version, openapi=document, page=page)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        api.event_log.open()
        yield
        await api.close()

    app = Starlette(
        routes=[Route(row.path, endpoint(row, api), methods=[row.method]) for row in ROUTES],
        exception_handlers={HTTPException: on_http_exception, Exception: on_unexpected},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a wrong path gets a 404 that says so
    return Application(Guard(app, token=token, allowed_hosts=allowed_hosts), api)
