"""Our own event loop stalls: no peer is blamed for it, and no session ends because of it.

The peers live in their own threads or processes, because they continue during our stall.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from msgspec import structs

from nocarrier.model.address import Address
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.sessions import session
from nocarrier.sources.node.wire.frames import PREAMBLE
from nocarrier.sources.node.wire.messages import Goodbye
from testbed.node_process import NodeProcess
from testbed.nodes import GENESIS, TIMING, RunningNode, eventually, eventually_recorded, nodes_fixture
from testbed.raw_peer import RawPeer, Script, raw_dial, raw_listener

nodes = nodes_fixture

PEER = {"network": "test", "genesis": GENESIS, "allow_networks": ["127.0.0.0/8"], "target_peers": 0}

STALL_S = 2.0
PATIENT = structs.replace(TIMING, handshake_attempt_s=6, handshake_window_s=6)


@pytest.fixture
def peer_process(tmp_path):
    with NodeProcess(tmp_path / "peer", p2p_listen="127.0.0.1:0", **PEER) as process:
        yield process


@contextlib.contextmanager
def listener_in_thread(script: Script) -> Iterator[str]:
    """A raw listener that continues while the loop of the test is stalled; returns its address."""
    addr: concurrent.futures.Future[str] = concurrent.futures.Future()
    stop: list[object] = []

    async def serve() -> None:
        over = asyncio.Event()
        stop.extend((asyncio.get_running_loop(), over))
        async with raw_listener(script) as listening:
            addr.set_result(listening)
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        yield addr.result(10)
    finally:
        loop, over = stop
        loop.call_soon_threadsafe(over.set)
        thread.join()


def stall_after(seconds: float, stall_s: float = STALL_S) -> None:
    asyncio.get_running_loop().call_later(seconds, time.sleep, stall_s)


async def dial_and_fail(node: RunningNode, addr: str):
    """Dial like the maintainer, so that the failure could count; returns its entry."""
    await node.node.outbound.start(Address.parse(addr), Source.GOSSIP)
    return node.only_entry()


def assert_ours(node: RunningNode, entry) -> None:
    assert entry.blame == "us"
    assert entry.evidence["loop_lag_s"] >= 1
    assert not entry.penalised
    standing = node.tracker.standing(entry.addr)
    assert standing.streak == 0
    assert standing.next_attempt_unix - entry.at_unix <= 6, "our own pace of 5 s, and no backoff of the peer's"


async def answer_while_the_other_sleeps(peer: RawPeer) -> None:
    """Send Hello 0.2 s after the other side did."""
    await peer.receive_preamble()
    await peer.receive()
    await asyncio.sleep(0.2)
    await peer.send_bytes(PREAMBLE)
    await peer.send(peer.hello())


# ---- handshakes that we dialed ---------------------------------------------------------------------------------------


async def test_a_deadline_missed_by_our_stall_is_our_fault_if_the_peer_answered_in_time(nodes):
    async def answer_soon(peer: RawPeer) -> None:
        await answer_while_the_other_sleeps(peer)
        await peer.wait_closed()

    node = await nodes.start()
    with listener_in_thread(answer_soon) as addr:
        stall_after(0.1)
        entry = await dial_and_fail(node, addr)
    assert entry.reason == "handshake_timeout"
    assert entry.evidence["bytes_received"] > 0, "it had answered"
    assert_ours(node, entry)
    assert node.node.state().loop_lag_s >= 1


@pytest.mark.parametrize("ending", ["closes", "resets"])
async def test_a_peer_that_gave_up_during_our_stall_is_not_to_blame(nodes, ending):
    async def lose_patience(peer: RawPeer) -> None:
        await answer_while_the_other_sleeps(peer)
        await asyncio.sleep(1.3)
        if ending == "resets":
            peer.reset()
        else:
            peer.writer.write_eof()
            await peer.wait_closed()

    node = await nodes.start(timing=PATIENT)
    with listener_in_thread(lose_patience) as addr:
        stall_after(0.1)
        entry = await dial_and_fail(node, addr)
    assert entry.reason == ("connection_reset" if ending == "resets" else "remote_closed")
    assert_ours(node, entry)


async def test_a_peer_that_closed_before_our_stall_is_still_to_blame(nodes):
    async def close_at_once(peer: RawPeer) -> None:
        await peer.receive_preamble()
        await peer.receive()
        await asyncio.sleep(0.3)
        peer.writer.write_eof()
        await peer.wait_closed()

    node = await nodes.start(timing=PATIENT)
    with listener_in_thread(close_at_once) as addr:
        stall_after(0.2)
        entry = await dial_and_fail(node, addr)
    assert (entry.reason, entry.blame) == ("remote_closed", "them")
    assert entry.evidence.get("loop_lag_s", 0.0) < 1, "we kept it waiting for 0.1 s, and slept on"


async def test_a_stall_in_an_earlier_connection_does_not_excuse_a_peer_that_is_silent_in_the_last(nodes):
    node = await nodes.start(timing=structs.replace(TIMING, handshake_attempt_s=1.5, handshake_window_s=4.5))

    async def stay_mute(peer: RawPeer) -> None:
        await peer.wait_closed()

    with listener_in_thread(stay_mute) as addr:
        stall_after(0.3, stall_s=2.5)
        entry = await dial_and_fail(node, addr)
    assert (entry.reason, entry.blame) == ("handshake_timeout", "them")
    assert entry.evidence["connect_attempts"] == 2
    assert entry.evidence.get("loop_lag_s", 0.0) < 1


# ---- handshakes that others dialed -----------------------------------------------------------------------------------


async def test_a_strangers_handshake_missed_by_our_stall_counts_as_our_fault(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr) as peer:
        await peer.send_bytes(PREAMBLE)
        await eventually(lambda: node.node.listener.pending == 1)
        time.sleep(STALL_S)
        await eventually(lambda: node.node.listener.pending == 0)
    assert node.node.listener.rejections == {"local_overload": 1}


# ---- sessions --------------------------------------------------------------------------------------------------------


async def test_a_stall_does_not_end_a_session_with_a_peer_that_answers(nodes, peer_process, monkeypatch):
    monkeypatch.setattr(session, "PING_INTERVAL_S", 0.1)
    monkeypatch.setattr(session, "IDLE_TIMEOUT_S", 0.3)
    node = await nodes.start()
    assert (await node.node.connect(peer_process.addr)).reason is None
    [live] = node.node.sessions
    await eventually(lambda: live.latency_s)
    for _ in range(3):
        time.sleep(0.6)
        await asyncio.sleep(0.15)
    assert live.end is None
    assert live.node_id in node.node.sessions


async def test_a_stall_while_writing_does_not_end_a_session_with_a_peer_that_reads(nodes, monkeypatch):
    monkeypatch.setattr(session, "SEND_TIMEOUT_S", 0.6)

    async def read_everything(peer: RawPeer) -> None:
        await peer.shake_hands()
        await peer.wait_closed()

    node = await nodes.start()
    with listener_in_thread(read_everything) as addr:
        assert (await node.node.connect(addr)).reason is None
        [live] = node.node.sessions
        live._writer.write(bytes(64_000_000))  # far more than the kernel accepts at once
        stall_after(0.0, stall_s=1.0)
        await live.flush()
        assert live.end is None
        await node.stop()


async def test_a_peer_that_ended_the_session_during_our_stall_is_not_to_blame(nodes):
    async def lose_patience(peer: RawPeer) -> None:
        await peer.shake_hands()
        await asyncio.sleep(1.0)
        await peer.send(Goodbye(code="ping_timeout"))
        await peer.wait_closed()

    node = await nodes.start()
    with listener_in_thread(lose_patience) as addr:
        await node.node.outbound.start(Address.parse(addr), Source.GOSSIP)
        time.sleep(STALL_S)
        entry = await eventually_recorded(node, Reason.EARLY_DISCONNECT)
    assert "ping_timeout" in entry.detail
    assert entry.evidence["loop_lag_s"] >= 1
    assert not entry.penalised
    assert node.tracker.standing(entry.addr).streak == 0
