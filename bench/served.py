"""The server of `http_debug`: our API, and beside it the same bytes as a constant. Prints its port; ends with its
stdin."""

from __future__ import annotations

import asyncio
import logging
import sys

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.samples import record_failed_dials
from nocarrier import DialTracker, asgi_app
from nocarrier.doctor import Doctor
from nocarrier.model.action import ProgramKind
from nocarrier.web.api.server import Server
from nocarrier.web.views import Reader, debug_view

CONSTANT_PATH = "/constant"
FAILURES_PER_SECOND = 100


def _with_constant(api: ASGIApp, body: bytes) -> ASGIApp:
    async def constant(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    beside = Starlette(routes=[Route(CONSTANT_PATH, constant)])

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (beside if scope.get("path") == CONSTANT_PATH else api)(scope, receive, send)

    return either


async def _record_failures(tracker: DialTracker) -> None:
    while True:
        record_failed_dials(tracker, 1)
        await asyncio.sleep(1 / FAILURES_PER_SECOND)


async def _end_of_stdin() -> None:
    # The parent holds the other end: when the parent ends, for whatever reason, so does this.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def main() -> None:
    logging.getLogger("nocarrier").setLevel(logging.ERROR)  # findings about made-up failures are of no interest
    tracker = DialTracker()
    record_failed_dials(tracker, 100)
    doctor = Doctor(tracker)
    body = msgspec.json.encode(
        debug_view(tracker, None, await doctor.diagnosis(), Reader(program=ProgramKind.EMBEDDED))
    )
    server = Server(_with_constant(asgi_app(tracker, doctor=doctor), body), "127.0.0.1:0")
    print(server.address.port, flush=True)
    serving = asyncio.create_task(server.run())
    recording = asyncio.create_task(_record_failures(tracker))
    await _end_of_stdin()
    recording.cancel()
    server.stop()
    await serving


if __name__ == "__main__":
    asyncio.run(main())
