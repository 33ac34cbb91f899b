"""One session: how it is kept alive, what ends it, and that no peer can block it."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.sessions import session
from nocarrier.sources.node.wire.frames import frame
from nocarrier.sources.node.wire.messages import GetPeers, Goodbye, Ping, Pong
from testbed.nodes import RunningNode, eventually, eventually_recorded, nodes_fixture
from testbed.raw_peer import RawPeer, raw_dial, raw_listener

nodes = nodes_fixture


@contextlib.asynccontextmanager
async def session_with(node: RunningNode):
    """A raw peer that has completed a handshake with `node`, and the node's session with it."""
    async with raw_dial(node.addr) as peer:
        await peer.shake_hands()
        yield peer, await eventually(lambda: node.node.sessions.get(peer.identity.node_id))


async def test_the_latency_is_known_soon_after_the_handshake(nodes):
    dialer, listener = await nodes.pair()
    for one, other in ((dialer, listener), (listener, dialer)):
        latency_s = await eventually(lambda one=one, other=other: one.session_with(other).latency_s)
        assert 0 < latency_s < 1


async def test_a_pong_to_a_ping_that_was_never_sent_does_not_set_the_latency(nodes):
    node = await nodes.start()
    async with session_with(node) as (peer, end):
        await peer.send(Pong(nonce=999))
        await peer.send(Ping(nonce=5))
        assert (await peer.receive_until(Pong)).nonce == 5
        assert end.latency_s is None


@pytest.mark.parametrize("where", ["_keep_alive", "_begin", "_handle"])
async def test_a_fault_of_ours_ends_the_session_it_is_in_and_is_logged(nodes, monkeypatch, caplog, where):
    """Whichever part of a session dies, the session does not continue without it, silent and unwatched."""

    def break_down(*_: object) -> None:
        raise ZeroDivisionError("ours")

    async def keep_alive(_: object) -> None:
        await asyncio.sleep(0.1)
        break_down()

    node, other = await nodes.start(), await nodes.start()
    with monkeypatch.context() as patched:
        if where == "_keep_alive":
            patched.setattr(session.Session, where, keep_alive)
        else:
            patched.setattr(node.node._keeper, where, break_down)
        async with raw_dial(node.addr) as peer:
            await peer.shake_hands()
            await peer.send(GetPeers())
            await eventually(lambda: "ZeroDivisionError: ours" in caplog.text)
            await eventually(lambda: not node.node.sessions)
            async with asyncio.timeout(2):
                await peer.wait_closed()
    assert not node.recorded(), "no peer is blamed for it"
    assert (await node.node.connect(other.addr)).reason is None, "and the node goes on"


async def test_a_session_with_a_peer_that_went_silent_ends(nodes, monkeypatch):
    monkeypatch.setattr(session, "PING_INTERVAL_S", 0.05)
    monkeypatch.setattr(session, "IDLE_TIMEOUT_S", 0.2)
    node = await nodes.start()
    async with session_with(node) as (_, end):
        await eventually(lambda: not node.node.sessions)
    assert (end.end.by_us, end.end.code) == (True, "ping_timeout")


async def test_answered_pings_keep_a_quiet_session(nodes, monkeypatch):
    monkeypatch.setattr(session, "PING_INTERVAL_S", 0.05)
    monkeypatch.setattr(session, "IDLE_TIMEOUT_S", 0.2)
    dialer, listener = await nodes.pair()
    await asyncio.sleep(0.6)
    assert dialer.is_connected_with(listener)
    assert listener.is_connected_with(dialer)


async def test_a_session_with_a_peer_that_stops_reading_ends_and_costs_little_memory(nodes, monkeypatch):
    monkeypatch.setattr(session, "SEND_TIMEOUT_S", 0.3)
    monkeypatch.setattr(session, "MESSAGES_BURST", 1e9)
    node = await nodes.start()
    async with session_with(node) as (peer, end):
        peer.writer.transport.pause_reading()
        pings = b"".join(frame(msgspec.msgpack.encode({"type": "ping", "nonce": 2**63})) for _ in range(2000))
        buffered_bytes = 0
        with contextlib.suppress(OSError):
            while end.end is None:
                await peer.send_bytes(pings)
                buffered_bytes = max(buffered_bytes, end._writer.transport.get_write_buffer_size())
        await eventually(lambda: not node.node.sessions)
    assert (end.end.by_us, end.end.code) == (True, "send_timeout")
    assert buffered_bytes < 1_000_000


async def test_a_flood_ends_the_session(nodes):
    node = await nodes.start()
    async with session_with(node) as (peer, end):
        flood = frame(msgspec.msgpack.encode({"type": "pong", "nonce": 1})) * 1000
        with contextlib.suppress(OSError):
            for _ in range(20):
                await peer.send_bytes(flood)
        await eventually(lambda: not node.node.sessions)
    assert (end.end.by_us, end.end.code) == (True, "flooding")


async def test_messages_of_a_later_version_are_ignored(nodes):
    node = await nodes.start()
    async with session_with(node) as (peer, end):
        await peer.send_bytes(frame(msgspec.msgpack.encode({"type": "later", "addr": "x"})))
        await peer.send(Ping(nonce=6))
        assert (await peer.receive_until(Pong)).nonce == 6
        assert end.end is None


@pytest.mark.parametrize("closes", [True, False], ids=["and closes", "and stays"])
async def test_a_peer_that_breaks_the_protocol_is_told_disconnected_and_banned_for_a_while(nodes, closes, monkeypatch):
    node = await nodes.start()
    async with session_with(node) as (peer, end):
        await peer.send_bytes(frame(b"\xc1"))
        assert (await peer.receive_until(Goodbye)).code == "protocol_violation"
        if closes:
            peer.writer.close()
        await eventually(lambda: not node.node.sessions)
        assert (end.end.by_us, end.end.code) == (True, "protocol_violation")
        [ban] = node.node.bans.entries(0)
        assert ban.target == peer.identity.node_id


async def test_a_node_that_stops_says_goodbye_to_everyone(nodes):
    node = await nodes.start()
    async with session_with(node) as (one, _), session_with(node) as (other, _):
        stopping = asyncio.create_task(node.stop())
        for peer in (one, other):
            goodbye = await peer.receive_until(Goodbye)
            assert goodbye.code == "shutting_down"
            peer.writer.close()
        await stopping


async def test_peers_that_do_not_read_the_goodbye_do_not_delay_the_stop(nodes):
    node = await nodes.start()
    async with contextlib.AsyncExitStack() as peers:
        for _ in range(5):
            await peers.enter_async_context(session_with(node))
        async with asyncio.timeout(session.GOODBYE_TIMEOUT_S + 2):
            await node.stop()


async def test_a_silent_session_counts_against_the_peer_only_if_others_were_heard_meanwhile(nodes, monkeypatch):
    monkeypatch.setattr(session, "PING_INTERVAL_S", 0.1)
    monkeypatch.setattr(session, "IDLE_TIMEOUT_S", 0.5)

    async def fall_silent(peer: RawPeer) -> None:
        await peer.shake_hands()
        await asyncio.sleep(60)

    async with raw_listener(fall_silent, host="127.95.0.1") as silent:
        alone = await nodes.start(seeds=(silent,), target_peers=1)
        other = await nodes.start()
        in_company = await nodes.start(seeds=(silent, other.addr), target_peers=2)
        lost = await eventually_recorded(alone, Reason.EARLY_DISCONNECT)
        blamed = await eventually_recorded(in_company, Reason.EARLY_DISCONNECT)
    assert "ping_timeout" in lost.detail
    assert not lost.penalised
    assert "ping_timeout" in blamed.detail
    assert blamed.penalised
