"""What peers tell each other about peers, and how little a hostile one gets out of it."""

from __future__ import annotations

import asyncio
import contextlib

from msgspec import structs

from nocarrier.model.address import Address
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.node import gossip
from nocarrier.node.shares import SHARES
from nocarrier.wire import PeerAddress
from nocarrier.wire.messages import PEER_LIST_MAX, WELCOME_PEERS_MAX, GetPeers, PeerList
from support.nodes import TIMING, RunningNode, eventually, nodes_fixture
from support.raw_peer import RawPeer, raw_dial

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
    """Let the node believe that it was connected with `addrs` before."""
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


async def test_named_addresses_keep_their_source_and_who_named_them(nodes):
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


async def test_the_first_who_named_an_address_keeps_the_credit(nodes):
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
        # Names are kept back too: they would make the receiver ask a resolver of our choice.
        assert {address.addr for address in told.peers} == expected
        assert {address.addr for address in welcome.peers} == expected


async def test_who_asks_too_often_gets_no_answer(nodes):
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
        # A peer that somebody else names still gets its place.
        async with raw_dial(node.addr, local_host="127.83.0.1", listen_port=7072) as honest:
            await honest.shake_hands()
            await honest.send(named(good.addr))
            await eventually(lambda: good.addr in node.node.book)
    await eventually(lambda: node.recorded(reason=Reason.CONNECTION_REFUSED))
    refused = node.recorded(reason=Reason.CONNECTION_REFUSED)
    assert {entry.via for entry in refused if entry.source is Source.GOSSIP} == {f"{INTRODUCER}:7072"}
