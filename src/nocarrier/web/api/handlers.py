"""What the routes answer, as views; `routes` says which is whose, and `endpoint` reads requests and writes answers."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException

from nocarrier.web.api.api import Api
from nocarrier.web.api.questions import ConnectBody, FailuresQuery, NoQuery, ProbeBody, PropagationQuery, RedactQuery
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
    """What goes on."""
    return await api.debug_body.read(reader)


async def connect(api: Api, _query: NoQuery, body: ConnectBody, _reader: Reader) -> DialResult | ConnectStarted:
    """Dial by hand."""
    if api.connects is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            "This program uses nocarrier only as a library; there is no nocarrier node to dial with. "
            "Dial with the program itself, or ask a node that was started with: nocarrier run.",
        )
    if body.wait:
        return await api.connects.dial(body.peer_addr)
    return ConnectStarted(dial_id=api.connects.dial_in_background(body.peer_addr), peer_addr=body.peer_addr)


async def diagnosis(api: Api, _query: RedactQuery, _body: None, reader: Reader) -> DiagnosisView:
    """What is wrong, and why."""
    return diagnosis_view(await api.doctor.diagnosis(), reader)


async def probe(api: Api, _query: RedactQuery, body: ProbeBody, reader: Reader) -> ProbeView:
    """Look into one finding."""
    return probe_view(await api.probes.probe(body.code), reader)


async def failures(api: Api, query: FailuresQuery, _body: None, _reader: Reader) -> FailuresView:
    """Failures that match."""
    return failures_view(api.tracker, query.entries, query.limit)


async def peers(api: Api, _query: RedactQuery, _body: None, _reader: Reader) -> PeersView:
    """The peer book."""
    return peers_view(api.tracker, api.node)


async def propagation(api: Api, query: PropagationQuery, _body: None, _reader: Reader) -> PropagationView:
    """What became of the addresses that each source and introducer told."""
    view = propagation_view(api.tracker, api.node, query.addr)
    if view.chain == []:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            f"Nothing is known of the address {query.addr!a}: it was never told, or was forgotten since. "
            "GET /api/p2p/peers lists the known ones.",
        )
    return view


async def reasons(_api: Api, _query: NoQuery, _body: None, _reader: Reader) -> ReasonsView:
    """The taxonomy table."""
    return reasons_view()


async def healthz(_api: Api, _query: NoQuery, _body: None, _reader: Reader) -> Alive:
    """That the program runs."""
    return Alive()


async def readyz(api: Api, _query: NoQuery, _body: None, _reader: Reader) -> Ready:
    """Whether the node and the rest of nocarrier work; without a nocarrier node, whether the rest does."""
    down = [task.name for task in api.doctor.tasks() if task.is_down]
    if down:
        # Anybody may ask, so what it died of, which may quote anybody, is told in the finding only.
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"Down after an internal error, and restarted again and again: {', '.join(down)}. The finding "
            "internal_task_failed in /api/p2p/diagnosis says more.",
            {"Retry-After": "5"},
        )
    if api.node is not None and not api.node.ready:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "The node is starting or stopping; ask again soon.", {"Retry-After": "1"}
        )
    return Ready()


async def openapi(api: Api, _query: NoQuery, _body: None, _reader: Reader) -> bytes:
    """The document of this API."""
    return api.openapi
