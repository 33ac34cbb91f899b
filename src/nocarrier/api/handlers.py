"""What the routes answer; `routes` says which is whose."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.api.connects import Connects
from nocarrier.api.debug_body import DebugBody
from nocarrier.api.known_addresses import known_addresses
from nocarrier.api.probes import Prober, Probes
from nocarrier.api.requests import read_body, read_query
from nocarrier.doctor import Doctor
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.node_state import NodePort
from nocarrier.track import DialTracker
from nocarrier.views import FailureFilter, failures_view, peers_view, propagation_view, reasons_view, redact

_REDACT = Meta(description="Mask addresses, names and identities, so that the answer can be shared.")


class NoQuery(msgspec.Struct, frozen=True):
    """A route without query parameters."""


class RedactQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the answer is for others' eyes."""

    redact: Annotated[bool, _REDACT] = False


class FailuresQuery(FailureFilter, frozen=True, kw_only=True):
    """Which failures, and for whom."""

    redact: Annotated[bool, _REDACT] = False


class PropagationQuery(RedactQuery, frozen=True, kw_only=True):
    """Whose chain to show, and for whom."""

    addr: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="How this address came to us: host:port."),
        ]
        | None
    ) = None


class ConnectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to dial."""

    peer_addr: Annotated[
        str, Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="host:port, an IPv6 address as [host]:port")
    ]
    wait: Annotated[bool, Meta(description="Answer when the dial has ended; else at once.")] = True


class ProbeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which finding to look into."""

    code: Annotated[str, Meta(min_length=1, max_length=100, description="Code of a finding that stands.")]


class ConnectStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A dial goes on in the background; its outcome is recorded like that of any dial."""

    dial_id: str
    peer_addr: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the program runs, or is ready."""

    status: str


class Api:
    """What the handlers tell of.

    Args:
        tracker: whose dials.
        node: whose peers, and what to dial with; None: the program has no node of ours.
        doctor: whose findings.
        prober: what looks into them.
        openapi: the document of this API.
        index: the page that lists the routes.
    """

    def __init__(
        self,
        tracker: DialTracker,
        node: NodePort | None,
        doctor: Doctor,
        prober: Prober,
        *,
        openapi: bytes,
        index: bytes,
    ) -> None:
        self.tracker = tracker
        self.node = node
        self.doctor = doctor
        self.openapi = openapi
        self.index = index
        self.debug_body = DebugBody(tracker, node, doctor)
        self.connects = Connects(node) if node is not None else None
        self.probes = Probes(prober, doctor, node)

    def answer(self, view: object, *, redacted: bool) -> Response:
        """`view` as JSON; with `redacted` without addresses, names and identities."""
        return _encoded(redact(view, known_addresses(self.tracker, self.node)) if redacted else view)


async def debug(api: Api, request: Request) -> Response:
    """What goes on."""
    return _json_response(await api.debug_body.read(redacted=read_query(request, RedactQuery).redact))


async def connect(api: Api, request: Request) -> Response:
    """Dial by hand."""
    read_query(request, NoQuery)
    if api.connects is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            "This program embeds the tracker without a node of ours, so there is nothing to dial with. "
            "Dial with the program itself, or ask a node that was started with: nocarrier run.",
        )
    body = await read_body(request, ConnectBody)
    if body.wait:
        return _encoded(await api.connects.dial(body.peer_addr))
    dial_id = api.connects.dial_in_background(body.peer_addr)
    return _encoded(ConnectStarted(dial_id=dial_id, peer_addr=body.peer_addr), HTTPStatus.ACCEPTED)


async def diagnosis(api: Api, request: Request) -> Response:
    """What is wrong, and why."""
    query = read_query(request, RedactQuery)
    return api.answer(await api.doctor.diagnosis(), redacted=query.redact)


async def probe(api: Api, request: Request) -> Response:
    """Look into one finding."""
    query = read_query(request, RedactQuery)
    body = await read_body(request, ProbeBody)
    return api.answer(await api.probes.probe(body.code), redacted=query.redact)


async def failures(api: Api, request: Request) -> Response:
    """Failures that match."""
    query = read_query(request, FailuresQuery)
    return api.answer(failures_view(api.tracker, query), redacted=query.redact)


async def peers(api: Api, request: Request) -> Response:
    """The peer book."""
    query = read_query(request, RedactQuery)
    return api.answer(peers_view(api.tracker, api.node), redacted=query.redact)


async def propagation(api: Api, request: Request) -> Response:
    """What became of the addresses that each source and introducer told."""
    query = read_query(request, PropagationQuery)
    view = propagation_view(api.tracker, api.node, query.addr)
    if view.chain == []:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            f"Nothing is known of the address {query.addr!a}: it was never told, or was forgotten since. "
            "GET /api/p2p/peers lists the known ones.",
        )
    return api.answer(view, redacted=query.redact)


async def reasons(_api: Api, request: Request) -> Response:
    """The taxonomy table."""
    read_query(request, NoQuery)
    return _encoded(reasons_view())


async def healthz(_api: Api, _request: Request) -> Response:
    """That the program runs."""
    return _encoded(Health(status="alive"))


async def readyz(api: Api, _request: Request) -> Response:
    """Whether the node works. A program without a node of ours is ready when it answers."""
    if api.node is not None and not api.node.ready:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "The node is starting or stopping; ask again soon.", {"Retry-After": "1"}
        )
    return _encoded(Health(status="ready"))


async def openapi(api: Api, _request: Request) -> Response:
    """The document of this API."""
    return _json_response(api.openapi)


async def index(api: Api, _request: Request) -> Response:
    """The list of routes, for people."""
    return Response(api.index, media_type="text/html")


def _encoded(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return _json_response(msgspec.json.encode(value), status)


def _json_response(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(body, status, media_type="application/json")
