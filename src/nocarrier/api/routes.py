"""The one table of routes, from which the application, its OpenAPI document and the list for people are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.api import handlers
from nocarrier.api.handlers import (
    Api,
    ConnectBody,
    ConnectStarted,
    FailuresQuery,
    Health,
    NoQuery,
    ProbeBody,
    PropagationQuery,
    RedactQuery,
)
from nocarrier.model.finding import Diagnosis
from nocarrier.model.node_state import DialResult
from nocarrier.model.probe import ProbeResult
from nocarrier.views import DebugView, FailuresView, PeersView, PropagationView, ReasonsView

Handler: TypeAlias = Callable[[Api, Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    summary: str
    handler: Handler
    answers: Mapping[HTTPStatus, Any]
    """Type of the JSON body by status; None: not JSON."""
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    problems: tuple[HTTPStatus, ...] = ()
    """Statuses of the errors that this route has besides those that the guard gives to all."""


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
        summary="Whether the node listens and maintains its connections.",
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
    Route(method="GET", path="/", summary="This list.", handler=handlers.index, answers={HTTPStatus.OK: None}),
)
