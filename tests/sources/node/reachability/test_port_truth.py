"""Wrong ports: how each kind of mistake is recognised, what is corrected, and how little a liar gains."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from nocarrier.model.address import Address
from nocarrier.model.fault import Fault
from nocarrier.model.node.state import Direction, PortClaim, PortMistake
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source
from nocarrier.sources.node.book.peer_book import PeerBook
from nocarrier.sources.node.reachability import host_ports, port_truth
from nocarrier.sources.node.reachability.port_truth import PortTruth
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire import PeerAddress, RemotePeer
from nocarrier.sources.node.wire.messages import DialBack, DialBackResult, PeerList
from testbed.nodes import RunningNode, eventually, nodes_fixture
from testbed.raw_peer import RawPeer, raw_dial, raw_listener

nodes = nodes_fixture

ALICE, BOB, MALLORY = "0a" * 32, "0b" * 32, "0c" * 32
NOW = 1_700_000_000.0
HOST = "192.0.2.7"
INTRODUCER = "198.51.100.1:7072"

# ---- the table by itself ---------------------------------------------------------------------------------------------


def remote(node_id: str, *, boot_id: bytes = b"first...", **ports: int | None) -> RemotePeer:
    said: dict[str, Any] = {"listen_port": None, "http_port": None} | ports
    return RemotePeer(
        node_id=node_id,
        boot_id=boot_id,
        min_version=1,
        max_version=1,
        advertised=None,
        user_agent="",
        clock_ahead_s=0.0,
        ticket=None,
        **said,
    )


@dataclass(eq=False)
class Peer:
    """The part of a session that the table reads."""

    remote: RemotePeer
    direction: Direction
    tcp_address: Address
    address: Address = field(init=False)

    def __post_init__(self) -> None:
        listen_port = self.remote.listen_port
        inbound_with_port = self.direction is Direction.INBOUND and listen_port
        self.address = Address(self.tcp_address.host, listen_port) if inbound_with_port else self.tcp_address

    @property
    def node_id(self) -> str:
        return self.remote.node_id

    @property
    def addr(self) -> str:
        return str(self.address)


class Table:
    """A PortTruth with the book and the sessions that it reads."""

    def __init__(self) -> None:
        self.book = PeerBook()
        self.sessions = SessionTable("ff" * 32)
        self.ports = PortTruth(book=self.book, sessions=self.sessions)

    def outbound(self, node_id: str, port: int, *, host: str = HOST, **said: Any) -> Peer:
        """We dialed that node, and have a session with it."""
        peer = Peer(remote(node_id, **said), Direction.OUTBOUND, Address(host, port))
        self.ports.met(peer.address, peer.remote, NOW)
        self.book.add(peer.address, Source.SEED, None, NOW)
        self.book.succeeded(peer.addr, node_id, NOW)
        return self._begin(peer)

    def inbound(self, node_id: str, source_port: int, *, host: str = HOST, **said: Any) -> Peer:
        """That node dialed us from `source_port`."""
        peer = Peer(remote(node_id, **said), Direction.INBOUND, Address(host, source_port))
        if peer.remote.listen_port:
            self.book.add(peer.address, Source.HANDSHAKE, peer.addr, NOW)
            self.book.set_node_id(peer.addr, node_id)
        return self._begin(peer)

    def _begin(self, peer: Peer) -> Peer:
        self.sessions.add(peer)  # type: ignore[arg-type]
        self.ports.session_began(peer, NOW)  # type: ignore[arg-type]
        return peer

    def tell(self, addr: str, node_id: str | None = None, *, via: str = INTRODUCER, now: float = NOW) -> None:
        """Name an address, as gossip does."""
        address = Address.parse(addr)
        self.ports.told(address, node_id, Source.GOSSIP, via, now)
        if not self.ports.is_corrected(addr):
            self.book.add(address, Source.GOSSIP, via, now)

    def fail(self, addr: str, reason: Reason, **evidence: Any) -> None:
        fault = Fault(reason=reason, phase=Phase.CONNECT, blame=Blame.THEM, evidence=evidence)
        self.ports.dial_failed(Address.parse(addr), fault, Source.DIRECT, None, NOW)

    def claims(self) -> dict[str, PortClaim]:
        return {claim.addr: claim for claim in self.ports.claims(NOW)}

    def mistakes(self) -> dict[str, PortMistake]:
        return {addr: claim.mistake for addr, claim in self.claims().items()}


@pytest.fixture
def table() -> Table:
    return Table()


def test_the_http_port_of_a_connected_peer_is_recognised_wherever_it_is_named(table):
    table.tell(f"{HOST}:7070")
    table.outbound(ALICE, 7072, http_port=7070)
    assert table.claims() == {
        f"{HOST}:7070": PortClaim(
            addr=f"{HOST}:7070",
            mistake=PortMistake.HTTP_PORT,
            true_addr=f"{HOST}:7072",
            node_id=ALICE,
            source=Source.GOSSIP,
            via=INTRODUCER,
            corrected=True,
            at_unix=NOW,
        )
    }
    assert [entry.addr for entry in table.book] == [f"{HOST}:7072"]
    table.tell(f"{HOST}:7070")
    assert f"{HOST}:7070" not in table.book


def test_the_ports_of_one_host_say_nothing_of_another(table):
    table.outbound(ALICE, 7072, http_port=7070)
    table.inbound(BOB, 45_000, http_port=7070)
    table.tell("192.0.2.70:7070")
    table.tell("192.0.2.70:45000")
    assert table.mistakes() == {}


def test_another_protocol_is_a_mistake_if_the_host_has_one_known_node(table):
    table.outbound(ALICE, 7072)
    table.fail(f"{HOST}:80", Reason.NOT_OUR_PROTOCOL, speaks="http")
    table.fail(f"{HOST}:22", Reason.NOT_OUR_PROTOCOL, speaks="ssh")
    assert table.mistakes() == {f"{HOST}:80": PortMistake.HTTP_PORT, f"{HOST}:22": PortMistake.OTHER_PORT}
    assert {claim.source for claim in table.claims().values()} == {Source.DIRECT}
    table.outbound(BOB, 7073)
    table.fail(f"{HOST}:81", Reason.NOT_OUR_PROTOCOL, speaks="http")  # whose port would it be?
    assert f"{HOST}:81" not in table.mistakes()


def test_another_protocol_on_an_unknown_host_makes_no_claim(table):
    table.tell(f"{HOST}:80")
    table.fail(f"{HOST}:80", Reason.NOT_OUR_PROTOCOL, speaks="http")
    assert table.mistakes() == {}
    table.outbound(ALICE, 7072)
    assert table.mistakes() == {f"{HOST}:80": PortMistake.HTTP_PORT}


def test_a_port_that_a_peer_dials_from_is_not_a_port_to_dial(table):
    peer = table.inbound(ALICE, 45_000, listen_port=7072)
    table.tell(f"{HOST}:45000")
    [claim] = table.claims().values()
    assert (claim.mistake, claim.node_id, claim.true_addr) == (PortMistake.SOURCE_PORT, ALICE, None)
    assert not claim.corrected  # only the peer says that 7072 is right
    assert f"{HOST}:45000" in table.book
    table.ports.dialed_back(peer, 7072, None, NOW)
    [claim] = table.claims().values()
    assert (claim.true_addr, claim.corrected) == (f"{HOST}:7072", True)
    assert f"{HOST}:45000" not in table.book


def test_a_peer_may_dial_from_the_port_it_listens_on(table):
    table.inbound(ALICE, 7072, listen_port=7072)
    table.inbound(BOB, 45_000)
    table.inbound(BOB, 46_000, listen_port=45_000)  # by now it listens there
    table.tell(f"{HOST}:7072")
    table.tell(f"{HOST}:45000")
    assert table.mistakes() == {}


@pytest.mark.parametrize("told_first", [True, False])
def test_the_same_node_on_another_port_of_its_host(table, told_first):
    if told_first:
        table.tell(f"{HOST}:45000", ALICE)
        assert table.mistakes() == {}
    table.outbound(ALICE, 7072)
    if not told_first:
        table.tell(f"{HOST}:45000", ALICE)
    [claim] = table.claims().values()
    assert (claim.mistake, claim.true_addr, claim.corrected) == (PortMistake.OTHER_PORT, f"{HOST}:7072", True)
    assert (claim.source, claim.via) == (Source.GOSSIP, INTRODUCER)
    assert f"{HOST}:45000" not in table.book


def test_the_same_node_on_another_host_may_be_reachable_at_both(table):
    table.outbound(ALICE, 7072)
    table.tell("192.0.2.8:9000", ALICE)
    assert table.mistakes() == {}


def test_an_address_without_a_node_id_may_belong_to_any_node(table):
    table.outbound(ALICE, 7072)
    table.tell(f"{HOST}:9000")
    table.tell(f"{HOST}:9001", BOB)
    assert table.mistakes() == {}


def test_the_right_address_takes_source_and_introducer_from_the_wrong_one(table):
    peer = table.outbound(ALICE, 7072)
    table.book.remove(f"{HOST}:7072")
    table.tell(f"{HOST}:45000")
    table.tell(f"{HOST}:45000", ALICE)
    # It was in the book when its mistake was found.
    entry = table.book.get(peer.addr)
    assert (entry.source, entry.via, entry.node_id) == (Source.GOSSIP, INTRODUCER, ALICE)


def test_a_wrong_seed_is_left_for_the_operator_to_fix(table):
    table.book.add(Address(HOST, 7070), Source.SEED, None, NOW)
    table.outbound(ALICE, 7072, http_port=7070)
    [claim] = table.claims().values()
    assert (claim.true_addr, claim.corrected, claim.source) == (f"{HOST}:7072", False, Source.SEED)
    assert f"{HOST}:7070" in table.book


def test_an_address_that_worked_once_is_outdated_and_not_mistaken(table):
    table.book.add(Address(HOST, 7070), Source.GOSSIP, None, NOW)
    table.book.succeeded(f"{HOST}:7070", ALICE, NOW)
    table.outbound(ALICE, 7072, http_port=7070)
    assert table.mistakes() == {}


def test_a_claim_is_dropped_when_its_address_works(table):
    table.book.add(Address(HOST, 9000), Source.SEED, None, NOW)
    table.book.set_node_id(f"{HOST}:9000", ALICE)
    table.outbound(ALICE, 7072)
    assert table.mistakes() == {f"{HOST}:9000": PortMistake.OTHER_PORT}
    table.ports.met(Address(HOST, 9000), remote(ALICE), NOW)
    assert table.mistakes() == {}
    assert f"{HOST}:9000" not in table.ports


def test_a_claim_is_dropped_when_its_evidence_no_longer_holds(table):
    table.outbound(ALICE, 7072)
    table.tell(f"{HOST}:9000", ALICE)
    table.fail(f"{HOST}:7072", Reason.TIMEOUT)
    assert f"{HOST}:9000" in table.mistakes()  # silence proves nothing
    table.fail(f"{HOST}:7072", Reason.CONNECTION_REFUSED)
    assert table.mistakes() == {}


def test_a_node_that_moved_to_another_port_is_believed(table):
    before = table.outbound(ALICE, 7072)
    table.sessions.remove(before)
    table.tell(f"{HOST}:9000", ALICE)
    assert f"{HOST}:9000" in table.book, "a node that is not connected may have been restarted elsewhere"
    assert not table.claims()[f"{HOST}:9000"].corrected
    table.inbound(ALICE, 45_000, listen_port=9000, boot_id=b"second..")
    assert table.mistakes() == {}


def test_a_process_connected_from_elsewhere_says_nothing_about_an_earlier_one(table):
    table.sessions.remove(table.outbound(ALICE, 7072))
    table.inbound(ALICE, 45_000, host="192.0.2.8", boot_id=b"second..")
    table.tell(f"{HOST}:9000", ALICE)
    assert not table.claims()[f"{HOST}:9000"].corrected
    assert f"{HOST}:9000" in table.book


def test_a_claim_expires_when_nobody_repeats_it(table):
    table.outbound(ALICE, 7072)
    table.tell(f"{HOST}:9000", ALICE)
    assert len(table.ports.claims(NOW + port_truth.KEPT_S)) == 1
    assert table.ports.claims(NOW + port_truth.KEPT_S + 1) == ()


@pytest.mark.parametrize("reason", ["connection_refused", "not_our_protocol", "peer_id_mismatch"])
def test_a_published_port_on_which_the_connected_peer_does_not_answer(table, reason):
    peer = table.inbound(ALICE, 45_000, listen_port=7072)
    table.ports.dialed_back(peer, 7072, reason, NOW)
    [claim] = table.claims().values()
    assert (claim.addr, claim.mistake, claim.node_id) == (f"{HOST}:7072", PortMistake.NOT_REACHED, ALICE)
    assert (claim.true_addr, claim.corrected, claim.source) == (None, False, Source.HANDSHAKE)
    table.ports.dialed_back(peer, 7072, None, NOW)
    assert table.mistakes() == {}


@pytest.mark.parametrize("reason", ["timeout", "handshake_timeout", "host_unreachable"])
def test_silence_is_a_nat_or_a_firewall_and_not_a_wrong_port(table, reason):
    peer = table.inbound(ALICE, 45_000, listen_port=7072)
    table.ports.dialed_back(peer, 7072, reason, NOW)
    assert table.mistakes() == {}


def test_a_port_that_a_peer_asks_for_without_publishing_it_makes_no_claim(table):
    peer = table.inbound(ALICE, 45_000, listen_port=7072)
    table.ports.dialed_back(peer, 9999, "connection_refused", NOW)
    assert table.mistakes() == {}


def test_a_dial_that_is_refused_counts_only_while_the_peer_is_connected(table):
    table.fail(f"{HOST}:7072", Reason.CONNECTION_REFUSED)  # it may not have been up yet
    peer = table.inbound(ALICE, 45_000, listen_port=7072)
    assert table.mistakes() == {}
    table.fail(f"{HOST}:7072", Reason.CONNECTION_REFUSED)
    assert table.mistakes() == {f"{HOST}:7072": PortMistake.NOT_REACHED}
    table.sessions.remove(peer)
    table.inbound(BOB, 46_000, listen_port=7073)
    table.sessions.remove(table.sessions.get(BOB))
    table.fail(f"{HOST}:7073", Reason.CONNECTION_REFUSED)  # it may be gone
    assert f"{HOST}:7073" not in table.mistakes()


def test_a_peer_that_publishes_the_port_of_its_own_web_server(table):
    table.fail(f"{HOST}:7070", Reason.NOT_OUR_PROTOCOL, speaks="http")
    table.inbound(ALICE, 45_000, listen_port=7070)
    assert table.mistakes() == {f"{HOST}:7070": PortMistake.NOT_REACHED}
    table.inbound(ALICE, 45_000, listen_port=7070, http_port=7070)
    assert table.mistakes() == {f"{HOST}:7070": PortMistake.HTTP_PORT}


# ---- hostile peers ---------------------------------------------------------------------------------------------------


def test_a_liar_cannot_remove_an_address_where_others_say_a_node_is(table):
    table.outbound(MALLORY, 6666, http_port=7072)
    table.tell(f"{HOST}:7072", BOB, via="203.0.113.1:7072")
    assert table.mistakes() == {}
    table.tell(f"{HOST}:7072", MALLORY)
    table.tell(f"{HOST}:7072", ALICE)
    table.tell(f"{HOST}:7072", MALLORY)
    assert table.mistakes() == {}
    assert f"{HOST}:7072" in table.book


def test_a_flood_does_not_fill_memory(table):
    for number in range(3 * port_truth.MAX_HOSTS):
        host = f"10.{number >> 8}.{number & 255}.1"
        peer = Peer(remote(ALICE, http_port=80), Direction.INBOUND, Address(host, 45_000))
        table.ports.session_began(peer, NOW)
    for number in range(3 * port_truth.MAX_TOLD):
        table.ports.told(Address(HOST, 1 + number), None, Source.GOSSIP, None, NOW)
    for port in range(1, 200):
        table.ports.session_began(Peer(remote(ALICE, http_port=port), Direction.INBOUND, Address(HOST, port)), NOW)
        table.fail(f"{HOST}:{port}", Reason.NOT_OUR_PROTOCOL, speaks="http")
    assert len(table.ports._hosts) == port_truth.MAX_HOSTS
    assert len(table.ports._told) == port_truth.MAX_TOLD
    for number in range(100):
        table.tell(f"{HOST}:1", f"{number:064x}")
    assert len(table.ports._told[f"{HOST}:1"].node_ids) == 2
    host = table.ports._hosts[HOST]
    assert {len(host.http), len(host.dialed_from), len(host.foreign)} == {host_ports.MAX_PORTS}
    for number in range(2 * port_truth.MAX_CLAIMS):
        table.ports.session_began(
            Peer(remote(ALICE, http_port=80), Direction.INBOUND, Address(f"11.0.{number >> 8}.{number & 255}", 9)), NOW
        )
        table.ports.told(Address(f"11.0.{number >> 8}.{number & 255}", 80), None, Source.GOSSIP, None, NOW)
    assert len(table.claims()) == port_truth.MAX_CLAIMS


def test_a_session_costs_little_compared_with_its_handshake_however_full_the_book(table):
    for number in range(2048):
        table.tell(f"10.{number % 16}.{number >> 4}.1:7072", ALICE, via=f"11.{number % 16}.0.1:7072")
    assert len(table.book) == 2048
    peer = Peer(remote(BOB), Direction.INBOUND, Address(HOST, 45_000))
    started = time.process_time()
    for _ in range(100):
        table.ports.session_began(peer, NOW)
    # Checking one signature takes some 0.2 ms.
    assert (time.process_time() - started) / 100 < 0.01


# ---- real nodes ------------------------------------------------------------------------------------------------------


def claims_of(node: RunningNode) -> dict[str, PortClaim]:
    return {claim.addr: claim for claim in node.node.state().port_claims}


async def claim_about(node: RunningNode, addr: str) -> PortClaim:
    return await eventually(lambda: claims_of(node).get(addr))


@contextlib.asynccontextmanager
async def gossiper(node: RunningNode, *peers: PeerAddress, host: str = "127.80.0.1"):
    """A peer that names `peers` to `node`."""
    async with raw_dial(node.addr, local_host=host, listen_port=7072) as peer:
        await peer.shake_hands()
        await peer.send(PeerList(peers=list(peers)))
        yield peer


async def test_gossip_with_another_port_of_a_connected_node_is_corrected_and_not_spread(nodes):
    dialer, listener = await nodes.pair()
    wrong = f"{listener.host}:1"
    async with gossiper(dialer, PeerAddress(addr=wrong, node_id=listener.node_id)) as peer:
        claim = await claim_about(dialer, wrong)
        assert (claim.mistake, claim.true_addr, claim.corrected) == (PortMistake.OTHER_PORT, listener.addr, True)
        assert (claim.source, claim.via) == (Source.GOSSIP, "127.80.0.1:7072")
        assert wrong not in dialer.node.book
        told = await peer.receive_until(PeerList)
        assert listener.addr in {each.addr for each in told.peers}
        assert wrong not in {each.addr for each in told.peers}


async def test_a_source_port_in_gossip_is_recognised(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr, local_host="127.81.0.1", listen_port=7072) as careless:
        await careless.shake_hands()
        host, port = careless.writer.get_extra_info("sockname")
        async with gossiper(node, PeerAddress(addr=f"{host}:{port}")):
            claim = await claim_about(node, f"{host}:{port}")
    assert (claim.mistake, claim.node_id) == (PortMistake.SOURCE_PORT, careless.identity.node_id)
    assert not claim.corrected


async def test_an_http_port_that_we_dialed_is_reported_with_the_right_one(nodes):
    dialer, listener = await nodes.pair()

    async def http(peer: RawPeer) -> None:
        await peer.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_listener(http, host=listener.host) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert entry.reason is Reason.NOT_OUR_PROTOCOL
    claim = claims_of(dialer)[addr]
    assert (claim.mistake, claim.true_addr, claim.source) == (PortMistake.HTTP_PORT, listener.addr, Source.DIRECT)


async def test_a_seed_with_the_http_port_stays_and_its_right_port_is_found(nodes):
    listener = await nodes.start()

    async def http(peer: RawPeer) -> None:
        await peer.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_listener(http, host=listener.host) as seed:
        node = await nodes.start(seeds=(seed,), target_peers=1)
        await eventually(lambda: node.recorded(reason=Reason.NOT_OUR_PROTOCOL))
        assert claims_of(node) == {}
        await node.node.connect(listener.addr)
        claim = await claim_about(node, seed)
    assert (claim.mistake, claim.true_addr) == (PortMistake.HTTP_PORT, listener.addr)
    assert (claim.source, claim.corrected) == (Source.SEED, False)
    assert seed in node.node.book


async def test_a_dial_back_proves_the_right_port_and_the_book_is_corrected(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr, local_host="127.81.0.1", boot_id=b"the boot", http_port=7070) as peer:
        await peer.shake_hands()
        async with gossiper(node, PeerAddress(addr="127.81.0.1:7070")):
            claim = await claim_about(node, "127.81.0.1:7070")
            assert (claim.mistake, claim.true_addr, claim.corrected) == (PortMistake.HTTP_PORT, None, False)
            assert "127.81.0.1:7070" in node.node.book
            async with raw_listener(
                lambda answering: answering.introduce(), host="127.81.0.1", identity=peer.identity, boot_id=b"the boot"
            ) as addr:
                await peer.send(DialBack(nonce=1, port=int(addr.rpartition(":")[2])))
                assert (await peer.receive_until(DialBackResult)).outcome == "reached"
            claim = claims_of(node)["127.81.0.1:7070"]
            assert (claim.true_addr, claim.corrected) == (addr, True)
            assert "127.81.0.1:7070" not in node.node.book
            entry = node.node.book.get(addr)
            assert (entry.source, entry.via) == (Source.GOSSIP, "127.80.0.1:7072")


async def test_a_published_port_that_refuses_is_known_from_the_dial_back(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr, local_host="127.81.0.1", listen_port=1) as peer:
        await peer.shake_hands()
        await peer.send(DialBack(nonce=1, port=1))
        await peer.receive_until(DialBackResult)
        claim = claims_of(node)["127.81.0.1:1"]
        assert "127.81.0.1:1" in node.node.book
        async with raw_dial(node.addr, local_host="127.82.0.1", listen_port=7072) as other:
            welcome = await other.shake_hands()
            told = [*welcome.peers, *(await other.receive_until(PeerList)).peers]
        assert told == [], "a wrong port is passed on"
    assert (claim.mistake, claim.node_id) == (PortMistake.NOT_REACHED, peer.identity.node_id)


async def test_healthy_nodes_have_no_claims(nodes):
    first = await nodes.start(target_peers=3, lan_mode=True)
    mesh = [first, *[await nodes.start(seeds=(first.addr,), target_peers=3, lan_mode=True) for _ in range(3)]]
    await eventually(lambda: all(len(peer.node.sessions) == 3 for peer in mesh), within_s=15)
    await eventually(lambda: all(peer.node.info().reachability.reached_by for peer in mesh), within_s=15)
    assert [claims_of(peer) for peer in mesh] == [{}] * 4
