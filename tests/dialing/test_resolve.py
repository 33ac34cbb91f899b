"""Looking up names in threads of our own; tests/reasons/test_resolve.py tests name servers that misbehave."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading

import pytest

from nocarrier.dialing import resolve, resolve_with_system
from nocarrier.dialing.resolve import MAX_LOOKUP_THREADS, SystemResolver


async def test_localhost_is_found_with_each_address_once():
    found = await resolve_with_system("localhost")
    assert "127.0.0.1" in found or "::1" in found
    assert len(found) == len(set(found))


async def test_an_address_is_its_own_answer():
    assert await SystemResolver()("127.0.0.1") == ["127.0.0.1"]
    assert await SystemResolver()("::ffff:127.0.0.1") == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "." * 5, "ä" * 300])
async def test_a_name_that_cannot_be_encoded_does_not_exist(host):
    with pytest.raises(socket.gaierror) as raised:
        await SystemResolver()(host)
    assert raised.value.errno == socket.EAI_NONAME


async def test_many_names_at_once_use_few_threads():
    resolver = SystemResolver()
    before = threading.active_count()
    found = await asyncio.gather(*(resolver("127.0.0.1") for _ in range(500)))
    assert found == [["127.0.0.1"]] * 500
    assert threading.active_count() - before <= MAX_LOOKUP_THREADS


async def test_a_name_that_nobody_waits_for_is_not_looked_up():
    resolver = SystemResolver()
    waiting = [asyncio.create_task(resolver("127.0.0.1")) for _ in range(50)]
    await asyncio.sleep(0)
    for task in waiting[:25]:
        task.cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in done] == [True] * 25 + [False] * 25


def test_one_resolver_serves_loop_after_loop():
    resolver = SystemResolver()
    for _ in range(3):
        assert asyncio.run(resolver("127.0.0.1")) == ["127.0.0.1"]


def test_a_look_up_that_hangs_does_not_delay_the_end_of_the_program():
    script = """
import asyncio, socket, threading
from nocarrier.dialing.resolve import SystemResolver
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()  # as a resolver that never answers
async def main():
    try:
        async with asyncio.timeout(0.05):
            await SystemResolver()("seed.test")
    except TimeoutError:
        print("gave up")
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout == "gave up\n"


async def test_a_look_up_that_raises_does_not_lose_a_thread(monkeypatch):
    def stumble(_: str) -> list[str]:
        raise ValueError("our own fault")

    resolver = SystemResolver()
    with monkeypatch.context() as broken:
        broken.setattr(resolve, "_look_up", stumble)
        for _ in range(2 * MAX_LOOKUP_THREADS):
            with pytest.raises(ValueError, match="our own fault"):
                await asyncio.wait_for(resolver("seed.example"), 5)
    assert await asyncio.wait_for(resolver("127.0.0.1"), 5) == ["127.0.0.1"]
