"""What the routes answer; `routes` says which is whose."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nocarrier.doctor import Doctor
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.history import History
from nocarrier.model.node_state import NodePort
from nocarrier.outputs.metrics import exposition
from nocarrier.tracking import DialTracker
from nocarrier.web.api.connects import Connects
from nocarrier.web.api.debug_body import DebugBody
from nocarrier.web.api.disk_pool import HistoryQuestions
from nocarrier.web.api.event_log import EventLog
from nocarrier.web.api.event_stream import EventStream
from nocarrier.web.api.known_addresses import known_addresses
from nocarrier.web.api.page import Page
from nocarrier.web.api.probes import Prober, Probes
from nocarrier.web.api.requests import read_body, read_query
from nocarrier.web.views import (
    FailureFilter,
    failures_view,
    peers_view,
    propagation_view,
    reasons_view,
    redact,
    status_view,
)
from nocarrier.web.views.status import history_status

MAX_STREAMS = 100
"""Readers of the live stream at once: each holds a connection, of which there are 256."""

LARGEST_SEQ = 2**53 - 1
"""Beyond it JavaScript cannot count (ECMA-262, Number.MAX_SAFE_INTEGER)."""

REDACT = Meta(description="Mask addresses, names and identities, so that the answer can be shared.")


class NoQuery(msgspec.Struct, frozen=True):
    """A route without query parameters."""


class RedactQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the answer is for others' eyes."""

    redact: Annotated[bool, REDACT] = False


class FailuresQuery(FailureFilter, frozen=True, kw_only=True):
    """Which failures, and for whom."""

    redact: Annotated[bool, REDACT] = False


class PropagationQuery(RedactQuery, frozen=True, kw_only=True):
    """Whose chain to show, and for whom."""

    addr: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="How this address came to us: host:port."),
        ]
        | None
    ) = None


class EventsQuery(RedactQuery, frozen=True, kw_only=True):
    """Where the stream begins, and for whom it is."""

    last_event_id: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=LARGEST_SEQ,
                description="Go on behind this event, as far as it is kept; the header Last-Event-ID says the same.",
            ),
        ]
        | None
    ) = None
    start_id: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="`start_id` of the status that came with that event: where the program was started anew "
                "since, that is announced as a gap, though it may have counted past that event already.",
            ),
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
        history: what is kept over restarts; None: nothing is.
        version: of nocarrier.
        openapi: the document of this API.
        page: what `/` shows.
    """

    def __init__(
        self,
        tracker: DialTracker,
        node: NodePort | None,
        doctor: Doctor,
        prober: Prober,
        history: History | None,
        *,
        version: str,
        openapi: bytes,
        page: Page,
    ) -> None:
        self.tracker = tracker
        self.node = node
        self.doctor = doctor
        self.history = history
        self.version = version
        self.openapi = openapi
        self.page = page
        self.debug_body = DebugBody(tracker, node, doctor, history)
        self.event_log = EventLog(
            tracker,
            status=lambda: status_view(tracker, node, history),
            diagnosis=doctor.diagnosis,
            redact=self.redact,
            supervisor=doctor.supervisor,
        )
        self.history_questions = HistoryQuestions()
        self.connects = Connects(node) if node is not None else None
        self.probes = Probes(prober, doctor, node)

    def answer(self, view: object, *, redacted: bool) -> Response:
        """`view` as JSON; with `redacted` without addresses, names and identities."""
        return _encoded(self.redact(view) if redacted else view)

    def redact(self, view: object) -> object:
        """`view` without addresses, names and identities, ready to encode."""
        return redact(view, known_addresses(self.tracker, self.node))

    async def close(self) -> None:
        """End what goes on in the background."""
        self.event_log.close()
        self.history_questions.close()
        if self.connects is not None:
            await self.connects.close()
        await self.probes.close()


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
    """Whether the node and all else of ours works. A program without a node of ours is ready when that does."""
    down = [task.name for task in api.doctor.tasks() if task.is_down]
    if down:
        # Anybody may ask, so what it died of, which may quote anybody, is told in the finding only.
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"Down after a fault of ours, and restarted again and again: {', '.join(down)}. The finding "
            "internal_task_failed in /api/p2p/diagnosis says more.",
            {"Retry-After": "5"},
        )
    if api.node is not None and not api.node.ready:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "The node is starting or stopping; ask again soon.", {"Retry-After": "1"}
        )
    return _encoded(Health(status="ready"))


async def events(api: Api, request: Request) -> Response:
    """The live stream."""
    query = read_query(request, EventsQuery)
    if api.event_log.readers >= MAX_STREAMS:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{MAX_STREAMS} readers follow the stream already; close some, or ask again later.",
            {"Retry-After": "10"},
        )
    texts = api.event_log.follow(_last_event_id(request, query), start_id=query.start_id, redacted=query.redact)
    return EventStream(texts, api.event_log.reading())


def _last_event_id(request: Request, query: EventsQuery) -> int | None:
    """What a browser sends when it comes back; a text that is no number of ours is as good as none."""
    header = request.headers.get("last-event-id", "")
    is_number = header.isascii() and header.isdigit() and len(header) <= len(str(LARGEST_SEQ))
    return int(header) if is_number else query.last_event_id


async def openapi(api: Api, _request: Request) -> Response:
    """The document of this API."""
    return _json_response(api.openapi)


async def metrics(api: Api, request: Request) -> Response:
    """The numbers, for Prometheus."""
    diagnosis = await api.doctor.diagnosis()
    body, media_type = exposition(
        api.tracker, api.node, diagnosis, history_status(api.history), accept=request.headers.get("accept", "")
    )
    return Response(body, headers={"content-type": media_type})


async def page(api: Api, request: Request) -> Response:
    """The page."""
    return api.page.index(request)


async def page_asset(api: Api, request: Request) -> Response:
    """A file of the page."""
    return api.page.asset(request, request.path_params["name"])


def _encoded(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return _json_response(msgspec.json.encode(value), status)


def _json_response(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(body, status, media_type="application/json")
