"""Handshakes with hostile strangers: they cost bounded memory and time, and keep no other peer out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
import tracemalloc

from msgspec import structs

from nocarrier.sources.node.listener import MAX_PENDING, MAX_PENDING_PER_HOST
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import Auth, Ping, Pong, Welcome, encode
from testbed.nodes import TIMING, eventually, nodes_fixture
from testbed.raw_peer import raw_dial

nodes = nodes_fixture

SLOW = 200


@contextlib.asynccontextmanager
async def slow_lorises(addr: str, count: int, hosts: int):
    """`count` connections from `hosts` addresses that begin a handshake and never continue."""
    async with contextlib.AsyncExitStack() as stack:
        for number in range(count):
            peer = await stack.enter_async_context(raw_dial(addr, local_host=f"127.200.{number % hosts}.1"))
            with contextlib.suppress(OSError):
                await peer.send_bytes(PREAMBLE + b"\x00\x00\x10")
        yield


async def test_slow_lorises_from_one_host_do_not_keep_a_good_peer_out(nodes):
    patient = structs.replace(TIMING, handshake_attempt_s=20, handshake_window_s=20)
    listener, dialer = await nodes.start(timing=patient), await nodes.start()
    async with slow_lorises(listener.addr, SLOW, hosts=1):
        await eventually(lambda: listener.node.listener.rejections["too_many_pending"] >= SLOW - MAX_PENDING_PER_HOST)
        assert (await dialer.node.connect(listener.addr)).reason is None


async def test_slow_lorises_from_many_hosts_do_not_keep_a_good_peer_out(nodes):
    patient = structs.replace(TIMING, handshake_attempt_s=20, handshake_window_s=20)
    listener, dialer = await nodes.start(timing=patient), await nodes.start()
    async with slow_lorises(listener.addr, SLOW, hosts=20):
        await eventually(lambda: listener.node.listener.rejections["too_many_pending"] >= SLOW - MAX_PENDING)
        started_s = time.monotonic()
        assert (await dialer.node.connect(listener.addr)).reason is None
        assert time.monotonic() - started_s < 1


async def test_no_more_handshakes_are_pending_than_the_limits_allow(nodes):
    patient = structs.replace(TIMING, handshake_attempt_s=20, handshake_window_s=20)
    listener = await nodes.start(timing=patient)
    host, _, port = listener.addr.rpartition(":")
    for hosts, limit in ((1, MAX_PENDING_PER_HOST), (20, MAX_PENDING)):
        # All at once, so that they are accepted in one turn of the loop.
        streams = await asyncio.gather(
            *(
                asyncio.open_connection(host, int(port), local_addr=(f"127.201.{number % hosts}.1", 0))
                for number in range(SLOW)
            )
        )
        try:
            await asyncio.sleep(0.2)
            assert listener.node.listener.pending == limit
        finally:
            for _, writer in streams:
                writer.transport.abort()
        await eventually(lambda: listener.node.listener.pending == 0)


async def test_slow_lorises_are_gone_after_the_deadline(nodes):
    listener = await nodes.start()
    async with slow_lorises(listener.addr, 32, hosts=4):
        await eventually(lambda: listener.node.listener.rejections["handshake_timeout"] == 32)
        await eventually(lambda: listener.node.listener.pending == 0)


async def test_slow_lorises_cost_bounded_memory(nodes):
    patient = structs.replace(TIMING, handshake_attempt_s=20, handshake_window_s=20)
    listener = await nodes.start(timing=patient)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        async with slow_lorises(listener.addr, SLOW, hosts=20):
            await asyncio.sleep(0.2)
            during, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The clients' ends live in this process too; 64 handshakes and 200 clients take some 5 MB.
    assert during - before < 12_000_000


async def test_a_refused_stranger_that_does_not_leave_still_counts_as_pending(nodes):
    listener = await nodes.start()
    async with raw_dial(listener.addr) as peer:
        await peer.send_bytes(PREAMBLE + frame(b"\xc1"))
        await eventually(lambda: listener.node.listener.rejections["malformed_handshake"] == 1)
        assert listener.node.listener.pending == 1
        peer.writer.close()
        await eventually(lambda: listener.node.listener.pending == 0)


async def test_a_handshake_byte_by_byte_works(nodes):
    patient = structs.replace(TIMING, handshake_attempt_s=10, handshake_window_s=10)
    listener = await nodes.start(timing=patient)
    async with raw_dial(listener.addr) as peer:
        one_by_one = peer.send_bytes

        async def dribble(data: bytes) -> None:
            for value in data:
                await one_by_one(bytes([value]))
                await asyncio.sleep(0.001)

        peer.send_bytes = dribble
        await peer.shake_hands()
        await eventually(lambda: peer.identity.node_id in listener.node.sessions)


async def test_bytes_that_arrive_with_the_end_of_the_handshake_are_not_lost(nodes):
    listener = await nodes.start()
    async with raw_dial(listener.addr) as peer:
        await peer.introduce()
        await peer.send(peer.auth())
        assert isinstance(await peer.receive(), Auth)
        assert isinstance(await peer.receive(), Welcome)
        await peer.send_bytes(frame(encode(Welcome())) + frame(encode(Ping(nonce=77))))
        assert (await peer.receive_until(Pong)).nonce == 77
