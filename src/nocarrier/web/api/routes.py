"""The one table of routes, from which the application, its OpenAPI document and the list for people are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.model.finding import Diagnosis
from nocarrier.model.node_state import DialResult
from nocarrier.model.probe import ProbeResult
from nocarrier.model.recorded_event import RecordedEvent
from nocarrier.web.api import handlers, history_handlers
from nocarrier.web.api.event_log import Gap
from nocarrier.web.api.handlers import (
    Api,
    ConnectBody,
    ConnectStarted,
    EventsQuery,
    FailuresQuery,
    Health,
    NoQuery,
    ProbeBody,
    PropagationQuery,
    RedactQuery,
)
from nocarrier.web.api.history_handlers import FindingsQuery, HistoryQuery, SeriesQuery
from nocarrier.web.views import (
    DebugView,
    FailuresView,
    HistoryView,
    PastFindingsView,
    PeersView,
    PropagationView,
    ReasonsView,
    SeriesView,
    StatusView,
)

Handler: TypeAlias = Callable[[Api, Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    summary: str
    handler: Handler
    answers: Mapping[HTTPStatus, Any]
    """Type of the JSON body by status; None: not JSON but `media_type`."""
    media_type: str = "text/html"
    messages: Mapping[str, type] = field(default_factory=dict)
    """Type of the data by the name of a server-sent event."""
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    problems: tuple[HTTPStatus, ...] = ()
    """Statuses of the errors that this route has besides those that the guard gives to all."""


PROBLEMS_OF_HISTORY = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
"""None is kept; the question cannot be; it cannot be read now."""

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/p2p/debug",
        summary="What goes on, and the 100 newest failures, oldest first.",
        handler=handlers.debug,
        query=RedactQuery,
        answers={HTTPStatus.OK: DebugView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="POST",
        path="/api/p2p/connect",
        summary="Dial a peer by hand; passes backoff.",
        handler=handlers.connect,
        body=ConnectBody,
        answers={HTTPStatus.OK: DialResult, HTTPStatus.ACCEPTED: ConnectStarted},
        problems=(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.TOO_MANY_REQUESTS,
        ),
    ),
    Route(
        method="GET",
        path="/api/p2p/diagnosis",
        summary="What is wrong and why, the worst first, with evidence and what to do.",
        handler=handlers.diagnosis,
        query=RedactQuery,
        answers={HTTPStatus.OK: Diagnosis},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="POST",
        path="/api/p2p/diagnosis/probe",
        summary="Look into a finding with a few packets, at most once a minute; a result that young is kept.",
        handler=handlers.probe,
        query=RedactQuery,
        body=ProbeBody,
        answers={HTTPStatus.OK: ProbeResult},
        problems=(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Route(
        method="GET",
        path="/api/p2p/failures",
        summary="Failures that match, newest first, with counts and samples that never forget.",
        handler=handlers.failures,
        query=FailuresQuery,
        answers={HTTPStatus.OK: FailuresView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="GET",
        path="/api/p2p/peers",
        summary="The peer book, with when each peer is dialed next and why not now.",
        handler=handlers.peers,
        query=RedactQuery,
        answers={HTTPStatus.OK: PeersView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="GET",
        path="/api/p2p/propagation",
        summary="What became of the addresses that each source and introducer told, and how one came to us.",
        handler=handlers.propagation,
        query=PropagationQuery,
        answers={HTTPStatus.OK: PropagationView},
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Route(
        method="GET",
        path="/api/p2p/events",
        summary="Every dial as it happens, and status and findings when they change: server-sent events.",
        handler=handlers.events,
        query=EventsQuery,
        answers={HTTPStatus.OK: None},
        media_type="text/event-stream",
        messages={"dial": RecordedEvent, "gap": Gap, "status": StatusView, "findings": Diagnosis},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/api/p2p/history",
        summary="Events that were kept over restarts, newest first, page by page.",
        handler=history_handlers.history,
        query=HistoryQuery,
        answers={HTTPStatus.OK: HistoryView},
        problems=PROBLEMS_OF_HISTORY,
    ),
    Route(
        method="GET",
        path="/api/p2p/history/series",
        summary="How many events there were in each stretch of time, for charts.",
        handler=history_handlers.history_series,
        query=SeriesQuery,
        answers={HTTPStatus.OK: SeriesView},
        problems=PROBLEMS_OF_HISTORY,
    ),
    Route(
        method="GET",
        path="/api/p2p/history/findings",
        summary="Findings with their beginning and end, those that began last first.",
        handler=history_handlers.history_findings,
        query=FindingsQuery,
        answers={HTTPStatus.OK: PastFindingsView},
        problems=PROBLEMS_OF_HISTORY,
    ),
    Route(
        method="GET",
        path="/api/p2p/reasons",
        summary="Every reason there is: meaning, usual cause, next step.",
        handler=handlers.reasons,
        answers={HTTPStatus.OK: ReasonsView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="GET",
        path="/healthz",
        summary="Whether the program runs.",
        handler=handlers.healthz,
        answers={HTTPStatus.OK: Health},
    ),
    Route(
        method="GET",
        path="/readyz",
        summary="Whether the node listens and maintains its connections, and no internal task is down.",
        handler=handlers.readyz,
        answers={HTTPStatus.OK: Health},
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        summary="This API in OpenAPI 3.1.",
        handler=handlers.openapi,
        answers={HTTPStatus.OK: dict[str, Any]},
    ),
    Route(
        method="GET",
        path="/metrics",
        summary="The numbers, for Prometheus.",
        handler=handlers.metrics,
        answers={HTTPStatus.OK: None},
        media_type="text/plain",
    ),
    Route(method="GET", path="/", summary="The page.", handler=handlers.page, answers={HTTPStatus.OK: None}),
    Route(
        method="GET",
        path="/assets/{name}",
        summary="The files of the page.",
        handler=handlers.page_asset,
        answers={HTTPStatus.OK: None},
        media_type="*/*",
        problems=(HTTPStatus.NOT_FOUND,),
    ),
)
