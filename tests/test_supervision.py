"""Endless tasks: one that dies is restarted, is known to be down meanwhile, and does not fill the log."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import threading

import pytest

from nocarrier import supervision
from nocarrier.diagnosis.causes import internal_task_failed
from nocarrier.supervision import LASTING_S, LOG_EVERY_S, WORKS_AGAIN_AFTER_S, Supervisor


class Clock:
    """Monotonic and Unix seconds in one."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def supervisor(clock):
    return Supervisor(clock, clock)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(supervision, "RESTART_AFTER_S", (0.01, 0.02))


class Work:
    """Runs until told to die."""

    def __init__(self) -> None:
        self.begun = 0
        self.deadly: BaseException | None = None
        self.told = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        while self.deadly is None:
            self.told.clear()
            await self.told.wait()
        error, self.deadly = self.deadly, None
        raise error

    async def die(self, error: BaseException) -> None:
        """Die of `error`, and wait for the restart."""
        begun = self.begun
        self.deadly = error
        self.told.set()
        async with asyncio.timeout(5):
            while self.begun == begun:
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def started(supervisor, name="work"):
    work = Work()
    task = supervisor.start(name, work)
    await asyncio.sleep(0)
    yield work
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert supervisor.states() == ()


async def test_a_task_that_dies_is_restarted_and_works_again_after_some_seconds(supervisor, clock):
    async with started(supervisor) as work:
        [state] = supervisor.states()
        assert (state.name, state.is_down, state.failure) == ("work", False, None)
        clock.now_s += 100
        await work.die(ValueError("what happened"))
        [state] = supervisor.states()
        assert state.is_down
        assert state.failure.error.startswith("ValueError: what happened (test_supervision.py line ")
        assert (state.failure.total, state.failure.since_unix, state.failure.last_unix) == (1, 1_100, 1_100)
        clock.now_s += WORKS_AGAIN_AFTER_S
        assert not supervisor.states()[0].is_down


async def test_a_task_that_keeps_dying_in_its_second_round_stays_down(supervisor, clock):
    async with started(supervisor) as work:
        for _ in range(2):
            clock.now_s += 30
            await work.die(ValueError())
        for _ in range(5):
            clock.now_s += 30
            assert supervisor.states()[0].is_down
            await work.die(ValueError())
        clock.now_s += 46
        assert not supervisor.states()[0].is_down
        assert supervisor.states()[0].failure.since_unix == 1_030


async def test_a_death_after_a_long_life_starts_a_new_count(supervisor, clock):
    async with started(supervisor) as work:
        await work.die(ValueError())
        clock.now_s += LASTING_S
        await work.die(ValueError())
        failure = supervisor.states()[0].failure
        assert (failure.total, failure.since_unix) == (2, 1_000 + LASTING_S)


async def test_a_task_whose_awaited_work_was_cancelled_is_restarted(supervisor):
    async with started(supervisor) as work:
        await work.die(asyncio.CancelledError())
        assert supervisor.states()[0].failure.total == 1


async def test_a_task_cancelled_while_waiting_for_its_restart_ends(supervisor, monkeypatch):
    monkeypatch.setattr(supervision, "RESTART_AFTER_S", (60.0, 60.0))
    work = Work()
    work.deadly = ValueError()
    task = supervisor.start("work", work)
    await asyncio.sleep(0.01)
    assert supervisor.states()[0].is_down
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert supervisor.states() == ()


async def test_a_task_that_returns_has_ended_normally(supervisor):
    await supervisor.run("work", lambda: asyncio.sleep(0))
    assert supervisor.states() == ()


async def test_the_same_death_is_logged_once_an_hour_and_another_at_once(supervisor, clock, caplog):
    async with started(supervisor) as work:
        for _ in range(50):
            await work.die(ValueError("again"))
        assert len(caplog.records) == 1
        assert caplog.records[0].exc_info is not None
        await work.die(KeyError("other"))
        assert len(caplog.records) == 2
        clock.now_s += LOG_EVERY_S
        await work.die(ValueError("again"))
        assert len(caplog.records) == 3


async def test_the_log_contains_the_words_that_the_doctor_says_to_search_for(supervisor, caplog):
    (words,) = re.findall(r'search for "([^"]+)"', internal_task_failed.CAUSE.next_actions[0].text)
    async with started(supervisor) as work:
        await work.die(ValueError("once"))
    assert words in caplog.text


async def test_pauses_grow_up_to_their_limit(supervisor, monkeypatch):
    monkeypatch.undo()
    first_s, longest_s = supervision.RESTART_AFTER_S
    assert (first_s, longest_s) == (1.0, 60.0)
    pauses = []
    watched = supervision._Watched(started_s=0.0)
    for _ in range(2_000):
        pauses.append(supervisor._note_death("work", watched, ValueError()))
        watched.started_s = supervisor._monotonic()
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(pauses[6:]) == {60}


def test_a_thread_is_restarted_too_and_ends_when_told_to(supervisor):
    stop, begun = threading.Event(), itertools.count(1)
    restarted = threading.Event()

    def work():
        if next(begun) == 1:
            raise ValueError("in a thread")
        restarted.set()
        stop.wait()

    thread = threading.Thread(target=supervisor.run_in_thread, args=("thread", work, stop))
    thread.start()
    assert restarted.wait(5)
    assert supervisor.states()[0].failure.total == 1
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert next(begun) == 3


def test_a_thread_whose_last_attempt_fails_ends_too(supervisor):
    stop = threading.Event()
    stop.set()

    def work():
        raise ValueError

    supervisor.run_in_thread("thread", work, stop)
    assert supervisor.states() == ()


class Unshowable(Exception):  # noqa: N818 - a name of a foreign program
    def __str__(self):
        raise ValueError


async def test_an_unprintable_error_and_an_endless_one_do_no_harm(supervisor):
    async with started(supervisor) as work:
        await work.die(Unshowable())
        assert "cannot be shown" in supervisor.states()[0].failure.error
        await work.die(ValueError("x" * 10**6))
        assert len(supervisor.states()[0].failure.error) < 300
