"""If the kernel's calls are missing, a dial still works, and its evidence is absent instead of wrong."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

import nocarrier
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.dialing import dial_once


@pytest.fixture(autouse=True)
def another_system(monkeypatch: pytest.MonkeyPatch):
    """Behave like a system other than Linux: no error queue, no TCP_INFO, no flag for non-blocking sockets."""
    monkeypatch.setattr(sys.modules["nocarrier.host.kernel"], "IS_SUPPORTED", False)
    monkeypatch.setattr(sys.modules["nocarrier.dialing.attempt"], "_NONBLOCK", 0)


async def test_a_closed_port_is_refused_and_nothing_is_claimed_about_who_refused():
    async with FAULT_SERVERS["closed_port"]() as port:
        seen = await dial_once(f"127.0.0.1:{port}")

    assert seen.reason == "connection_refused"
    assert set(seen.evidence) == {"errno", "elapsed_s"}
    assert seen.blame == "unknown"


async def test_silence_is_a_timeout_without_blame():
    async with FAULT_SERVERS["backlog_full"]() as port:
        seen = await dial_once(f"127.0.0.1:{port}", connect_s=0.3)

    assert seen.reason == "timeout"
    assert set(seen.evidence) - {"loop_lag_s"} == {"elapsed_s"}, "a busy machine may add that it was late"
    assert seen.blame == "unknown"


async def test_an_accepted_dial_reads_and_writes():
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    tracker = nocarrier.DialTracker()
    async with server, nocarrier.dial(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", tracker=tracker) as dial:
        reader, writer = await dial.connect(timeout_s=2)
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        assert writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
    assert tracker.totals().succeeded == 1
