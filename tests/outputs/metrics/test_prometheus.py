"""A real Prometheus scrapes a real node: its sums are the node's, its alerts fire on real faults and end with them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import pytest
from msgspec import structs

import nocarrier
from nocarrier.app.node import Running, running
from nocarrier.config import HistoryOptions, HttpOptions, Settings
from nocarrier.sources.node.options import TimingOptions
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.nodes import OPTIONS, Nodes, nodes_fixture
from testbed.programs import requires
from tests.outputs.metrics.monitoring import (
    ALERT_RULES,
    DOC_QUERIES,
    RECORDING_RULES,
    annotation_queries,
    filled_in,
    panel_queries,
)
from tests.outputs.metrics.prometheus_server import Prometheus, prometheus

nodes = nodes_fixture

pytestmark = [requires("prometheus", "promtool"), pytest.mark.timeout(120)]

TOKEN = "opensesame"

TIMING = TimingOptions(
    connect_timeout_s=0.3, handshake_attempt_s=0.3, handshake_window_s=0.5, maintain_interval_s=0.5, gossip_interval_s=5
)

DIAL_ENDS = {"succeeded", "failed", "cancelled"}


def settings(folder: Path, http_listen: str = "127.0.0.1:0", **options: object) -> Settings:
    """A node on loopback with a history and a token."""
    node = structs.replace(OPTIONS, p2p_listen="127.9.9.9:0", data_dir=str(folder / "node"), **options)
    return Settings(
        node=node,
        timing=TIMING,
        http=HttpOptions(listen=http_listen, token=TOKEN),
        history=HistoryOptions(),
    )


def debug(url: str) -> dict[str, dict[str, int]]:
    request = urllib.request.Request(f"{url}/api/p2p/debug", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def until_nothing_is(wrong: Callable[[], Awaitable[object]], *, within_s: float) -> None:
    """Wait until `wrong()` returns nothing.

    Raises:
        AssertionError: something was still wrong after `within_s` seconds; says what.
    """
    deadline_s = time.monotonic() + within_s
    while what := await wrong():
        assert time.monotonic() < deadline_s, f"still after {within_s:g} s: {what}"
        await asyncio.sleep(0.1)


def target_of(node: Running) -> str:
    return node.url.removeprefix("http://")


async def test_sums_equal_those_of_the_node_and_the_dashboard_shows_them(tmp_path, nodes: Nodes):
    async with AsyncExitStack() as stack:
        faults = {}
        for number, name in enumerate(("closed_port", "silent", "http_ok", "reset", "close", "garbage"), 1):
            host = f"127.8.{number}.1"
            faults[name] = f"{host}:{await stack.enter_async_context(FAULT_SERVERS[name](host))}"
        good = await nodes.start(host="127.8.0.1")
        rules = with_short_windows(tmp_path)
        node = await stack.enter_async_context(running(settings(tmp_path)))
        server = await stack.enter_async_context(prometheus(tmp_path, target_of(node), token=TOKEN, rules=rules))

        async def dial_all() -> None:
            await asyncio.gather(*(node.node.connect(addr) for addr in (*faults.values(), good.addr, "192.168.7.7:1")))
            with contextlib.suppress(ConnectionRefusedError):
                async with nocarrier.dial(faults["closed_port"], "seed", tracker=node.tracker) as dial:
                    await dial.connect(timeout_s=1)

        await dial_all()
        await asyncio.sleep(1.1)  # two scrapes in between, so that rates have a value
        await dial_all()
        node.tracker.record("127.8.0.1:7072", "early_disconnect", "seed")

        totals = asdict(node.tracker.totals())
        assert (totals["failed"], totals["skipped"]) == (2 * len(faults) + 2, 3), "already_connected once"

        async def other_sums() -> dict[str, float | None]:
            sums = {
                **{end: await server.value(f'sum(nocarrier_dials_total{{outcome="{end}"}})') for end in DIAL_ENDS},
                "started": await server.value("sum(nocarrier_dials_started_total)"),
                "in_flight": await server.value("nocarrier_dials_in_flight"),
                "skipped": await server.value("sum(nocarrier_dial_skips_total)"),
                "disconnected_early": await server.value("sum(nocarrier_early_disconnects_total)"),
            }
            return {} if sums == shown else sums

        shown = (await asyncio.to_thread(debug, node.url))["dial_totals"]
        assert shown == totals
        await until_nothing_is(other_sums, within_s=15)
        assert await server.value("sum(nocarrier_dial_failures_total)") == shown["failed"]
        assert await server.value('sum(nocarrier_dial_failures_total{reason="connection_refused"})') == 4
        assert await server.value('nocarrier_dial_duration_seconds_count{outcome="failed"}') == shown["failed"]
        assert await server.value('nocarrier_connected_peers{direction="outbound"}') == 1
        assert await server.value("nocarrier_history_failing") == 0
        metadata = await server.ask("metadata?metric=nocarrier_dial_duration_seconds")
        assert metadata["nocarrier_dial_duration_seconds"][0]["unit"] == "seconds", "it negotiated OpenMetrics"

        asked = [*panel_queries(), *((query, query.replace("[1h]", "[20s]")) for query in DOC_QUERIES)]
        await until_nothing_is(lambda: without_data(server, asked), within_s=20)


async def without_data(server: Prometheus, queries: Iterable[tuple[str, str]]) -> list[str]:
    """The queries of the dashboard that return nothing."""
    return [where for where, query in queries if not await has_data(server, filled_in(query, "20s"))]


async def has_data(server: Prometheus, query: str) -> bool:
    return any(math.isfinite(float(sample["value"][1])) for sample in await server.query(query))


def with_short_windows(folder: Path) -> list[Path]:
    """Copies of the rules in which minutes and hours are replaced by seconds."""
    copies = []
    for path in (RECORDING_RULES, ALERT_RULES):
        text = re.sub(r"\[\d+[mh]\]", "[4s]", path.read_text())
        text = re.sub(r" for: \d+m", " for: 500ms", text)
        copies.append(folder / path.name)
        copies[-1].write_text(text)
    return copies


async def test_alerts_fire_on_real_faults_and_end_with_them(tmp_path, nodes: Nodes):
    async with AsyncExitStack() as stack:
        nobody = await stack.enter_async_context(AsyncExitStack())
        seed = f"127.8.7.1:{await nobody.enter_async_context(FAULT_SERVERS['closed_port']('127.8.7.1'))}"
        first_life = await stack.enter_async_context(AsyncExitStack())
        node = await first_life.enter_async_context(running(settings(tmp_path, seeds=(seed,), target_peers=1)))
        target = target_of(node)
        rules = with_short_windows(tmp_path)
        server = await stack.enter_async_context(prometheus(tmp_path, target, token=TOKEN, rules=rules))

        async def not_firing(expected: set[str]) -> set[str]:
            return expected - (await server.firing()).keys()

        # The only seed refuses, and a dial of the program never ends. Errors that nocarrier cannot classify and dials
        # that end twice are faults of programs, so they are recorded as such a program would record them.
        wedged = node.tracker.begin("127.8.8.1:7072", "seed")
        ended = node.tracker.begin("127.8.8.2:7072", "seed")
        expected = {
            "NocarrierNoPeers",
            "NocarrierFindingCritical",
            "NocarrierSuccessRatioLow",
            "NocarrierUnclassifiedFailures",
            "NocarrierRecordsDropped",
            "NocarrierDialStuck",
        }

        async def dial_and_see_what_does_not_fire() -> set[str]:
            for _ in range(10):
                await node.node.connect(seed)
                node.tracker.record("127.8.8.3:7072", "a reason of its own", "seed")
            node.tracker.succeed(ended)
            return await not_firing(expected)

        await until_nothing_is(dial_and_see_what_does_not_fire, within_s=30)
        assert await without_data(server, annotation_queries()) == []
        for alert in (await server.firing()).values():
            texts = [alert["annotations"][name] for name in ("summary", "description", "runbook")]
            assert target in texts[0]
            assert re.search("<no value>|<error|{{", " ".join(texts)) is None, texts

        # The seed comes back, and the dial that was stuck has ended.
        await nobody.aclose()
        await nodes.start(host="127.8.7.1", port=int(seed.rpartition(":")[2]))
        assert (await node.node.connect(seed)).reason is None
        node.tracker.succeed(wedged)
        await until_nothing_is(server.firing, within_s=25)

        await first_life.aclose()
        await until_nothing_is(lambda: not_firing({"NocarrierDown"}), within_s=15)
        await stack.enter_async_context(running(settings(tmp_path, target, seeds=(seed,), target_peers=1)))
        await until_nothing_is(server.firing, within_s=25)
