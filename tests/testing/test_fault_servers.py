"""Every fault server misbehaves as its name says."""

from __future__ import annotations

import asyncio
import socket

import pytest

from nocarrier.testing import fault_servers
from nocarrier.testing.fault_servers import FAULT_SERVERS


async def talk(port: int, *, say: bytes = b"hello", host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(say)
        return await asyncio.wait_for(reader.read(100), 2)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("name", "first_bytes"),
    [
        ("close", b""),
        ("http_bad_request", b"HTTP/1.1 400"),
        ("http_ok", b"HTTP/1.1 200"),
        ("tls", b"\x15\x03\x01"),
        ("ssh", b"SSH-2.0-"),
        ("bitcoin", b"\xf9\xbe\xb4\xd9version\0"),
        ("multistream", b"\x13/multistream/1.0.0\n"),
        ("garbage", b"\xff\xfe\xfd"),
        ("dribble", b"S"),
    ],
)
async def test_the_first_bytes_that_the_peer_sees(name, first_bytes):
    async with FAULT_SERVERS[name]() as port:
        seen = await talk(port)
        assert seen.startswith(first_bytes)
        assert seen or not first_bytes


@pytest.mark.parametrize("name", ["reset", "reset_after_first_bytes"])
async def test_a_reset_is_a_reset(name):
    async with FAULT_SERVERS[name]() as port:
        with pytest.raises(ConnectionResetError):
            await talk(port)


async def test_silence_lasts():
    async with FAULT_SERVERS["silent"]() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.close()


async def test_dribbled_bytes_come_one_by_one():
    dribble = fault_servers.dribble
    async with fault_servers.serve(lambda peer: dribble(peer, content=b"abc", interval_s=0.02)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert [await reader.read(100) for _ in range(3)] == [b"a", b"b", b"c"]
        writer.close()


async def test_a_closed_port_refuses_and_cannot_be_bound():
    async with FAULT_SERVERS["closed_port"]() as port:
        with pytest.raises(ConnectionRefusedError):
            await talk(port)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


async def test_a_full_backlog_answers_no_one():
    async with FAULT_SERVERS["backlog_full"]() as port:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk(port), 0.3)


@pytest.mark.parametrize("name", sorted(FAULT_SERVERS))
async def test_every_server_binds_ipv6_and_releases_its_port(name):
    async with FAULT_SERVERS[name]("::1") as port:
        assert 0 < port < 65536
    async with FAULT_SERVERS[name]("::1", port) as again:
        assert again == port
