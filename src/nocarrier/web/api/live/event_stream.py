"""A response without an end: server-sent events for one reader, until the reader or the server ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class EventStream(Response):
    """Sends each text that `texts` yields.

    Args:
        texts: the parts of the stream; closed when the reader leaves.
        during: entered before anything else is awaited, and exited when the reader leaves.
    """

    media_type = "text/event-stream"

    def __init__(self, texts: AsyncGenerator[bytes, None], during: AbstractContextManager[None]) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})  # tells a proxy not to hold events back
        self._texts = texts
        self._during = during
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves or `texts` ends (ASGI)."""
        if scope["method"] == "HEAD":  # a client that wants only the headers would wait for an end that never comes
            await self._texts.aclose()
        with self._during:
            await self._send_until_left(receive, send)

    async def _send_until_left(self, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_until_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._texts) as texts:
            async for text in texts:
                await send({"type": "http.response.body", "body": text, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
