"""The one table of routes, from which the application and its OpenAPI document are made."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.api.connects import Connects
from nocarrier.api.debug_body import DebugBody
from nocarrier.api.requests import read_body, read_query
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.node_state import DialResult, NodePort
from nocarrier.track import DialTracker
from nocarrier.views import (
    DebugView,
    FailureFilter,
    FailuresView,
    PeersView,
    ReasonsView,
    failures_view,
    peers_view,
    reasons_view,
    redact,
)


class Sources:
    """What the handlers tell of."""

    def __init__(self, tracker: DialTracker, node: NodePort | None) -> None:
        self.tracker = tracker
        self.node = node
        self.debug_body = DebugBody(tracker, node)
        self.connects = Connects(node) if node else None
        self.openapi: bytes = b""


Handler: TypeAlias = Callable[[Sources, Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    summary: str
    handler: Handler
    answers: Mapping[HTTPStatus, Any]
    """Type of the JSON body by status; None: not JSON."""
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    problems: tuple[HTTPStatus, ...] = field(default=())
    """Statuses of the errors that this route has besides those of all."""


class RedactQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the answer is for others' eyes."""

    redact: Annotated[
        bool, Meta(description="Mask addresses, names and identities, so that the answer can be shared.")
    ] = False


class FailuresQuery(FailureFilter, frozen=True, kw_only=True):
    """Which failures, and for whom."""

    redact: Annotated[
        bool, Meta(description="Mask addresses, names and identities, so that the answer can be shared.")
    ] = False


class ConnectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to dial."""

    peer_addr: Annotated[
        str, Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="host:port, an IPv6 address as [host]:port")
    ]
    wait: Annotated[bool, Meta(description="Answer when the dial has ended; else at once.")] = True


class ConnectStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A dial goes on in the background; its outcome is recorded like that of any dial."""

    dial_id: str
    peer_addr: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the program runs, or is ready."""

    status: str


async def debug(sources: Sources, request: Request) -> Response:
    query = read_query(request, RedactQuery)
    return _json_bytes(sources.debug_body.read(redacted=query.redact))


async def connect(sources: Sources, request: Request) -> Response:
    read_query(request, NoQuery)
    if sources.connects is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            "This program embeds the tracker without a node of ours, so there is nothing to dial with. "
            "Dial with the program itself, or ask a node that was started with: nocarrier run.",
        )
    body = await read_body(request, ConnectBody)
    if body.wait:
        return _json(await sources.connects.dial(body.peer_addr))
    dial_id = sources.connects.dial_in_background(body.peer_addr)
    return _json(ConnectStarted(dial_id=dial_id, peer_addr=body.peer_addr), HTTPStatus.ACCEPTED)


async def failures(sources: Sources, request: Request) -> Response:
    query = read_query(request, FailuresQuery)
    view = failures_view(sources.tracker, query)
    return _json(redact(view) if query.redact else view)


async def peers(sources: Sources, request: Request) -> Response:
    query = read_query(request, RedactQuery)
    view = peers_view(sources.tracker, sources.node)
    return _json(redact(view) if query.redact else view)


async def reasons(_sources: Sources, request: Request) -> Response:
    read_query(request, NoQuery)
    return _json(reasons_view())


async def healthz(_sources: Sources, _request: Request) -> Response:
    return _json(Health(status="alive"))


async def readyz(sources: Sources, _request: Request) -> Response:
    if sources.node is not None and not sources.node.ready:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "The node is starting or stopping; ask again soon.", {"Retry-After": "1"}
        )
    return _json(Health(status="ready"))


async def openapi(sources: Sources, _request: Request) -> Response:
    return _json_bytes(sources.openapi)


async def index(_sources: Sources, request: Request) -> Response:
    base = html.escape(request.scope.get("root_path", ""))
    rows = "".join(
        f'<li><code>{route.method}</code> <a href="{base}{route.path}">{route.path}</a> {html.escape(route.summary)}'
        for route in ROUTES
    )
    return Response(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>nocarrier</title>'
        f"<h1>nocarrier</h1><p>Why aren't my peers connecting?<ul>{rows}</ul></html>",
        media_type="text/html",
    )


class NoQuery(msgspec.Struct, frozen=True):
    """A route without query parameters."""


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _json_bytes(body: bytes) -> Response:
    return Response(body, media_type="application/json")


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/p2p/debug",
        summary="What goes on, and the 100 newest failures, oldest first.",
        handler=debug,
        query=RedactQuery,
        answers={HTTPStatus.OK: DebugView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="POST",
        path="/api/p2p/connect",
        summary="Dial a peer by hand; passes backoff.",
        handler=connect,
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
        path="/api/p2p/failures",
        summary="Failures that match, newest first, with counts and samples that never forget.",
        handler=failures,
        query=FailuresQuery,
        answers={HTTPStatus.OK: FailuresView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="GET",
        path="/api/p2p/peers",
        summary="The peer book, with when each peer is dialed next and why not now.",
        handler=peers,
        query=RedactQuery,
        answers={HTTPStatus.OK: PeersView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="GET",
        path="/api/p2p/reasons",
        summary="Every reason there is: meaning, usual cause, next step.",
        handler=reasons,
        answers={HTTPStatus.OK: ReasonsView},
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route(
        method="GET",
        path="/healthz",
        summary="Whether the program runs.",
        handler=healthz,
        answers={HTTPStatus.OK: Health},
    ),
    Route(
        method="GET",
        path="/readyz",
        summary="Whether the node listens and maintains its connections.",
        handler=readyz,
        answers={HTTPStatus.OK: Health},
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        summary="This API in OpenAPI 3.1.",
        handler=openapi,
        answers={HTTPStatus.OK: dict[str, Any]},
    ),
    Route(method="GET", path="/", summary="This list.", handler=index, answers={HTTPStatus.OK: None}),
)
