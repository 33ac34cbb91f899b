"""Sessions that end soon after the handshake: the stated reason is kept, and nobody is blamed for stopping."""

from __future__ import annotations

import asyncio

import pytest

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node import session_keeper
from nocarrier.sources.node.wire.messages import Goodbye
from testbed.nodes import RunningNode, eventually, eventually_recorded, facts, nodes_fixture
from testbed.provokes import provokes
from testbed.raw_peer import RawPeer, Script, raw_listener

nodes = nodes_fixture


async def connected_by_maintainer(nodes, addr: str) -> RunningNode:
    """A node that dialed its seed `addr` by itself, so that its failures may count against the seed."""
    dialer = await nodes.start(seeds=(addr,), target_peers=1)
    await eventually(lambda: dialer.tracker.totals().succeeded == 1)
    return dialer


def after_the_handshake(then: Script) -> Script:
    async def script(peer: RawPeer) -> None:
        await peer.shake_hands()
        await then(peer)

    return script


@provokes(Reason.EARLY_DISCONNECT)
async def test_the_stated_reason_of_an_early_end_is_kept(nodes):
    async def leave(peer: RawPeer) -> None:
        await peer.send(Goodbye(code="maintenance", detail="back at noon"))
        await peer.wait_closed()

    async with raw_listener(after_the_handshake(leave)) as addr:
        dialer = await connected_by_maintainer(nodes, addr)
        entry = await eventually_recorded(dialer, Reason.EARLY_DISCONNECT)
    assert facts(entry) == ("early_disconnect", "disconnect", "session", "them", "seed")
    assert "maintenance" in entry.detail
    assert "back at noon" in entry.detail
    assert entry.penalised
    assert dialer.tracker.standing(addr).streak == 1
    totals = dialer.tracker.totals()
    assert (totals.started, totals.succeeded, totals.failed, totals.disconnected_early) == (1, 1, 0, 1)


@provokes(Reason.EARLY_DISCONNECT)
@pytest.mark.parametrize(("how", "word"), [("close", "closed"), ("abort", "connection_lost")])
async def test_an_early_end_without_a_goodbye_is_recorded_as_such(nodes, how, word):
    async def vanish(peer: RawPeer) -> None:
        await asyncio.sleep(0.05)
        if how == "close":
            peer.writer.write_eof()
            await peer.wait_closed()
        else:
            peer.reset()

    async with raw_listener(after_the_handshake(vanish)) as addr:
        dialer = await connected_by_maintainer(nodes, addr)
        entry = await eventually_recorded(dialer, Reason.EARLY_DISCONNECT)
    assert word in entry.detail
    assert entry.penalised


@provokes(Reason.EARLY_DISCONNECT)
async def test_a_peer_that_shuts_down_is_not_penalised(nodes):
    listener = await nodes.start()
    dialer = await connected_by_maintainer(nodes, listener.addr)
    await eventually(lambda: listener.node.sessions)
    await listener.stop()
    entry = await eventually_recorded(dialer, Reason.EARLY_DISCONNECT)
    assert facts(entry) == ("early_disconnect", "disconnect", "session", "them", "seed")
    assert "shutting_down" in entry.detail
    assert not entry.penalised
    assert dialer.tracker.standing(listener.addr).streak == 0


async def test_a_lost_tie_break_is_not_an_early_disconnect(nodes):
    async def lose(peer: RawPeer) -> None:
        await peer.send(Goodbye(code="duplicate_connection"))
        await peer.wait_closed()

    async with raw_listener(after_the_handshake(lose)) as addr:
        dialer = await connected_by_maintainer(nodes, addr)
        await eventually(lambda: not dialer.node.sessions)
        assert dialer.recorded(reason=Reason.EARLY_DISCONNECT) == []


async def test_a_session_that_lasted_has_no_early_end(nodes, monkeypatch):
    monkeypatch.setattr(session_keeper, "EARLY_DISCONNECT_S", 0.2)

    async def leave_later(peer: RawPeer) -> None:
        await asyncio.sleep(0.4)
        await peer.send(Goodbye(code="maintenance"))
        await peer.wait_closed()

    async with raw_listener(after_the_handshake(leave_later)) as addr:
        dialer = await connected_by_maintainer(nodes, addr)
        await eventually(lambda: dialer.tracker.totals().succeeded > 1)  # it ended, and the maintainer dialed again
        assert dialer.recorded(reason=Reason.EARLY_DISCONNECT) == []


async def test_an_end_of_our_choice_is_not_recorded_against_the_peer(nodes):
    listener = await nodes.start()
    dialer = await connected_by_maintainer(nodes, listener.addr)
    dialer.node.ban(listener.node_id)
    await eventually(lambda: not dialer.node.sessions)
    assert dialer.recorded(reason=Reason.EARLY_DISCONNECT) == []
    assert listener.recorded() == []  # the end of an inbound session belongs to no dial
