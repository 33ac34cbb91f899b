"""A node whose every text was written by an attacker: the real page, with answers as long and as nasty as possible.

Our own API bounds what peers send, so it cannot show what the page does if something gets past that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.model.action import Action, ProgramKind, filled
from nocarrier.model.event import Attempt, DialEvent
from nocarrier.model.finding import Diagnosis, EvidenceItem, Finding, HealthStatus, Severity
from nocarrier.model.taxonomy import Blame, Kind, Outcome, Phase, Reason, Source
from nocarrier.model.wording.text import quoted, say
from nocarrier.web.api.page import Page
from nocarrier.web.api.server import Server
from nocarrier.web.views import Reader, diagnosis_view
from tests.web.api.fake_node import FakeNode
from tests.web.api.stream_client import stream
from tests.web.page.browser import BUILT
from tests.web.page.page_node import ask

NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"><svg/onload=alert(3)><iframe src='javascript:alert(4)'>",
    "javascript:alert(5)",
    "https://evil.example/<a href='https://evil.example/'>here</a>",
    "${alert(6)} {{constructor.constructor('alert(7)')()}} '-alert(8)-'",
    "url(https://evil.example/x); background: red }</style><style>*{display:none}",
    "\u202e\u2066gpj.exe\u2069\u202c",
    "zero\u200bwidth\ufeff\u00ad\u2060\U000e0041tag",
    "null\x00 escape\x1b[31m line\u2028end \r\n tab\t",
    "__proto__",
    "constructor",
)

INVISIBLE = "\u202e\u2066\u2069\u202c\u200b\ufeff\u2060\U000e0041\x1b\u2028"
"""Must appear nowhere on the page, neither in a text nor in an attribute."""

LONG = ("<b>\u202e" + "A" * 996) * 1_000
"""A megabyte."""

TEXTS = (*NASTY, LONG)


def hostile_event(number: int, text: str) -> dict[str, Any]:
    """A failure with `text` wherever there can be text."""
    at_unix = time.time() - len(TEXTS) + number
    event = DialEvent(
        run="0" * 32,
        seq=number,
        kind=Kind.FAILURE,
        outcome=Outcome.FAILED,
        addr=text,
        source=Source.GOSSIP,
        via=text,
        at_unix=at_unix,
        timestamp_unix=int(at_unix),
        reason=Reason.NOT_OUR_PROTOCOL,
        phase=Phase.HANDSHAKE,
        blame=Blame.THEM,
        detail=text,
        duration_s=0.1,
        node_id=text,
        attempts=(Attempt(addr=text, started_s=0, duration_s=0.1, detail=text),),
        phases_s={"connect": 0.04, "handshake": 0.06, text: 1},
    )
    plain: dict[str, Any] = msgspec.to_builtins(event)
    sides = {text: text, "user_agent": text}
    plain["evidence"] = {
        "speaks": text,
        "errno": text,
        "icmp": {"type": text, "code": 1, "hop": text},
        "ours": sides,
        "theirs": sides,
        "because": text,
        text: text,
    }
    return plain


ACTIONS = (
    Action(text="Run this against {said}.", command="nocarrier connect {said}", settings="[node]\nseeds = [{said}]"),
    Action(text="{said}"),
)


def hostile_finding(number: int, text: str) -> Finding:
    return Finding(
        code=f"cause_{number}",
        title=say("cause {number} {said}", number=number, said=quoted(text)),
        severity=Severity.WARNING,
        blame=Blame.THEM,
        summary=say("{said}", said=quoted(text)),
        confidence=0.9,
        evidence=(EvidenceItem(statement=say("{said}", said=quoted(text)), count=1, addrs=(text,)),),
        affected_peers=1,
        affected_dials=1,
        next_actions=filled(ACTIONS, {"said": quoted(text)}),
        since_unix=time.time(),
        hides=(text,),
    )


def with_commands_as_they_are(found: Diagnosis) -> dict[str, Any]:
    """As shown by a node that quotes no value and leaves no command out."""
    shown = msgspec.to_builtins(diagnosis_view(found, Reader(program=ProgramKind.NODE)))
    for finding, text in zip(shown["findings"], TEXTS, strict=True):
        finding["next_actions"] += ({**finding["next_actions"][-1], "command": text, "settings": text},)
    return shown


def message(event: str, data: object) -> bytes:
    """One server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))


def hostile_peer(like: dict[str, Any], text: str) -> dict[str, Any]:
    return {**like, "addr": text, "via": text, "node_id": text, "user_agent": text}


class HostileNode:
    """Its answers, each with the shape of an answer of the real API."""

    def __init__(self) -> None:
        tracker = DialTracker()
        with api_server(tracker, node=FakeNode(), listen="127.0.0.1:0") as real:
            self.debug = ask(real, "/api/p2p/debug")
            self.peers = ask(real, "/api/p2p/peers")
            self.reasons = ask(real, "/api/p2p/reasons")
            self.propagation = ask(real, "/api/p2p/propagation?addr=10.0.0.1:7072")
            with stream(real) as reader:
                self.status = reader.next("status").data
        self.events = [hostile_event(number, text) for number, text in enumerate(TEXTS, 1)]
        findings = tuple(hostile_finding(number, text) for number, text in enumerate(TEXTS))
        found = Diagnosis(at_unix=time.time(), status=HealthStatus.UNHEALTHY, findings=findings)
        self.diagnosis = with_commands_as_they_are(found)
        self.debug["connected_peers"] = [hostile_peer(self.debug["connected_peers"][0], text) for text in TEXTS]
        self.debug["node"] |= {"network": LONG, "advertised_p2p": NASTY[0], "version": NASTY[7], "node_id": NASTY[1]}
        self.peers["peers"] = [hostile_peer(self.peers["peers"][0], text) for text in TEXTS]
        self.propagation["chain"] = [{**self.propagation["chain"][0], "addr": text, "via": text} for text in TEXTS]
        self._told = message("findings", self.diagnosis) + b"".join(message("dial", event) for event in self.events)
        self._page = Page(BUILT, ())
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._page.index),
                Route("/assets/{name}", self._asset),
                Route("/api/p2p/events", self._events),
                Route("/api/p2p/{what}", self._answer),
            ]
        )

    async def _asset(self, request: Request) -> Response:
        return self._page.asset(request, request.path_params["name"])

    async def _events(self, _request: Request) -> Response:
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncGenerator[bytes, None]:
        yield message("status", {**self.status, "at_unix": time.time()})
        yield self._told
        while not self._stopped:
            await asyncio.sleep(0.05)

    async def _answer(self, request: Request) -> Response:
        addr = request.query_params.get("addr")
        answers = {
            "debug": self.debug,
            "peers": self.peers,
            "reasons": self.reasons,
            "propagation": self.propagation,
            "failures": {"failures": [event for event in self.events if addr in {None, event["addr"]}]},
        }
        return Response(msgspec.json.encode(answers[request.path_params["what"]]), media_type="application/json")


@contextmanager
def hostile_node() -> Iterator[tuple[HostileNode, str]]:
    """The node and the URL of its page."""
    node = HostileNode()
    with Server(node.app(), "127.0.0.1:0", before_stop=node.stop) as server:
        yield node, f"{server.url}/"
