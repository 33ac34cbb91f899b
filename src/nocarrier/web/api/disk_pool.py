"""Reads of the history for the API, in threads of their own: a few at once, with a bound on how many may wait.

In asyncio's default threads, a few slow reads would delay the doctor, and with it everything that shows findings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from starlette.exceptions import HTTPException

THREADS = 2
"""How many read at once. More would only take processor time from the node."""

MAX_QUESTIONS = 16
"""How many may run or wait at once: enough for several open pages. Each ends or times out within seconds."""

RETRY_AFTER_S = 5

_Answer = TypeVar("_Answer")


class HistoryQuestions:
    """Runs reads of the history in threads."""

    def __init__(self) -> None:
        self._asked = 0
        self._threads: ThreadPoolExecutor | None = None

    async def ask(self, question: Callable[[], _Answer]) -> _Answer:
        """Run `question` in a thread, and return or raise what it does.

        Raises:
            HTTPException: 503, too many are running or waiting.
        """
        if self._asked >= MAX_QUESTIONS:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The history is already answering {MAX_QUESTIONS} requests. Try again in {RETRY_AFTER_S} seconds.",
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
        """Take no more reads. Reads that already run end by themselves."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
