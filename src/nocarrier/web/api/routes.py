"""The one table of routes. The application, its OpenAPI document and the docs are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.web.api import handlers, history_handlers, responders
from nocarrier.web.api.api import Api
from nocarrier.web.api.input.questions import (
    ConnectBody,
    FailuresQuery,
    HistoryQuery,
    HistorySeriesQuery,
    NoQuery,
    PastFindingsQuery,
    ProbeBody,
    PropagationQuery,
    RedactQuery,
    StreamQuery,
)
from nocarrier.web.api.input.requests import PROBLEMS_OF_A_BODY, PROBLEMS_OF_A_QUERY
from nocarrier.web.views import (
    Alive,
    ConnectStarted,
    DebugView,
    DiagnosisView,
    DialResult,
    FailuresView,
    HistoryView,
    PastFindingsView,
    PeersView,
    ProbeView,
    PropagationView,
    Reader,
    Ready,
    ReasonsView,
    SeriesView,
)
from nocarrier.web.views.stream import MESSAGES

ViewMaker: TypeAlias = Callable[[Api, Any, Any, Reader], Awaitable[object]]
"""Takes the `Api`, the query and the body (each None if the row has none) and the reader; returns the view or its
JSON."""

Responder: TypeAlias = Callable[[Api, Any, Request, Reader], Awaitable[Response]]
"""The same for a route whose answer is not JSON. It gets the request for its headers."""


@dataclass(frozen=True, kw_only=True)
class ApiRoute:
    """One row of the table: everything about a route, so that nothing has to be stated twice.

    It has either `view` or `respond`.
    """

    method: str
    path: str
    summary: str
    view: ViewMaker | None = None
    respond: Responder | None = None
    answers: Mapping[HTTPStatus, Any]
    """Type of the JSON body by status; None: the body is not JSON but of `media_type`."""
    media_type: str = "text/html"
    messages: Mapping[str, type] = field(default_factory=dict)
    """Type of the data by the name of the server-sent event."""
    query: type[msgspec.Struct] | None = NoQuery
    """Its query parameters; any other is refused. None: the query is for the page, and the server ignores it."""
    body: type[msgspec.Struct] | None = None
    own_problems: tuple[HTTPStatus, ...] = ()
    """Statuses of its errors, except the guard's, which every route has, and those that follow from its query and
    body."""

    @property
    def name(self) -> str:
        """Name of the handler."""
        handler = self.view or self.respond
        assert handler is not None
        return handler.__name__

    @property
    def problems(self) -> tuple[HTTPStatus, ...]:
        """Statuses of its errors, except the guard's, which every route has."""
        of_query = PROBLEMS_OF_A_QUERY if self.query is not None else ()
        of_body = PROBLEMS_OF_A_BODY if self.body is not None else ()
        return tuple(sorted({*self.own_problems, *of_query, *of_body}))

    def status_of(self, view: object) -> HTTPStatus:
        """Return the status whose type in `answers` is that of `view`."""
        return next(status for status, answer in self.answers.items() if isinstance(view, answer))


PROBLEMS_OF_HISTORY = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
"""History is off; it cannot be read now."""

ROUTES: tuple[ApiRoute, ...] = (
    ApiRoute(
        method="GET",
        path="/api/p2p/debug",
        summary="The state at a glance, and the 100 newest failures and skips, oldest first.",
        view=handlers.debug,
        query=RedactQuery,
        answers={HTTPStatus.OK: DebugView},
    ),
    ApiRoute(
        method="POST",
        path="/api/p2p/connect",
        summary="Dial a peer by hand, without waiting for its backoff.",
        view=handlers.connect,
        body=ConnectBody,
        answers={HTTPStatus.OK: DialResult, HTTPStatus.ACCEPTED: ConnectStarted},
        own_problems=(HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/diagnosis",
        summary="What is wrong, why, and what to do about it; the worst first, with evidence.",
        view=handlers.diagnosis,
        query=RedactQuery,
        answers={HTTPStatus.OK: DiagnosisView},
    ),
    ApiRoute(
        method="POST",
        path="/api/p2p/diagnosis/probe",
        summary="Probe a finding with a few packets. A result less than a minute old is returned again instead.",
        view=handlers.probe,
        query=RedactQuery,
        body=ProbeBody,
        answers={HTTPStatus.OK: ProbeView},
        own_problems=(HTTPStatus.NOT_FOUND,),
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/failures",
        summary="Failures that match, newest first, with counts since the start and samples of each reason and source.",
        view=handlers.failures,
        query=FailuresQuery,
        answers={HTTPStatus.OK: FailuresView},
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/peers",
        summary="The peer book: when each peer is dialed next, and why not now.",
        view=handlers.peers,
        query=RedactQuery,
        answers={HTTPStatus.OK: PeersView},
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/propagation",
        summary="How the addresses from each source and introducer turned out, and how one address reached this node.",
        view=handlers.propagation,
        query=PropagationQuery,
        answers={HTTPStatus.OK: PropagationView},
        own_problems=(HTTPStatus.NOT_FOUND,),
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/events",
        summary="The live stream: every dial as it happens, and status and findings when they change.",
        respond=responders.events,
        query=StreamQuery,
        answers={HTTPStatus.OK: None},
        media_type="text/event-stream",
        messages=MESSAGES,
        own_problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/history",
        summary="Events kept on disk across restarts: the newest page by page, or all in order after a given event.",
        view=history_handlers.history,
        query=HistoryQuery,
        answers={HTTPStatus.OK: HistoryView},
        own_problems=PROBLEMS_OF_HISTORY,
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/history/series",
        summary="How many events there were over time, for charts.",
        view=history_handlers.history_series,
        query=HistorySeriesQuery,
        answers={HTTPStatus.OK: SeriesView},
        own_problems=PROBLEMS_OF_HISTORY,
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/history/findings",
        summary="Present and past findings with when they began and ended, the latest to begin first.",
        view=history_handlers.history_findings,
        query=PastFindingsQuery,
        answers={HTTPStatus.OK: PastFindingsView},
        own_problems=PROBLEMS_OF_HISTORY,
    ),
    ApiRoute(
        method="GET",
        path="/api/p2p/reasons",
        summary="Every reason with its meaning, usual cause and next step; every source and every key of evidence.",
        view=handlers.reasons,
        answers={HTTPStatus.OK: ReasonsView},
    ),
    ApiRoute(
        method="GET",
        path="/healthz",
        summary="Whether the program runs.",
        view=handlers.healthz,
        answers={HTTPStatus.OK: Alive},
    ),
    ApiRoute(
        method="GET",
        path="/readyz",
        summary="Whether the node listens and dials, and no internal task is down.",
        view=handlers.readyz,
        answers={HTTPStatus.OK: Ready},
        own_problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    ApiRoute(
        method="GET",
        path="/openapi.json",
        summary="The OpenAPI 3.1 document of this API.",
        view=handlers.openapi,
        answers={HTTPStatus.OK: dict[str, Any]},
    ),
    ApiRoute(
        method="GET",
        path="/metrics",
        summary="Metrics for Prometheus.",
        respond=responders.metrics,
        answers={HTTPStatus.OK: None},
        media_type="text/plain",
    ),
    ApiRoute(
        method="GET", path="/", summary="The page.", query=None, respond=responders.page, answers={HTTPStatus.OK: None}
    ),
    ApiRoute(
        method="GET",
        path="/assets/{name}",
        summary="The files of the page.",
        respond=responders.page_asset,
        answers={HTTPStatus.OK: None},
        media_type="*/*",
        own_problems=(HTTPStatus.NOT_FOUND,),
    ),
)
