"""Questions to the history, which read the disk: in threads of their own, a few at once, and so many may wait.

In those that asyncio has for everybody, some slow questions would hold up the doctor, and with it
everything that shows findings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from starlette.exceptions import HTTPException

THREADS = 2
"""More would only take the processor from the node."""

MAX_QUESTIONS = 16
"""At once, with those that wait: some pages' worth. Each is answered or given up within some seconds."""

RETRY_AFTER_S = 5

_Answer = TypeVar("_Answer")


class HistoryQuestions:
    """Does what takes the disk its time."""

    def __init__(self) -> None:
        self._asked = 0
        self._threads: ThreadPoolExecutor | None = None

    async def ask(self, question: Callable[[], _Answer]) -> _Answer:
        """What `question` returns or raises, in a thread.

        Raises:
            HTTPException: 503 where too many are asked.
        """
        if self._asked >= MAX_QUESTIONS:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{MAX_QUESTIONS} questions to the history are being answered; ask again when some of them are.",
                {"Retry-After": str(RETRY_AFTER_S)},
            )
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="nocarrier-history-read")
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, question)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """Answer no more; what is being read ends by itself."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
