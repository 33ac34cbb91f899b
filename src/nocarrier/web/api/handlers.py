"""The handlers of the routes, which return views. `routes` lists them; `endpoint` reads requests and writes answers."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException

from nocarrier.web.api.api import Api
from nocarrier.web.api.input.questions import (
    ConnectBody,
    FailuresQuery,
    NoQuery,
    ProbeBody,
    PropagationQuery,
    RedactQuery,
)
from nocarrier.web.views import (
    Alive,
    ConnectStarted,
    DiagnosisView,
    DialResult,
    FailuresView,
    PeersView,
    ProbeView,
    PropagationView,
    Reader,
    Ready,
    ReasonsView,
    diagnosis_view,
    failures_view,
    peers_view,
    probe_view,
    propagation_view,
    reasons_view,
)


async def debug(api: Api, _query: RedactQuery, _body: None, reader: Reader) -> bytes:
    """Return the state at a glance, as JSON."""
    return await api.debug_body.read(reader)


async def connect(api: Api, _query: NoQuery, body: ConnectBody, _reader: Reader) -> DialResult | ConnectStarted:
    """Dial one peer by hand."""
    if api.connects is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            "This program uses nocarrier only as a library, so there is no nocarrier node that could dial. "
            "Dial with the program itself, or use a node started with: nocarrier run.",
        )
    if body.wait:
        return await api.connects.dial(body.peer_addr)
    return ConnectStarted(dial_id=api.connects.dial_in_background(body.peer_addr), peer_addr=body.peer_addr)


async def diagnosis(api: Api, _query: RedactQuery, _body: None, reader: Reader) -> DiagnosisView:
    """Return what is wrong, and why."""
    return diagnosis_view(await api.doctor.diagnosis(), reader)


async def probe(api: Api, _query: RedactQuery, body: ProbeBody, reader: Reader) -> ProbeView:
    """Probe one finding."""
    return probe_view(await api.probes.probe(body.code), reader)


async def failures(api: Api, query: FailuresQuery, _body: None, _reader: Reader) -> FailuresView:
    """Return the failures that match."""
    return failures_view(api.tracker, query.entries, query.limit)


async def peers(api: Api, _query: RedactQuery, _body: None, _reader: Reader) -> PeersView:
    """Return the peer book."""
    return peers_view(api.tracker, api.node)


async def propagation(api: Api, query: PropagationQuery, _body: None, _reader: Reader) -> PropagationView:
    """Return how the addresses from each source and introducer turned out."""
    view = propagation_view(api.tracker, api.node, query.addr)
    if view.chain == []:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            f"The address {query.addr!a} is not known: this node never learned it, or has forgotten it. "
            "GET /api/p2p/peers lists the known addresses.",
        )
    return view


async def reasons(_api: Api, _query: NoQuery, _body: None, _reader: Reader) -> ReasonsView:
    """Return the tables of reasons, sources and evidence."""
    return reasons_view()


async def healthz(_api: Api, _query: NoQuery, _body: None, _reader: Reader) -> Alive:
    """Confirm that the program runs."""
    return Alive()


async def readyz(api: Api, _query: NoQuery, _body: None, _reader: Reader) -> Ready:
    """Say whether nocarrier works, including its node if the program has one."""
    down = [task.name for task in api.doctor.tasks() if task.is_down]
    if down:
        # This route needs no token, so the error, which may quote other people's text, appears only in the finding.
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"Down after an internal error, and being restarted: {', '.join(down)}. The finding "
            "internal_task_failed in /api/p2p/diagnosis has the details.",
            {"Retry-After": "5"},
        )
    if api.node is not None and not api.node.ready:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "The node is starting or stopping; try again soon.", {"Retry-After": "1"}
        )
    return Ready()


async def openapi(api: Api, _query: NoQuery, _body: None, _reader: Reader) -> bytes:
    """Return the OpenAPI document of this API, as JSON."""
    return api.openapi
