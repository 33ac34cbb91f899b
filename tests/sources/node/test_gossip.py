"""What peers tell each other about peers, and how little a hostile one gains."""

from __future__ import annotations

import asyncio
import contextlib
import time

from msgspec import structs

from nocarrier.model.address import Address
from nocarrier.model.node.counters import Refusal
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node import gossip
from nocarrier.sources.node.book.introductions import THROTTLE_DIALED
from nocarrier.sources.node.book.shares import SHARES
from nocarrier.sources.node.wire import PeerAddress
from nocarrier.sources.node.wire.messages import PEER_LIST_MAX, WELCOME_PEERS_MAX, GetPeers, PeerList
from nocarrier.testing.fault_servers import FAULT_SERVERS
from nocarrier.web.views import propagation_view
from testbed.nodes import TIMING, RunningNode, eventually, nodes_fixture
from testbed.raw_peer import RawPeer, raw_dial

nodes = nodes_fixture

INTRODUCER = "127.80.0.1"


@contextlib.asynccontextmanager
async def introducer(node: RunningNode, peers: list[PeerAddress] | None = None):
    """A peer that says it listens on 127.80.0.1:7072 and names `peers` in its Welcome."""
    async with raw_dial(node.addr, local_host=INTRODUCER, listen_port=7072) as peer:
        await peer.shake_hands(peers or ())
        await eventually(lambda: peer.identity.node_id in node.node.sessions)
        yield peer


def named(*addrs: str) -> PeerList:
    return PeerList(peers=[PeerAddress(addr=addr) for addr in addrs])


def fill_book(node: RunningNode, addrs: list[str]) -> None:
    """Make the node believe that it was connected with `addrs` before."""
    for addr in addrs:
        node.node.book.add(Address.parse(addr), Source.GOSSIP, None, 1.0)
        node.node.book.succeeded(addr, None, 1.0)


# ---- learning --------------------------------------------------------------------------------------------------------


async def test_five_nodes_find_each_other_from_one_seed(nodes):
    first = await nodes.start(target_peers=4)
    mesh = [first, *[await nodes.start(seeds=(first.addr,), target_peers=4) for _ in range(4)]]
    await eventually(lambda: all(len(peer.node.sessions) == 4 for peer in mesh), within_s=15)
    for peer in mesh[1:]:
        others = {other.addr for other in mesh if other is not peer}
        # A session counts a moment before what its handshake taught is in the book.
        await eventually(lambda peer=peer, others=others: {entry.addr for entry in peer.node.book} == others)
        entries = {entry.addr: entry for entry in peer.node.book}
        assert entries[first.addr].source is Source.SEED
        assert {entry.source for entry in entries.values()} <= {Source.SEED, Source.GOSSIP, Source.HANDSHAKE}


async def test_named_addresses_keep_their_source_and_their_introducer(nodes):
    node = await nodes.start()
    async with introducer(node, [PeerAddress(addr="127.81.0.1:7072")]) as peer:
        await peer.send(named("127.82.0.1:7072"))
        await eventually(lambda: "127.82.0.1:7072" in node.node.book)
    told = {entry.addr: (entry.source, entry.via) for entry in node.node.book}
    assert told == {
        f"{INTRODUCER}:7072": (Source.HANDSHAKE, f"{INTRODUCER}:7072"),
        "127.81.0.1:7072": (Source.HANDSHAKE, f"{INTRODUCER}:7072"),
        "127.82.0.1:7072": (Source.GOSSIP, f"{INTRODUCER}:7072"),
    }


async def test_the_first_peer_to_name_an_address_keeps_the_credit(nodes):
    node = await nodes.start()
    async with introducer(node) as peer:
        await peer.send(named("127.82.0.1:7072"))
        await eventually(lambda: "127.82.0.1:7072" in node.node.book)
    async with raw_dial(node.addr, local_host="127.83.0.1", listen_port=7072) as peer:
        await peer.shake_hands()
        await peer.send(named("127.82.0.1:7072", "127.84.0.1:7072"))
        await eventually(lambda: "127.84.0.1:7072" in node.node.book)
    assert node.node.book.get("127.82.0.1:7072").via == f"{INTRODUCER}:7072"


async def test_our_own_address_is_neither_learned_nor_recorded(nodes):
    node = await nodes.start()
    async with introducer(node) as peer:
        await peer.send(named(node.addr, "127.82.0.1:7072"))
        await eventually(lambda: "127.82.0.1:7072" in node.node.book)
    assert node.addr not in node.node.book
    assert node.recorded() == []


async def test_a_node_that_wants_no_more_peers_asks_nobody(nodes):
    node = await nodes.start(target_peers=0)
    async with introducer(node) as peer:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                assert not isinstance(await peer.receive(), GetPeers)
    wanting = await nodes.start(target_peers=2)
    async with introducer(wanting) as peer:
        await peer.receive_until(GetPeers)


# ---- telling ---------------------------------------------------------------------------------------------------------


async def test_a_list_names_proven_peers_by_interval_and_never_the_receiver(nodes):
    node = await nodes.start()
    known = [f"127.85.{number}.1:7072" for number in range(10)]
    fill_book(node, [*known, f"{INTRODUCER}:7072"])
    async with introducer(node) as peer:
        for _ in range(2):
            told = await peer.receive_until(PeerList)
            assert {address.addr for address in told.peers} == set(known)


async def test_lists_are_capped(nodes):
    node = await nodes.start()
    fill_book(node, [f"127.{number}.{part}.1:7072" for number in range(100, 120) for part in range(10)])
    async with raw_dial(node.addr) as peer:
        welcome = await peer.shake_hands()
        assert len(welcome.peers) == WELCOME_PEERS_MAX
        assert len((await peer.receive_until(PeerList)).peers) == PEER_LIST_MAX


async def test_private_addresses_are_never_named_outside_lan_mode(nodes):
    private = ["10.0.0.5:7072", "192.168.1.5:7072", "100.64.0.5:7072", "127.86.0.1:7072"]
    for lan_mode, expected in ((False, {"203.0.113.5:7072"}), (True, {*private, "203.0.113.5:7072"})):
        node = await nodes.start(allow_networks=(), lan_mode=lan_mode)
        fill_book(node, [*private, "203.0.113.5:7072", "[2001:db8::5]:7072", "seed.example:7072"])
        async with raw_dial(node.addr) as peer:
            welcome = await peer.shake_hands()
            told = await peer.receive_until(PeerList)
        # Names are held back too: they would make the receiver ask a resolver of our choice.
        assert {address.addr for address in told.peers} == expected
        assert {address.addr for address in welcome.peers} == expected


async def test_a_peer_that_asks_too_often_gets_no_answer(nodes):
    node = await nodes.start(timing=structs.replace(TIMING, gossip_interval_s=60))
    fill_book(node, ["127.85.0.1:7072"])
    async with introducer(node) as peer:
        for _ in range(20):
            await peer.send(GetPeers())
        answers = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while await peer.receive_until(PeerList):
                    answers += 1
    assert answers == gossip.REQUESTS_BURST


# ---- a hostile introducer --------------------------------------------------------------------------------------------


async def tell(peer: RawPeer, addrs: list[str]) -> None:
    for start in range(0, len(addrs), PEER_LIST_MAX):
        await peer.send(named(*addrs[start : start + PEER_LIST_MAX]))


async def test_a_peer_can_name_only_so_many_addresses_at_once(nodes):
    node = await nodes.start(timing=structs.replace(TIMING, gossip_interval_s=60))
    async with introducer(node) as peer:
        await tell(peer, [f"127.{number}.{part}.1:7072" for number in range(100, 150) for part in range(10)])
        await eventually(lambda: node.node.gossip.ignored_total == 500 - gossip.ADDRESSES_BURST)
        assert node.node.info().refusals[Refusal.GOSSIP_TOO_FAST] == 500 - gossip.ADDRESSES_BURST
    assert len(node.node.book) == gossip.ADDRESSES_BURST + 1


async def test_dead_addresses_of_one_introducer_fill_neither_book_nor_time(nodes, monkeypatch):
    monkeypatch.setattr(gossip, "ADDRESSES_BURST", 10_000)
    good = await nodes.start()
    node = await nodes.start(target_peers=2)
    share = node.node.book._shares.share
    assert share == 2048 // SHARES
    dead = [f"127.{number}.{part}.1:1" for number in range(100, 150) for part in range(10)]
    async with introducer(node) as peer:
        await tell(peer, dead)
        await eventually(lambda: node.node.book.refused_total + node.node.book.evicted_total >= len(dead) - share)
        assert len(node.node.book) <= share + 1
        # A peer that another peer names still finds room.
        async with raw_dial(node.addr, local_host="127.83.0.1", listen_port=7072) as honest:
            await honest.shake_hands()
            await honest.send(named(good.addr))
            await eventually(lambda: good.addr in node.node.book)
    await eventually(lambda: node.recorded(reason=Reason.CONNECTION_REFUSED))
    refused = node.recorded(reason=Reason.CONNECTION_REFUSED)
    assert {entry.via for entry in refused if entry.source is Source.GOSSIP} == {f"{INTRODUCER}:7072"}


DEAD = [f"127.{number}.{part}.1" for number in range(100, 150) for part in range(10)]
"""Hosts of loopback on which nothing listens."""


@contextlib.asynccontextmanager
async def honest_introducer(node: RunningNode, good: list[RunningNode]):
    """A peer that names `good`."""
    async with raw_dial(node.addr, local_host="127.83.0.1", listen_port=7072) as peer:
        await peer.shake_hands()
        await peer.send(named(*(each.addr for each in good)))
        yield peer


def introducer_of(node: RunningNode, addr: str = f"{INTRODUCER}:7072"):
    [found] = [introducer for introducer in node.node.state().introducers if introducer.addr == addr]
    return found


async def test_a_peer_that_names_dead_addresses_is_reported_and_throttled_and_good_ones_are_still_dialed(
    nodes, monkeypatch
):
    monkeypatch.setattr(gossip, "ADDRESSES_BURST", 10_000)
    good = [await nodes.start() for _ in range(3)]
    node = await nodes.start(target_peers=5)  # with the two introducers
    async with introducer(node) as peer:
        await tell(peer, [f"{host}:1" for host in DEAD])
        await eventually(lambda: introducer_of(node).throttled)
        async with honest_introducer(node, good):
            started_s = time.monotonic()
            await eventually(lambda: all(map(node.is_connected_with, good)), within_s=5)
            assert time.monotonic() - started_s < 3
        bad = introducer_of(node).counts
        assert bad.dead >= THROTTLE_DIALED
        assert (bad.connected, bad.introduced + bad.refused) == (0, len(DEAD) + 1), "it introduced itself as well"
        honest = introducer_of(node, "127.83.0.1:7072")
        assert (honest.counts.connected, honest.throttled) == (3, False)
        worst = propagation_view(node.tracker, node.node).by_introducer[0]
        assert (worst.addr, worst.throttled) == (f"{INTRODUCER}:7072", True)


async def test_a_throttled_introducer_is_believed_one_address_at_a_time(nodes):
    node = await nodes.start(target_peers=2)
    async with introducer(node) as peer:
        await tell(peer, [f"{host}:1" for host in DEAD[:10]])
        await eventually(lambda: introducer_of(node).throttled)
        before = introducer_of(node).counts
        assert (before.introduced, before.refused) == (11, 0), "it introduced itself as well"
        interval_s, started_s = TIMING.gossip_interval_s, time.monotonic()
        for host in DEAD[100:140]:
            await peer.send(named(f"{host}:1"))  # many short lists gain nothing
        await tell(peer, [f"{host}:1" for host in DEAD[200:240]])
        await eventually(lambda: introducer_of(node).counts.introduced + introducer_of(node).counts.refused == 91)
        taken = introducer_of(node).counts.introduced - before.introduced
        assert 1 <= taken <= 1 + (time.monotonic() - started_s) / interval_s
        await tell(peer, [f"{host}:1" for host in DEAD[:10]])  # a known address is not a newcomer
        await eventually(lambda: introducer_of(node).counts.repeated == before.repeated + 10)


async def test_a_throttled_introducer_recovers_when_it_names_good_addresses(nodes):
    good = [await nodes.start() for _ in range(4)]
    node = await nodes.start(target_peers=6)
    async with introducer(node) as peer:
        await tell(peer, [f"{host}:1" for host in DEAD[:10]])
        await eventually(lambda: introducer_of(node).throttled)
        for _ in range(100):
            await peer.send(named(*(each.addr for each in good)))
            await asyncio.sleep(0.1)
            if not introducer_of(node).throttled:
                break
        assert not introducer_of(node).throttled
        assert introducer_of(node).counts.connected >= 3


async def test_addresses_that_never_answer_delay_those_of_others_only_for_seconds(nodes, monkeypatch):
    monkeypatch.setattr(gossip, "ADDRESSES_BURST", 10_000)
    good = [await nodes.start() for _ in range(3)]
    node = await nodes.start(target_peers=5)
    # One server for all of loopback, which accepts and sends nothing: each dial takes 1.5 s, all of them minutes.
    async with FAULT_SERVERS["silent"]("0.0.0.0") as port, introducer(node) as peer:
        await tell(peer, [f"{host}:{port}" for host in DEAD])
        await eventually(lambda: len(node.recorded(reason=Reason.HANDSHAKE_TIMEOUT)) >= 3, within_s=15)
        assert not introducer_of(node).throttled, "not even that is needed"
        async with honest_introducer(node, good):
            await eventually(lambda: all(map(node.is_connected_with, good)), within_s=10)
            dialed = introducer_of(node).counts.dialed
    assert dialed < 20, "good ones came between, and not after all the others"


async def test_only_one_dial_at_a_time_goes_to_addresses_of_a_throttled_introducer(nodes):
    node = await nodes.start(target_peers=6)
    async with FAULT_SERVERS["silent"]("0.0.0.0") as port, introducer(node) as peer:
        await tell(peer, [f"{host}:1" for host in DEAD[:10]])
        await eventually(lambda: introducer_of(node).throttled)
        for number in range(30):
            await peer.send(named(f"127.200.{number}.1:{port}"))
            await asyncio.sleep(0.1)
            assert node.node.outbound.in_flight <= 1
    assert introducer_of(node).counts.introduced >= 13
    assert introducer_of(node).counts.dialed >= 12, "and they are dialed"
