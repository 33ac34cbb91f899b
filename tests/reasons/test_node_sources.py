"""Every failure is recorded once, under the source of the address, with the peer that named it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.wire import PeerAddress
from nocarrier.sources.node.wire.messages import PeerList
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.nodes import RunningNode, eventually, eventually_recorded, facts, nodes_fixture
from testbed.raw_peer import RawPeer, raw_dial, raw_listener

nodes = nodes_fixture


@pytest.fixture
async def dead_addr():
    async with FAULT_SERVERS["closed_port"]("127.99.0.1") as port:
        yield f"127.99.0.1:{port}"


def assert_failed_once(peer: RunningNode, addr: str, source: Source, via: str | None) -> None:
    [entry] = peer.recorded(addr=addr, kind="failure")
    assert facts(entry) == ("connection_refused", "failure", "connect", "them", source)
    assert entry.via == via
    counts = {key: total for key, total in peer.tracker.counts().items() if key[0] is Reason.CONNECTION_REFUSED}
    assert counts == {(Reason.CONNECTION_REFUSED, source): 1}


async def test_seed(nodes, dead_addr):
    node = await nodes.start(seeds=(dead_addr,), target_peers=2)
    await eventually_recorded(node, Reason.CONNECTION_REFUSED)
    await asyncio.sleep(0.1)
    assert_failed_once(node, dead_addr, Source.SEED, None)


async def test_direct(nodes, dead_addr):
    node = await nodes.start()
    await node.fail_to_connect(dead_addr)
    assert_failed_once(node, dead_addr, Source.DIRECT, None)


async def test_gossip(nodes, dead_addr):
    node = await nodes.start(target_peers=2)
    async with raw_dial(node.addr, local_host="127.98.0.1", listen_port=7072) as peer:
        await peer.shake_hands()
        await peer.send(PeerList(peers=[PeerAddress(addr=dead_addr)]))
        await eventually(lambda: node.recorded(addr=dead_addr))
        await asyncio.sleep(0.1)
        assert_failed_once(node, dead_addr, Source.GOSSIP, "127.98.0.1:7072")


async def test_handshake_names_in_the_welcome_of_a_peer(nodes, dead_addr):
    async def name_a_dead_peer(peer: RawPeer) -> None:
        await peer.shake_hands([PeerAddress(addr=dead_addr)])
        await peer.wait_closed()

    async with raw_listener(name_a_dead_peer) as addr:
        node = await nodes.start(seeds=(addr,), target_peers=2)
        await eventually(lambda: node.recorded(addr=dead_addr))
        await asyncio.sleep(0.1)
        assert_failed_once(node, dead_addr, Source.HANDSHAKE, addr)


async def test_handshake_the_listen_address_of_an_inbound_peer(nodes):
    async with FAULT_SERVERS["closed_port"]("127.97.0.1") as port:
        node = await nodes.start(target_peers=1)
        async with raw_dial(node.addr, local_host="127.97.0.1", listen_port=port) as peer:
            await peer.shake_hands()
            await eventually(lambda: node.node.sessions)
        dead = f"127.97.0.1:{port}"
        await eventually(lambda: node.recorded(addr=dead, kind="failure"))
        await asyncio.sleep(0.1)
        assert_failed_once(node, dead, Source.HANDSHAKE, dead)


async def test_peer_book_after_a_restart(nodes):
    dialer, listener = await nodes.pair()
    await listener.stop()
    await dialer.stop()
    again = await nodes.start(data_dir=dialer.data_dir, target_peers=1)
    await eventually(lambda: again.recorded(addr=listener.addr))
    await asyncio.sleep(0.1)
    assert_failed_once(again, listener.addr, Source.PEER_BOOK, None)


async def test_a_peer_that_worked_is_dialed_as_peer_book_from_then_on_and_keeps_its_introducer(nodes):
    async def say_goodbye(peer: RawPeer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await peer.shake_hands()
            await asyncio.sleep(0.1)

    async with raw_listener(say_goodbye, host="127.96.0.1") as named:
        node = await nodes.start(target_peers=2)
        async with raw_dial(node.addr, local_host="127.98.0.1", listen_port=7072) as introducer:
            await introducer.shake_hands()
            await introducer.send(PeerList(peers=[PeerAddress(addr=named)]))
            await eventually(lambda: node.tracker.totals(Source.GOSSIP).succeeded == 1)
            entry = await eventually_recorded(node, Reason.BACKOFF_ACTIVE)
    assert (entry.addr, entry.source, entry.via) == (named, Source.PEER_BOOK, "127.98.0.1:7072")
    assert node.node.book.get(named).source is Source.GOSSIP
