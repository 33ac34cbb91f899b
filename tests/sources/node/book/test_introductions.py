"""Which peer named which addresses, what they were worth, and which introducers are believed only slowly."""

from __future__ import annotations

import msgspec
import pytest

from nocarrier.model.address import Address
from nocarrier.model.node.introduction_chain import MAX_STEPS
from nocarrier.model.node.state import Introduction, IntroductionCounts
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node import state_files
from nocarrier.sources.node.book import introductions
from nocarrier.sources.node.book.introductions import LEFT_COUNT_AS, THROTTLE_DEAD_REPEATS, THROTTLE_DIALED
from nocarrier.sources.node.book.peer_book import PeerBook, PeerBookFile
from nocarrier.sources.node.wire import PeerAddress
from nocarrier.sources.node.wire.messages import PeerList
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.nodes import eventually, nodes_fixture
from testbed.raw_peer import raw_dial, raw_listener

nodes = nodes_fixture

NOW = 1_800_000_000.0
NODE = "ab" * 32
TELLER = "203.0.113.1:7072"
OTHER = "198.51.100.1:7072"
SMALL = 64
SHARE = SMALL // 8


def address(netgroup: int, number: int = 1) -> Address:
    return Address(f"{1 + netgroup // 256}.{netgroup % 256}.0.{number}", 7072)


def tell(book: PeerBook, netgroups: range, via: str = TELLER) -> list[str]:
    """`via` names one address of each netgroup."""
    for netgroup in netgroups:
        book.add(address(netgroup), Source.GOSSIP, via, NOW)
    return [str(address(netgroup)) for netgroup in netgroups]


def tell_dead(book: PeerBook, netgroups: range, via: str = TELLER) -> list[str]:
    addrs = tell(book, netgroups, via)
    for addr in addrs:
        book.dialed(addr, NOW)
        book.attempted(addr, NOW + 1)
    return addrs


def tell_good(book: PeerBook, netgroups: range, via: str = TELLER) -> list[str]:
    addrs = tell(book, netgroups, via)
    for addr in addrs:
        book.dialed(addr, NOW)
        book.succeeded(addr, NODE, NOW + 1)
    return addrs


def counts_of(book: PeerBook, via: str = TELLER) -> IntroductionCounts:
    [found] = [introducer for introducer in book.introductions.introducers() if introducer.addr == via]
    return found.counts


# ---- what one address counts as -------------------------------------------------------------------------------------


def test_an_address_counts_as_it_goes_from_named_to_dialed_to_dead_to_connected():
    book = PeerBook()
    [addr] = tell(book, range(1))
    assert counts_of(book) == IntroductionCounts(introduced=1)
    book.dialed(addr, NOW)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1)
    book.attempted(addr, NOW + 1)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1, dead=1)
    book.attempted(addr, NOW + 2)  # an address counts once
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1, dead=1)
    book.succeeded(addr, NODE, NOW + 3)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1, connected=1)
    book.attempted(addr, NOW + 4)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1, connected=1, dead=1)
    assert book.introductions.by_source() == {Source.GOSSIP: counts_of(book)}


def test_a_dial_that_failed_through_our_fault_does_not_make_an_address_dead():
    book = PeerBook()
    [addr] = tell(book, range(1))
    book.dialed(addr, NOW)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1)
    assert book.get(addr).last_attempt_unix is None, "and it does not make room for others"


def test_an_address_where_a_peer_answered_is_not_dead():
    book = PeerBook()
    [addr] = tell_dead(book, range(1))
    book.answered(addr)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1)


def test_an_address_is_not_dead_while_connected():
    book = PeerBook()
    addr, _ = tell_dead(book, range(2))
    book.note_connected({addr, "203.0.113.77:7072"})
    assert counts_of(book).dead == 1
    book.note_connected(set())
    assert counts_of(book).dead == 2


def test_repetitions_are_counted_separately_and_the_first_introducer_keeps_the_address():
    book = PeerBook()
    tell_good(book, range(1))
    tell(book, range(1), via=OTHER)
    tell(book, range(1), via=OTHER)
    assert counts_of(book) == IntroductionCounts(introduced=1, dialed=1, connected=1)
    assert counts_of(book, OTHER) == IntroductionCounts(repeated=2)
    assert book.introductions.by_source()[Source.GOSSIP].repeated == 2


def test_an_address_that_finds_no_room_counts_as_refused_and_not_as_introduced():
    book = PeerBook(SMALL)
    tell(book, range(SHARE + 5))
    assert counts_of(book) == IntroductionCounts(introduced=SHARE, refused=5)
    assert book.introductions.by_source()[Source.GOSSIP] == counts_of(book)


def test_an_address_that_becomes_a_seed_no_longer_counts_for_its_introducer():
    book = PeerBook()
    tell_good(book, range(1))
    book.add(address(0), Source.SEED, None, NOW)
    assert counts_of(book) == IntroductionCounts()
    assert book.introductions.by_source()[Source.SEED] == IntroductionCounts(introduced=1, dialed=1, connected=1)


def test_addresses_that_leave_the_book_stay_in_the_sums():
    book = PeerBook(SMALL)
    tell_dead(book, range(SHARE))
    tell(book, range(100, 100 + SHARE))
    assert book.evicted_total == SHARE
    assert counts_of(book) == IntroductionCounts(introduced=2 * SHARE, dialed=SHARE, dead=SHARE)
    assert book.introductions.by_source()[Source.GOSSIP] == counts_of(book)
    tell_dead(book, range(100, 100 + SHARE))
    tell(book, range(1))  # named again after it left: a new one
    assert counts_of(book).introduced == 2 * SHARE + 1


def test_introducers_are_bounded_and_sums_of_sources_are_never_forgotten(monkeypatch):
    monkeypatch.setattr(introductions, "MAX_INTRODUCERS", 4)
    book = PeerBook()
    for number in range(10):
        tell_dead(book, range(number, number + 1), via=f"203.0.{number}.1:7072")
        tell(book, range(1), via="203.0.0.1:7072")  # heard from again and again
    named = [introducer.addr for introducer in book.introductions.introducers()]
    assert named == ["203.0.7.1:7072", "203.0.8.1:7072", "203.0.9.1:7072", "203.0.0.1:7072"]
    assert book.introductions.by_source()[Source.GOSSIP] == IntroductionCounts(
        introduced=10, dialed=10, dead=10, repeated=10
    )


def test_the_memory_of_many_introducers_is_bounded():
    book = PeerBook()
    for number in range(20_000):
        via = f"{1 + number % 200}.{number // 256 % 256}.{number % 256}.1:{1 + number}"
        book.introductions.heard(Introduction(addr=via, source=Source.HANDSHAKE, via=via, first_seen_unix=NOW))
        book.introductions.refused(Source.GOSSIP, via)
    assert len(book.introductions.introducers()) == introductions.MAX_INTRODUCERS
    assert book.introductions.by_source()[Source.GOSSIP].refused == 20_000


# ---- who is throttled -----------------------------------------------------------------------------------------------


def is_throttled(book: PeerBook, via: str = TELLER) -> bool:
    return via in book.introductions.throttled()


def test_too_few_dead_addresses_prove_nothing():
    book = PeerBook()
    tell_dead(book, range(THROTTLE_DIALED - 1))
    tell(book, range(100, 200))  # not dialed yet
    assert not is_throttled(book)
    tell_dead(book, range(50, 51))
    assert is_throttled(book)
    assert [(each.addr, each.throttled) for each in book.introductions.introducers()] == [(TELLER, True)]


def test_an_introducer_recovers_as_its_share_improves():
    book = PeerBook()
    dead = tell_dead(book, range(10))
    assert is_throttled(book)
    tell_good(book, range(100, 102))
    assert is_throttled(book), "10 of 12 are dead"
    tell_good(book, range(102, 103))
    assert not is_throttled(book), "10 of 13 are dead"
    tell_dead(book, range(200, 203))
    assert is_throttled(book)
    for addr in dead[:3]:
        book.succeeded(addr, NODE, NOW + 9)
    assert not is_throttled(book), "some of the dead were only away"


def test_an_address_that_worked_once_does_not_count_against_its_introducer():
    book = PeerBook()
    for addr in tell_good(book, range(20)):
        book.attempted(addr, NOW + 9)
    assert counts_of(book).dead == 20
    assert not is_throttled(book)


def test_a_connected_address_does_not_count_against_its_introducer():
    book = PeerBook()
    dead = tell_dead(book, range(8))
    book.note_connected(set(dead[:2]))
    assert not is_throttled(book)


def test_peers_behind_a_nat_that_introduce_themselves_count_against_nobody():
    book = PeerBook()
    for number in range(1, 21):
        itself = address(7, number)
        book.add(itself, Source.HANDSHAKE, str(itself), NOW)
        book.dialed(str(itself), NOW)
        book.attempted(str(itself), NOW)
    assert counts_of(book, str(address(7, 1))).dead == 1
    assert book.introductions.throttled() == {}


def test_a_newcomer_of_a_bad_netgroup_is_throttled_until_it_has_a_record_of_its_own():
    book = PeerBook()
    bad, good, newcomer = "203.0.113.1:7072", "203.0.113.2:7072", "203.0.113.3:9000"
    tell_dead(book, range(100), via=bad)
    tell_good(book, range(200, 200 + THROTTLE_DIALED), via=good)
    tell(book, range(300, 301), via=newcomer)
    assert set(book.introductions.throttled()) == {bad, newcomer}
    assert len(set(book.introductions.throttled().values())) == 1
    tell_good(book, range(400, 400 + THROTTLE_DIALED), via=newcomer)
    assert set(book.introductions.throttled()) == {bad}


def test_pushing_dead_addresses_out_of_the_book_does_not_help():
    book = PeerBook(SMALL)
    for begin in range(0, 100 * SHARE, SHARE):
        tell_dead(book, range(begin, begin + SHARE))
    tell(book, range(1000, 1000 + SHARE))
    assert counts_of(book).dead == 100 * SHARE
    assert is_throttled(book), "none of its addresses in the book was dialed"
    for addr in [str(address(number)) for number in range(1000, 1000 + SHARE)]:
        book.succeeded(addr, NODE, NOW + 9)
    assert is_throttled(book), f"{SHARE} good ones against {LEFT_COUNT_AS:g} that count for all dead ones"


def test_eight_good_addresses_make_up_for_all_dead_ones_that_left():
    book = PeerBook()
    for addr in tell_dead(book, range(200)):
        book.remove(addr)
    assert is_throttled(book)
    tell_good(book, range(1000, 1008))
    assert is_throttled(book)
    tell_good(book, range(1008, 1009))
    assert not is_throttled(book)


def test_an_introducer_that_keeps_naming_dead_addresses_is_throttled():
    book = PeerBook()
    tell_dead(book, range(8), via=OTHER)
    for _ in range(THROTTLE_DEAD_REPEATS // 8):
        assert not is_throttled(book)
        tell(book, range(8))
    assert is_throttled(book)
    tell_good(book, range(100, 120), via=OTHER)
    tell(book, range(100, 120))
    assert not is_throttled(book), "64 of 84"
    for _ in range(100):
        tell(book, range(8))
    assert is_throttled(book)
    for _ in range(10):
        tell(book, range(100, 120))
    assert not is_throttled(book), "the past counts less and less"


def test_an_introducer_that_keeps_naming_good_addresses_is_not_throttled():
    book = PeerBook()
    tell_good(book, range(20), via=OTHER)
    tell_dead(book, range(100, 105), via=OTHER)
    for _ in range(1000):
        tell(book, range(20))
        tell(book, range(100, 105))
    assert counts_of(book).repeated == 25_000
    assert not is_throttled(book)


# ---- the chain ------------------------------------------------------------------------------------------------------


def chain_of(book: PeerBook, addr: str) -> list[tuple[str, Source]]:
    return [(step.addr, step.source) for step in book.introduction_chain(addr)]


def test_the_chain_leads_back_to_a_seed():
    book = PeerBook()
    first, second, third = (str(address(number)) for number in range(3))
    book.add(address(0), Source.SEED, None, NOW)
    book.add(address(1), Source.HANDSHAKE, first, NOW + 1)
    book.add(address(2), Source.GOSSIP, second, NOW + 2)
    assert book.introduction_chain(third) == [
        Introduction(addr=third, source=Source.GOSSIP, via=second, first_seen_unix=NOW + 2),
        Introduction(addr=second, source=Source.HANDSHAKE, via=first, first_seen_unix=NOW + 1),
        Introduction(addr=first, source=Source.SEED, via=None, first_seen_unix=NOW),
    ]
    assert book.introduction_chain("192.0.2.99:1") == []


def test_a_peer_that_introduced_itself_is_the_root():
    book = PeerBook()
    book.add(address(0), Source.HANDSHAKE, str(address(0)), NOW)
    tell(book, range(1, 2), via=str(address(0)))
    assert chain_of(book, str(address(1))) == [(str(address(1)), Source.GOSSIP), (str(address(0)), Source.HANDSHAKE)]


def test_an_introducer_that_left_the_book_keeps_its_place_and_its_own_introducer():
    book = PeerBook()
    book.add(address(0), Source.SEED, None, NOW)
    tell(book, range(1, 2), via=str(address(0)))
    tell(book, range(2, 3), via=str(address(1)))
    whole = book.introduction_chain(str(address(2)))
    assert len(whole) == 3
    book.remove(str(address(1)))
    assert book.introduction_chain(str(address(2))) == whole
    assert book.introduction_chain(str(address(1))) == whole[1:], "though it is not in the book itself"


def test_an_introducer_that_was_never_in_the_book_is_known_from_its_session():
    book = PeerBook()
    itself = Introduction(addr=TELLER, source=Source.HANDSHAKE, via=TELLER, first_seen_unix=NOW)
    book.introductions.heard(itself)
    [addr] = tell(book, range(1))
    assert book.introduction_chain(addr)[1:] == [itself]


def test_an_introducer_of_unknown_origin_ends_the_chain():
    book = PeerBook()
    [addr] = tell(book, range(1))
    assert book.introduction_chain(addr)[1:] == [
        Introduction(addr=TELLER, source=Source.OTHER, via=None, first_seen_unix=None)
    ]


def test_a_circular_chain_ends_where_it_would_repeat():
    book = PeerBook()
    one, two, three = (str(address(number)) for number in range(3))
    for number, via in ((0, two), (1, three), (2, one)):
        book.add(address(number), Source.GOSSIP, via, NOW)
    assert [addr for addr, _ in chain_of(book, one)] == [one, two, three]


def test_a_made_up_chain_is_cut():
    book = PeerBook()
    for number in range(50):
        tell(book, range(number, number + 1), via=str(address(number + 1)))
    assert len(chain_of(book, str(address(0)))) == MAX_STEPS


# ---- restarts -------------------------------------------------------------------------------------------------------


def test_a_restart_keeps_the_chain_and_the_sums_of_entries_in_the_book(tmp_path):
    book = PeerBook(SMALL)
    book.add(Address.parse(TELLER), Source.SEED, None, NOW)
    dead = tell_dead(book, range(SHARE))
    tell_good(book, range(100, 103))  # three of the dead leave
    tell(book, range(100, 103))  # repeated
    tell(book, range(200, 201))
    assert counts_of(book) == IntroductionCounts(
        introduced=SHARE + 4, dialed=SHARE + 3, connected=3, dead=SHARE, repeated=3
    )
    assert [addr for addr in dead if addr not in book] == dead[:3]
    path = tmp_path / "peers.json"
    state_files.save(path, book.to_file())
    again = PeerBook.from_file(state_files.load(path, PeerBookFile, now_unix=NOW).state, SMALL)
    assert counts_of(again) == IntroductionCounts(introduced=SHARE + 1, dialed=SHARE, connected=3, dead=SHARE - 3)
    assert {entry.addr: entry for entry in again} == {entry.addr: entry for entry in book}
    assert chain_of(again, dead[3]) == [(dead[3], Source.GOSSIP), (TELLER, Source.SEED)]


def test_a_throttled_introducer_is_still_so_after_a_restart():
    book = PeerBook()
    tell_dead(book, range(20))
    assert is_throttled(PeerBook.from_file(book.to_file()))


def test_a_book_of_an_earlier_version_loads(tmp_path):
    entries = [
        {"addr": "192.0.2.1:1", "source": "gossip", "via": TELLER, "first_seen_unix": NOW, "node_id": None,
         "last_success_unix": NOW, "last_attempt_unix": NOW, "successes_total": 1},
        {"addr": "192.0.2.2:1", "source": "gossip", "via": TELLER, "first_seen_unix": NOW, "node_id": None,
         "last_success_unix": None, "last_attempt_unix": NOW, "successes_total": 0},
        {"addr": "192.0.2.3:1", "source": "gossip", "via": TELLER, "first_seen_unix": NOW},
    ]  # fmt: skip
    path = tmp_path / "peers.json"
    path.write_bytes(msgspec.json.encode({"schema": 1, "entries": entries}))
    loaded = state_files.load(path, PeerBookFile, now_unix=NOW)
    assert loaded.warning is None
    # Whether a peer answered at the second one was not saved then.
    assert counts_of(PeerBook.from_file(loaded.state)) == IntroductionCounts(introduced=3, dialed=2, connected=1)


# ---- real nodes -----------------------------------------------------------------------------------------------------


async def test_the_chain_over_three_real_nodes_leads_to_the_seed(nodes):
    seed = await nodes.start()
    middle = await nodes.start(seeds=(seed.addr,), target_peers=2)
    await eventually(lambda: middle.is_connected_with(seed))
    last = await nodes.start(seeds=(seed.addr,), target_peers=2)
    # The seed names the middle node to the last one, by gossip or in its Welcome.
    await eventually(lambda: middle.addr in last.node.book)
    chain = last.node.introduction_chain(middle.addr)
    assert [step.addr for step in chain] == [middle.addr, seed.addr]
    assert chain[0].source in {Source.GOSSIP, Source.HANDSHAKE}
    assert chain[-1].source is Source.SEED
    assert chain[-1].via is None
    await eventually(lambda: last.is_connected_with(middle))
    [told] = [each for each in last.node.state().introducers if each.addr == seed.addr]
    assert (told.counts.introduced, told.counts.connected, told.counts.dead) == (1, 1, 0)
    assert last.node.introduced_by_source()[Source.SEED].connected == 1
    # Both introduced themselves to the seed.
    [step] = seed.node.introduction_chain(middle.addr)
    assert (step.source, step.via) == (Source.HANDSHAKE, middle.addr)


async def test_a_restarted_node_still_knows_the_chain(nodes):
    seed, far = await nodes.start(target_peers=1), await nodes.start()
    await seed.node.connect(far.addr)
    node = await nodes.start(seeds=(seed.addr,), target_peers=2)
    await eventually(lambda: node.is_connected_with(far))
    before = node.node.introduction_chain(far.addr)
    await node.stop()
    again = await nodes.start(data_dir=node.data_dir)
    chain = again.node.introduction_chain(far.addr)
    assert [step.addr for step in chain] == [far.addr, seed.addr] == [step.addr for step in before]
    assert again.node.introduced_by_source()[chain[0].source].connected == 1


async def test_an_address_is_dead_only_if_no_peer_answers(nodes):
    node = await nodes.start(target_peers=3)

    async def of_another_chain(peer):
        await peer.introduce(genesis="cd" * 32)
        await peer.wait_closed()

    async with (
        raw_listener(of_another_chain, host="127.92.0.1") as answers,
        FAULT_SERVERS["closed_port"]("127.91.0.1") as port,
        raw_dial(node.addr, local_host="127.90.0.1", listen_port=1) as teller,
    ):
        await teller.shake_hands()
        await teller.send(PeerList(peers=[PeerAddress(addr=answers), PeerAddress(addr=f"127.91.0.1:{port}")]))
        await eventually(lambda: node.node.introduced_by_source().get(Source.GOSSIP, IntroductionCounts()).dialed == 2)
        await eventually(lambda: len(node.recorded(kind="failure")) == 2)
        counts = node.node.introduced_by_source()[Source.GOSSIP]
    assert (counts.introduced, counts.connected, counts.dead) == (2, 0, 1)


async def test_a_dial_counts_from_its_beginning_and_its_success_repeats_nothing(nodes):
    node = await nodes.start(target_peers=1)
    async with FAULT_SERVERS["silent"]("127.95.0.1") as port:
        node.node.book.add(Address("127.95.0.1", port), Source.GOSSIP, TELLER, NOW)
        node.node.hood.changed.set()
        await eventually(lambda: node.node.outbound.in_flight)
        assert counts_of(node.node.book) == IntroductionCounts(introduced=1, dialed=1)
    good = await nodes.start()
    node.node.book.add(Address.parse(good.addr), Source.GOSSIP, TELLER, NOW)
    node.node.hood.changed.set()
    await eventually(lambda: node.is_connected_with(good))
    counts = counts_of(node.node.book)
    assert (counts.introduced, counts.dialed, counts.connected, counts.repeated) == (2, 2, 1, 0)


async def test_a_dead_address_whose_peer_dials_us_is_not_dead_while_it_is_connected(nodes):
    node = await nodes.start()
    addr = "127.96.0.1:1"
    node.node.book.add(Address.parse(addr), Source.GOSSIP, TELLER, NOW)
    await node.fail_to_connect(addr)
    assert counts_of(node.node.book).dead == 1
    async with raw_dial(node.addr, local_host="127.96.0.1", listen_port=1) as peer:
        await peer.shake_hands()
        await eventually(lambda: counts_of(node.node.book).dead == 0)
    await eventually(lambda: counts_of(node.node.book).dead == 1)


@pytest.mark.parametrize("listen_port", [None, 7072])
async def test_a_peer_that_dialed_us_is_the_root_of_the_addresses_it_names(nodes, listen_port):
    node = await nodes.start()
    async with raw_dial(node.addr, local_host="127.93.0.1", listen_port=listen_port) as teller:
        await teller.shake_hands([PeerAddress(addr="127.94.0.1:7072")])
        await eventually(lambda: "127.94.0.1:7072" in node.node.book)
        _, root = node.node.introduction_chain("127.94.0.1:7072")
    assert root.source is Source.HANDSHAKE
    assert root.via == root.addr
    assert root.first_seen_unix is not None
