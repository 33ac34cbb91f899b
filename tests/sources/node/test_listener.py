"""Inbound connections: what is counted, what a stranger may cost, and that nothing remains of those that leave."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from nocarrier.sources.node.wire.frames import PREAMBLE
from testbed.nodes import eventually, nodes_fixture
from testbed.raw_peer import raw_dial

nodes = nodes_fixture


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("first_bytes", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not_our_protocol"),
        (bytes.fromhex("16 0301 0200 01"), "not_our_protocol"),
        (b"SSH-2.0-scanner\r\n", "not_our_protocol"),
        (b"\x00\xff" * 32, "not_our_protocol"),
        (PREAMBLE[:-1] + b"\x09", "version_mismatch"),
    ],
    ids=["http", "tls", "ssh", "garbage", "another wire version"],
)
async def test_strangers_are_counted_by_what_they_are_and_not_recorded_as_dials(nodes, first_bytes, reason):
    node = await nodes.start()
    async with raw_dial(node.addr) as peer:
        await peer.send_bytes(first_bytes)
        await eventually(lambda: node.node.listener.rejections[reason] == 1)
    assert node.recorded() == []
    assert node.node.info().inbound_rejections == {reason: 1}


async def test_a_port_scan_is_counted_and_leaves_nothing(nodes):
    node = await nodes.start()
    before = open_files()
    for _ in range(20):
        async with raw_dial(node.addr) as peer:
            peer.writer.write_eof()
            await peer.wait_closed()
    await eventually(lambda: node.node.listener.pending == 0)
    assert node.node.listener.rejections == {"remote_closed": 20}
    await eventually(lambda: open_files() <= before)


async def test_peers_that_come_and_go_leave_no_descriptor_and_no_task(nodes):
    listener, dialer = await nodes.start(), await nodes.start()
    await dialer.node.connect(listener.addr)
    await dialer.session_with(listener).close("bye")
    await eventually(lambda: not listener.node.sessions)
    before, tasks = open_files(), len(asyncio.all_tasks())
    for _ in range(20):
        assert (await dialer.node.connect(listener.addr)).reason is None
        await dialer.session_with(listener).close("bye")
        await eventually(lambda: not listener.node.sessions and not dialer.node.sessions)
    gc.collect()
    await eventually(lambda: open_files() <= before and len(asyncio.all_tasks()) <= tasks)


async def test_a_peer_that_leaves_in_the_middle_of_its_handshake_leaves_nothing(nodes):
    node = await nodes.start()
    for steps in range(4):
        async with raw_dial(node.addr) as peer:
            if steps > 0:
                await peer.send_bytes(PREAMBLE)
            if steps > 1:
                await peer.send(peer.hello())
                await peer.receive_preamble()
                await peer.receive()
            if steps > 2:
                await peer.send(peer.auth())
                await peer.receive()
            peer.reset()
    await eventually(lambda: node.node.listener.pending == 0)
    assert node.node.listener.rejections.total() == 4
    assert not node.node.sessions


async def test_handshakes_under_way_end_with_the_node(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr) as peer:
        await peer.send_bytes(PREAMBLE)
        await eventually(lambda: node.node.listener.pending == 1)
        await node.stop()
        assert node.node.listener.pending == 0
        await peer.wait_closed()


async def test_dual_stack_accepts_ipv4_and_ipv6_peers_under_their_own_addresses(nodes):
    node = await nodes.start(host="[::]", ipv4_only=False, lan_mode=True)
    dialer = await nodes.start(host="[::1]", ipv4_only=False, lan_mode=True)
    other = await nodes.start(host="127.0.0.1", ipv4_only=False, lan_mode=True)
    assert (await dialer.node.connect(f"[::1]:{node.port}")).reason is None
    assert (await other.node.connect(f"127.0.0.1:{node.port}")).reason is None
    await eventually(lambda: len(node.node.sessions) == 2)
    assert node.node.sessions.addresses() == {dialer.addr, other.addr}
