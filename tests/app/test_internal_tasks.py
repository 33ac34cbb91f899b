"""A part of a complete node dies: it is restarted, HTTP says so, and the node continues to dial."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import pytest

from nocarrier import supervision
from nocarrier.app.node import Running, running
from nocarrier.config import HttpOptions, Settings
from nocarrier.model.taxonomy import Retry
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.testing.fault_servers import FAULT_SERVERS
from nocarrier.tracking import backoff
from nocarrier.web.api import server


class Dice(random.Random):
    """Fails for as long as it is told to."""

    broken = False

    def shuffle(self, x: Any) -> None:
        if self.broken:
            raise OverflowError("the dice are gone")
        super().shuffle(x)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(supervision, "RESTART_AFTER_S", (0.3, 1.0))
    monkeypatch.setattr(supervision, "WORKS_AGAIN_AFTER_S", 2.0)
    monkeypatch.setitem(backoff._FIRST_AND_LONGEST_S, Retry.MID, (0.3, 0.3))


def settings_for(tmp_path, seeds: Sequence[str] = ()) -> Settings:
    return Settings(
        node=NodeOptions(
            network="test",
            genesis="ab" * 32,
            p2p_listen="127.0.0.1:0",
            allow_networks=("127.0.0.0/8",),
            seeds=tuple(seeds),
            data_dir=str(tmp_path / "data"),
        ),
        timing=TimingOptions(maintain_interval_s=0.2),
        http=HttpOptions(listen="127.0.0.1:0"),
    )


def _get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def ask(live: Running, path: str) -> tuple[int, Any]:
    return await asyncio.to_thread(_get, live.url + path)


async def readiness(live: Running, status: int, *, within_s: float = 10.0) -> Any:
    deadline_s = time.monotonic() + within_s
    while (answer := await ask(live, "/readyz"))[0] != status:
        assert time.monotonic() < deadline_s, answer
        await asyncio.sleep(0.05)
    return answer[1]


async def finding(live: Running, severity: str, *, within_s: float = 15.0) -> Any:
    deadline_s = time.monotonic() + within_s
    while True:
        _, diagnosis = await ask(live, "/api/p2p/diagnosis")
        found = {each["code"]: each for each in diagnosis["findings"]}.get("internal_task_failed")
        if found is not None and found["severity"] == severity:
            return found
        assert time.monotonic() < deadline_s, diagnosis
        await asyncio.sleep(0.1)


async def test_a_maintainer_that_dies_is_restarted_and_reported_and_dials_again(tmp_path):
    async with (
        FAULT_SERVERS["closed_port"]("127.72.0.1") as port,
        running(settings_for(tmp_path, [f"127.72.0.1:{port}"])) as live,
    ):
        await readiness(live, 200)
        dice = live.node.maintainer._rng = Dice()
        dice.broken = True
        problem = await readiness(live, 503)
        assert "maintainer" in problem["detail"]
        assert "dice" not in problem["detail"], "the error may quote anybody, and anybody may read it"
        found = await finding(live, "critical")
        assert found["blame"] == "us"
        # The doctor's questions to the node draw from the same random numbers, so its examination may have failed too.
        [told] = [item["statement"] for item in found["evidence"] if "maintainer" in item["statement"]]
        assert "the maintainer task" in told
        assert "OverflowError: the dice are gone" in told
        [state] = [task for task in live.node.tasks() if task.name == "maintainer"]
        while state.failure.total < 3:
            await asyncio.sleep(0.1)
            [state] = [task for task in live.node.tasks() if task.name == "maintainer"]
        assert state.is_down
        started = live.tracker.totals().started
        dice.broken = False
        await readiness(live, 200)
        assert "works again" in (await finding(live, "warning"))["summary"]
        await asyncio.sleep(1)
        assert live.tracker.totals().started > started


async def test_a_failed_examination_is_reported_as_a_finding(tmp_path):
    async with running(settings_for(tmp_path)) as live:
        await readiness(live, 200)
        healthy = live.doctor._read_host

        def ill():
            raise PermissionError("no /proc here")

        live.doctor._read_host = ill
        problem = await readiness(live, 503, within_s=20)
        assert "examination" in problem["detail"]
        assert "PermissionError: no /proc here" in (await finding(live, "critical"))["summary"]
        live.doctor._read_host = healthy
        await readiness(live, 200, within_s=20)
        assert "the examination task died once and works again" in (await finding(live, "warning"))["summary"]


async def test_an_api_server_that_dies_answers_again(tmp_path, monkeypatch):
    async with running(settings_for(tmp_path)) as live:
        await readiness(live, 200)

        async def stumble(_server: object, _counter: int) -> bool:
            raise RuntimeError("the server fell")

        with monkeypatch.context() as broken:
            broken.setattr(server._Uvicorn, "on_tick", stumble)
            while not any(task.is_down for task in live.doctor.tasks() if task.name == "API server"):
                await asyncio.sleep(0.05)
        deadline_s = time.monotonic() + 10
        while True:
            try:
                problem = await readiness(live, 503)
                break
            except OSError:  # it is not back yet
                assert time.monotonic() < deadline_s
                await asyncio.sleep(0.1)
        assert "API server" in problem["detail"]
        await readiness(live, 200)
        assert "the server fell" in (await finding(live, "warning"))["summary"]


async def test_every_endless_task_is_supervised(tmp_path):
    async with running(settings_for(tmp_path)) as live:
        await readiness(live, 200)
        reader = asyncio.create_task(asyncio.to_thread(_read_some, live.url + "/api/p2p/events"))
        await asyncio.sleep(0.5)
        assert {task.name for task in live.doctor.tasks()} == {
            "loop monitor",
            "maintainer",
            "reachability check",
            "gossip",
            "peer book keeper",
            "doctor",
            "examination",
            "API server",
            "live stream",
            "pulse of the live stream",
            "history writer",
            "history syncer",
        }
        await reader
    assert live.doctor.tasks() == () or {task.name for task in live.doctor.tasks()} == {"examination"}


def _read_some(url: str) -> None:
    with urllib.request.urlopen(url, timeout=10) as answer:
        answer.read(20)
        time.sleep(1)
