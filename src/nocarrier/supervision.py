"""Keeps endless tasks running: one that dies of an exception is restarted, and counts as down until it works again.

Hand endless work over to a supervisor instead of making a task or a thread for it:

```python
supervisor = Supervisor()
task = supervisor.start("maintainer", maintainer.run)   # until cancelled
supervisor.states()                                      # what readiness and the doctor look at
```
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nocarrier.model import bounds
from nocarrier.model.pause import doubling_pause_s
from nocarrier.model.ports import Clock, MonotonicClock
from nocarrier.model.task_state import TaskFailure, TaskState

RESTART_AFTER_S = (1.0, 60.0)
"""The first and the longest pause before a restart: a passing fault costs a second, a lasting one costs little load."""

WORKS_AGAIN_AFTER_S = 5.0
"""A task that has run this long since its restart counts as working again. If it died again after a restart, it also
has to outlive its last life: many die only in their second round."""

LASTING_S = 300.0
"""A task that ran this long before it died was well: its next death does not count as one in a row."""

LOG_EVERY_S = 3_600.0
"""How often the same death of a task is logged with its traceback; in between it is only counted."""

_log = logging.getLogger("nocarrier.supervision")


@dataclass(slots=True)
class _Watched:
    """What is known about one task. Written by its own loop or thread, read by any."""

    started_s: float | None = None
    """When it was last started, monotonic; None while it waits for its restart."""
    needs_s: float = 0.0
    """How long it must run before it counts as working again."""
    in_a_row: int = 0
    failure: TaskFailure | None = None
    logged_s: dict[str, float] = field(default_factory=dict)
    """When each death was last logged, by the type and place of its error."""

    def is_down(self, now_s: float) -> bool:
        started_s = self.started_s  # another thread may change it meanwhile
        return self.failure is not None and (started_s is None or now_s - started_s < self.needs_s)


class Supervisor:
    """Runs endless tasks by name. One supervisor may serve several event loops and threads.

    Args:
        clock: returns Unix seconds.
        monotonic: returns seconds that never go back.
    """

    def __init__(self, clock: Clock = time.time, monotonic: MonotonicClock = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._watched: dict[str, _Watched] = {}

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` in a task of the running loop; see `run`."""
        return asyncio.create_task(self.run(name, work), name=f"nocarrier {name}")

    async def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns or this is cancelled; whenever it raises, restart it after a pause.

        Args:
            name: for people, and unique among the tasks of this supervisor.
            work: called again for each restart.
        """
        with self._watching(name) as watched:
            while True:
                watched.started_s = self._monotonic()
                try:
                    await work()
                    return
                except asyncio.CancelledError as error:
                    if _is_cancelled():
                        raise
                    pause_s = self._note_death(name, watched, error)
                except Exception as error:  # noqa: BLE001 - a task boundary; noted and logged
                    pause_s = self._note_death(name, watched, error)
                await asyncio.sleep(pause_s)

    def run_in_thread(self, name: str, work: Callable[[], None], stop: threading.Event) -> None:
        """Like `run`, but in the calling thread; `work` returns when `stop` is set.

        If `stop` is set while `work` waits for its restart, it is called once more, so that it can finish.
        """
        with self._watching(name) as watched:
            while True:
                watched.started_s = self._monotonic()
                try:
                    work()
                    return
                except Exception as error:  # noqa: BLE001 - a thread's boundary; noted and logged
                    pause_s = self._note_death(name, watched, error)
                    if stop.is_set():
                        return
                stop.wait(pause_s)

    def note_failure(self, name: str, error: Exception) -> None:
        """Note that work done on request, again and again, failed this time."""
        self._note_death(name, self._watched.setdefault(name, _Watched()), error)

    def note_success(self, name: str) -> None:
        """Note that such work succeeded this time; it counts as working again once it has worked for some seconds."""
        watched = self._watched.setdefault(name, _Watched())
        if watched.started_s is None:
            watched.started_s = self._monotonic()

    @contextlib.contextmanager
    def _watching(self, name: str) -> Iterator[_Watched]:
        watched = self._watched[name] = _Watched()
        try:
            yield watched
        finally:  # a task that ended normally is not down
            if self._watched.get(name) is watched:
                del self._watched[name]

    def states(self) -> tuple[TaskState, ...]:
        """All tasks that run or wait for their restart, the oldest first; from any thread."""
        now_s = self._monotonic()
        return tuple(
            TaskState(name=name, is_down=watched.is_down(now_s), failure=watched.failure)
            for name, watched in list(self._watched.items())
        )

    def _note_death(self, name: str, watched: _Watched, error: BaseException) -> float:
        """Note a death; returns after how many seconds to restart."""
        now_s, now_unix = self._monotonic(), self._clock()
        lived_s = now_s - (watched.started_s or now_s)
        before = watched.failure if lived_s < LASTING_S else None
        watched.in_a_row = watched.in_a_row + 1 if before else 1
        watched.needs_s = max(WORKS_AGAIN_AFTER_S, 1.5 * lived_s) if before else WORKS_AGAIN_AFTER_S
        watched.failure = TaskFailure(
            error=f"{_describe(error)} ({_place(error)})",
            total=(watched.failure.total if watched.failure else 0) + 1,
            since_unix=before.since_unix if before else now_unix,
            last_unix=now_unix,
        )
        watched.started_s = None
        pause_s = doubling_pause_s(*RESTART_AFTER_S, watched.in_a_row - 1)
        self._log_death(name, watched, error, now_s, pause_s)
        return pause_s

    def _log_death(self, name: str, watched: _Watched, error: BaseException, now_s: float, pause_s: float) -> None:
        kind = f"{type(error).__name__} {_place(error)}"
        if now_s - watched.logged_s.get(kind, -LOG_EVERY_S) < LOG_EVERY_S:
            return
        watched.logged_s[kind] = now_s
        _log.critical(
            "the %s died of an internal error and restarts in %.0f s; deaths like this are logged once an hour",
            name,
            pause_s,
            exc_info=error,
        )


def _is_cancelled() -> bool:
    """Whether this very task was cancelled; otherwise it awaited something that was cancelled."""
    this_task = asyncio.current_task()
    return this_task is None or this_task.cancelling() > 0


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may do anything
        text = "(a text that cannot be shown)"
    return bounds.text(f"{type(error).__name__}: {text}" if text else type(error).__name__, 200)


def _place(error: BaseException) -> str:
    """Where it was raised, such as ``maintainer.py line 130``, without the path of the file."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else "nowhere"
