"""The maintainer: as many peers as wanted, whatever some of them do."""

from __future__ import annotations

import asyncio
import contextlib
import time

from msgspec import structs

from nocarrier.model.taxonomy import Reason, Retry
from nocarrier.sources.node import maintainer, outbound
from nocarrier.testing.fault_servers import FAULT_SERVERS
from nocarrier.tracking import backoff
from testbed.nodes import TIMING, eventually, eventually_recorded, nodes_fixture

nodes = nodes_fixture


async def test_it_reaches_the_wanted_number_and_stays_there(nodes):
    peers = [await nodes.start() for _ in range(6)]
    node = await nodes.start(seeds=tuple(peer.addr for peer in peers), target_peers=3)
    await eventually(lambda: len(node.node.sessions) == 3)
    await asyncio.sleep(3 * TIMING.maintain_interval_s)
    assert len(node.node.sessions) == 3
    assert node.tracker.totals().started == 3


async def test_a_lost_session_is_replaced_by_another_peer(nodes):
    peers = [await nodes.start() for _ in range(3)]
    node = await nodes.start(seeds=tuple(peer.addr for peer in peers), target_peers=2)
    await eventually(lambda: len(node.node.sessions) == 2)
    connected = next(peer for peer in peers if node.is_connected_with(peer))
    spare = next(peer for peer in peers if not node.is_connected_with(peer))
    await connected.stop()
    await eventually(lambda: node.is_connected_with(spare))
    assert len(node.node.sessions) == 2


async def test_silent_peers_delay_nobody(nodes, monkeypatch):
    monkeypatch.setattr(outbound, "SLOW_DIAL_S", 0.4)
    monkeypatch.setattr(maintainer, "SLOW_DIAL_S", 0.4)
    patient = structs.replace(TIMING, handshake_attempt_s=12, handshake_window_s=36, maintain_interval_s=30)
    good = await nodes.start()
    async with contextlib.AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(FAULT_SERVERS["silent"](f"127.70.{n}.1")) for n in range(12)]
        seeds = tuple(f"127.70.{n}.1:{port}" for n, port in enumerate(silent))
        # Far more peers than are wanted do not answer, and each keeps its dial in flight for 36 s.
        node = await nodes.start(seeds=(*seeds, good.addr), target_peers=3, timing=patient)
        started_s = time.monotonic()
        await eventually(lambda: node.is_connected_with(good), within_s=10)
        assert time.monotonic() - started_s < 6
        assert not node.recorded(kind="failure")


async def test_every_skip_of_a_round_is_recorded_but_the_same_one_only_once(nodes):
    peer = await nodes.start()
    async with FAULT_SERVERS["closed_port"]() as port:
        node = await nodes.start(seeds=(peer.addr, f"127.0.0.1:{port}", "10.0.0.9:7072"), target_peers=3)
        backoff = await eventually_recorded(node, Reason.BACKOFF_ACTIVE)
        connected = await eventually_recorded(node, Reason.ALREADY_CONNECTED)
        blocked = await eventually_recorded(node, Reason.PRIVATE_IP_BLOCKED)
        await asyncio.sleep(3 * TIMING.maintain_interval_s)
        assert (backoff.addr, connected.addr, blocked.addr) == (f"127.0.0.1:{port}", peer.addr, "10.0.0.9:7072")
        skips = node.recorded(kind="skip")
        assert len(skips) == 3
        assert all(skip.repeats > 1 for skip in skips)
        assert len(node.recorded(kind="failure")) == 1


async def test_seeds_are_left_alone_while_the_book_has_enough_peers(nodes):
    seed = await nodes.start()
    peers = [await nodes.start() for _ in range(3)]
    node = await nodes.start()
    for peer in peers:
        await node.node.connect(peer.addr)
    await node.stop()
    again = await nodes.start(data_dir=node.data_dir, seeds=(seed.addr,), target_peers=3)
    await eventually(lambda: len(again.node.sessions) == 3)
    # At first, half of the wanted peers may be dialed at seeds.
    assert sum(again.is_connected_with(peer) for peer in peers) >= 2


async def test_the_seed_not_dialed_for_longest_comes_first(nodes):
    seeds = [f"127.77.0.{number}:1" for number in range(1, 9)]
    node = (await nodes.start(seeds=tuple(seeds))).node
    now_unix = time.time()
    order = [5, 2, 7, 0, 3, 6, 1, 4]
    for ago_s, index in enumerate(reversed(order[2:])):
        node.book.dialed(seeds[index], now_unix - ago_s)
    asked = [candidate.addr for candidate in node.maintainer._candidates()]
    assert set(asked[:2]) == {seeds[index] for index in order[:2]}, "never yet"
    assert asked[2:] == [seeds[index] for index in order[2:]]


async def test_seeds_given_twice_or_in_another_spelling_are_one(nodes):
    async with FAULT_SERVERS["closed_port"]() as port:
        seeds = (f"127.0.0.1:{port}", f"[::ffff:127.0.0.1]:{port}", f"127.0.0.1:{port}")
        node = await nodes.start(seeds=seeds, target_peers=3)
        await eventually_recorded(node, Reason.BACKOFF_ACTIVE)
        assert node.tracker.totals().started == 1


async def test_it_dials_again_as_soon_as_the_backoff_ends(nodes, monkeypatch):
    monkeypatch.setitem(backoff._FIRST_AND_LONGEST_S, Retry.MID, (1.0, 1.0))
    patient = structs.replace(TIMING, maintain_interval_s=30)
    async with FAULT_SERVERS["closed_port"]("127.71.0.1") as port:
        node = await nodes.start(seeds=(f"127.71.0.1:{port}",), target_peers=1, timing=patient)
        await eventually_recorded(node, Reason.CONNECTION_REFUSED)
    peer = await nodes.start(host="127.71.0.1", port=port)
    await eventually(lambda: node.is_connected_with(peer), within_s=5)


async def test_no_peers_wanted_no_dials(nodes):
    peer = await nodes.start()
    node = await nodes.start(seeds=(peer.addr,), target_peers=0)
    await asyncio.sleep(2 * TIMING.maintain_interval_s)
    assert node.tracker.totals().started == 0
    assert node.recorded() == []
