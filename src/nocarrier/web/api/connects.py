"""Dials requested through the API. Their number is limited, and a client may wait for the outcome or not."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from starlette.exceptions import HTTPException

from nocarrier.model.node.state import DialResult, NodePort

MAX_CONNECTS = 8
"""How many may run at once. A person needs one, a script a few. The maintainer's dials have their own limit."""

RETRY_AFTER_S = 5

_log = logging.getLogger("nocarrier")


class Connects:
    """Runs the dials of `POST /api/p2p/connect`."""

    def __init__(self, node: NodePort) -> None:
        self._node = node
        self._started = 0
        self._dials: set[asyncio.Task[DialResult]] = set()

    async def dial(self, addr: str) -> DialResult:
        """Dial `addr` and return the outcome. If the client disconnects, the dial continues.

        Raises:
            HTTPException: 429, too many dials are running.
        """
        return await asyncio.shield(self._start(addr))

    def dial_in_background(self, addr: str) -> str:
        """Start to dial `addr` and return the id of this request. The outcome is recorded as for every dial.

        Raises:
            HTTPException: 429, too many dials are running.
        """
        _ = self._start(addr)
        return f"connect-{self._started}"

    def _start(self, addr: str) -> asyncio.Task[DialResult]:
        if len(self._dials) >= MAX_CONNECTS:
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{MAX_CONNECTS} requested dials are already in flight. Try again when one of them has ended.",
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
            _log.error("nocarrier: a bug ended a dial that was requested through the API", exc_info=error)

    async def close(self) -> None:
        """Stop waiting for the dials that still run. The node ends and records them when it stops."""
        for dial in self._dials:
            dial.cancel()
        await asyncio.gather(*self._dials, return_exceptions=True)
