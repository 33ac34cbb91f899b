"""A complete node with its history: yesterday's dials are there today, and its answers say what period they cover."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request

import pytest
from msgspec import structs

from nocarrier.app.node import running
from nocarrier.config import HistoryOptions, HttpOptions, Settings, TelemetryOptions
from nocarrier.errors import ConfigError
from nocarrier.sources.node.options import NodeOptions, TimingOptions


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def settings(tmp_path):
    return Settings(
        node=NodeOptions(
            network="test",
            genesis="ab" * 32,
            p2p_listen="127.0.0.1:0",
            allow_networks=("127.0.0.0/8",),
            seeds=(f"127.0.0.1:{closed_port()}",),
            data_dir=str(tmp_path / "data"),
        ),
        timing=TimingOptions(maintain_interval_s=0.2),
        http=HttpOptions(listen="127.0.0.1:0"),
    )


async def ask(url, path):
    def get():
        try:
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return {"status": error.code, **json.load(error)}

    return await asyncio.to_thread(get)


async def eventually(look, holds):
    async with asyncio.timeout(15):
        while not holds(found := await look()):
            await asyncio.sleep(0.05)
    return found


async def test_dials_before_the_restart_are_there_and_counts_say_what_they_cover(settings):
    async with running(settings) as app:
        first = await eventually(
            lambda: ask(app.url, "/api/p2p/history?reason=connection_refused"), lambda page: page.get("events")
        )
        findings = await eventually(lambda: ask(app.url, "/api/p2p/history/findings"), lambda page: page["findings"])
    assert findings["findings"][0]["finding"]["code"] == "seeds_down"

    no_seeds = structs.replace(settings, node=structs.replace(settings.node, seeds=()))
    async with running(no_seeds) as app:
        debug = await ask(app.url, "/api/p2p/debug")
        page = await ask(app.url, "/api/p2p/history?reason=connection_refused")
        [ended] = [
            each
            for each in (await ask(app.url, "/api/p2p/history/findings"))["findings"]
            if each["finding"]["code"] == "seeds_down"
        ]
        series = await ask(app.url, "/api/p2p/history/series")
    assert debug["totals_cover"]["covers"] == "since start"
    assert debug["history"]["state"] == "working"
    assert page["events"][-1] == first["events"][-1]
    assert page["cover"]["covers"] == "all history"
    assert page["cover"]["since_unix"] < debug["totals_cover"]["since_unix"]
    assert ended["ended_by"] == "stopped"
    assert len(series["starts_unix"]) == 2
    assert sum(series["series"]["connection_refused"]) >= len(page["events"])


async def test_without_a_history_the_node_runs_and_says_how_to_enable_it(settings, tmp_path):
    off = structs.replace(settings, history=HistoryOptions(enabled=False))
    async with running(off) as app:
        answer = await ask(app.url, "/api/p2p/history")
        debug = await ask(app.url, "/api/p2p/debug")
    assert (answer["status"], debug["history"]["state"]) == (404, "off")
    assert "enabled = true" in answer["detail"]
    assert not list((tmp_path / "data").glob("history*"))


async def test_entries_in_memory_expire_if_a_setting_says_so(settings):
    brief = structs.replace(
        settings,
        timing=TimingOptions(),  # one round of dials, and none for half a minute
        history=HistoryOptions(recent_ttl_s=1.0),
    )
    async with running(brief) as app:
        await eventually(lambda: ask(app.url, "/api/p2p/debug"), lambda debug: debug["dial_failures"])
        expired = await eventually(lambda: ask(app.url, "/api/p2p/debug"), lambda debug: not debug["dial_failures"])
        kept = await ask(app.url, "/api/p2p/history?kind=failure")
    assert expired["dial_totals"]["failed"] >= 1, "counts never forget"
    assert kept["events"], "and the history keeps it"


async def test_a_history_that_cannot_be_written_does_not_stop_the_node(settings, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "history.sqlite3").mkdir()
    async with running(settings) as app:
        debug = await eventually(
            lambda: ask(app.url, "/api/p2p/debug"), lambda debug: debug["history"]["state"] == "failing"
        )
        assert "history.sqlite3" in debug["history"]["detail"]
        await eventually(lambda: ask(app.url, "/api/p2p/debug"), lambda debug: debug["dial_totals"]["failed"])
        assert (await ask(app.url, "/api/p2p/history"))["status"] == 503


async def test_export_without_its_packages_stops_the_start_and_says_what_to_install(settings, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nocarrier.integrations.opentelemetry", None)
    exporting = structs.replace(settings, telemetry=TelemetryOptions(otlp=True))
    with pytest.raises(ConfigError, match="otlp = true"):
        async with running(exporting):
            pass


async def test_an_export_without_a_receiver_delays_neither_dials_nor_the_end(settings, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    exporting = structs.replace(settings, telemetry=TelemetryOptions(otlp=True))
    async with asyncio.timeout(20):
        async with running(exporting) as app:
            await eventually(lambda: ask(app.url, "/api/p2p/debug"), lambda debug: debug["dial_totals"]["failed"])
