"""Dials that were asked for over the API: a bounded number at once, waited for or not."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from starlette.exceptions import HTTPException

from nocarrier.model.node_state import DialResult, NodePort

MAX_CONNECTS = 8
"""At once. A person needs one, a script a few; the maintainer's own dials have their own limit."""

RETRY_AFTER_S = 5

_log = logging.getLogger("nocarrier")


class Connects:
    """Runs the dials of `POST /api/p2p/connect`."""

    def __init__(self, node: NodePort) -> None:
        self._node = node
        self._started = 0
        self._dials: set[asyncio.Task[DialResult]] = set()

    async def dial(self, addr: str) -> DialResult:
        """Dial `addr` and wait for the outcome. The dial goes on if the client does not wait for it.

        Raises:
            HTTPException: 429 where too many are running.
        """
        return await asyncio.shield(self._start(addr))

    def dial_in_background(self, addr: str) -> str:
        """Begin to dial `addr`; returns the id of this request. The outcome is recorded like that of any dial.

        Raises:
            HTTPException: 429 where too many are running.
        """
        _ = self._start(addr)
        return f"connect-{self._started}"

    def _start(self, addr: str) -> asyncio.Task[DialResult]:
        if len(self._dials) >= MAX_CONNECTS:
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{MAX_CONNECTS} dials that were asked for are in flight; ask again when one has ended.",
                {"Retry-After": str(RETRY_AFTER_S)},
            )
        self._started += 1
        dial = asyncio.create_task(self._node.connect(addr), name=f"nocarrier-connect-{self._started}")
        self._dials.add(dial)
        dial.add_done_callback(self._ended)
        return dial

    def _ended(self, dial: asyncio.Task[DialResult]) -> None:
        self._dials.discard(dial)
        if not dial.cancelled() and (error := dial.exception()) is not None:
            _log.error("nocarrier: a dial asked for over the API ended with a bug", exc_info=error)

    async def close(self) -> None:
        """Wait no longer for the dials that still run; the node ends and records them when it stops."""
        for dial in self._dials:
            dial.cancel()
        await asyncio.gather(*self._dials, return_exceptions=True)
