"""Runs scenarios side by side, each in its own process, and cleans up after every one of them, whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from lab import trial
from lab.scenario import Scenario
from lab.trial import Result
from testbed import netns

CLEANS_UP_WITHIN_S = 20.0
"""How long a scenario may take to end once told to; after that it is killed, and its remains are swept up."""

_PR_SET_PDEATHSIG = 1  # prctl(2)

_FORK = multiprocessing.get_context("fork")
"""Cheap: everything is imported already. The runner has no threads, which a fork would lose."""


@dataclass(slots=True)
class _Running:
    scenario: Scenario
    seed: int
    process: BaseProcess
    answer: Connection
    started_s: float

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() - self.started_s > self.scenario.limit_s


def run_all(scenarios: Iterable[tuple[Scenario, int]], *, jobs: int) -> Generator[Result, None, None]:
    """Run each scenario with its seed, `jobs` at a time; yields the results as they come.

    If the iteration ends early, for example by Ctrl-C or SIGTERM, the running scenarios are ended and cleaned up.
    """
    waiting = list(scenarios)[::-1]
    running: list[_Running] = []
    netns.sweep()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_start(*waiting.pop()))
            wait([each.answer for each in running], timeout=1.0)
            for each in list(running):
                if each.answer.poll() or not each.process.is_alive() or each.is_overdue:
                    running.remove(each)
                    yield _end(each)
    finally:
        for each in running:
            each.process.terminate()
        for each in running:
            _reap(each)
        netns.sweep()


def _start(scenario: Scenario, seed: int) -> _Running:
    ours, theirs = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_run_in_process, args=(scenario, seed, theirs, os.getpid()))
    process.start()
    theirs.close()
    return _Running(scenario, seed, process, ours, time.monotonic())


def _run_in_process(scenario: Scenario, seed: int, answer: Connection, runner: int) -> None:
    # Ctrl-C is for the runner, which tells us; in a session of our own the terminal's does not reach the node and
    # peers.
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != runner:
        return  # the runner died before we asked to be told
    # When told to end, everything is cleaned up on the way here.
    with contextlib.suppress(KeyboardInterrupt):
        answer.send(trial.run(scenario, seed))


def _end(each: _Running) -> Result:
    try:
        result: Result | None = each.answer.recv() if each.answer.poll() else None
    except EOFError:
        result = None
    if result is None:
        why = f"not done after {each.scenario.limit_s:.0f} s" if each.is_overdue else "its process died"
        result = Result(
            scenario=each.scenario.name,
            expected_reason=each.scenario.expected_reason,
            expected_cause=each.scenario.expected_cause,
            seed=each.seed,
            why_not=f"the lab failed: {why}",
            took_s=round(time.monotonic() - each.started_s, 1),
        )
        each.process.terminate()
    _reap(each)
    return result


def _reap(each: _Running) -> None:
    each.process.join(CLEANS_UP_WITHIN_S)
    if each.process.is_alive():
        each.process.kill()
        each.process.join()
    each.process.close()
    each.answer.close()
    netns.sweep()
