"""The peer book keeps what is worth most, and no single peer can fill it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nocarrier.model.address import Address
from nocarrier.model.node.state import HOT_FOR_S, BookState
from nocarrier.model.ports import Standing
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node import state_files
from nocarrier.sources.node.book.peer_book import AddOutcome, PeerBook, PeerBookFile, PeerEntry, state_of
from nocarrier.sources.node.book.peer_entry import LOST_AFTER_FAILURES, LOST_AFTER_S, Stage, stage_of
from nocarrier.sources.node.book.shares import STALE_AFTER_S

NOW = 1_800_000_000.0
NODE = "ab" * 32
SMALL = 64
SHARE = SMALL // 8


class Standings:
    """Streaks by address, as the tracker would report them."""

    def __init__(self, streaks: dict[str, int] | None = None) -> None:
        self.streaks = streaks or {}

    def standing(self, addr: str) -> Standing:
        return Standing(streak=self.streaks.get(addr, 0))


def address(netgroup: int, number: int = 1, port: int = 7072) -> Address:
    """The `number`-th address of a /16."""
    return Address(f"{1 + netgroup // 256}.{netgroup % 256}.{number // 256}.{number % 256}", port)


def introducer(netgroup: int) -> str:
    return str(address(10_000 + netgroup))


def add(
    book: PeerBook, where: Address, source: Source = Source.GOSSIP, via: str | None = None, now: float = NOW
) -> AddOutcome:
    return book.add(where, source, via, now)


def addrs(book: PeerBook) -> set[str]:
    return {entry.addr for entry in book}


# ---- one entry ----------------------------------------------------------------------------------------------------


def test_an_added_address_is_kept_with_where_it_came_from():
    book = PeerBook()
    assert add(book, Address.parse("Seed.Example:7072"), Source.GOSSIP, "198.51.100.1:7072") is AddOutcome.ADDED
    assert book.get("seed.example:7072") == PeerEntry(
        addr="seed.example:7072", source=Source.GOSSIP, via="198.51.100.1:7072", first_seen_unix=NOW
    )
    assert "seed.example:7072" in book
    assert len(book) == 1


def test_the_first_source_and_introducer_of_an_address_are_kept():
    book = PeerBook()
    add(book, address(1), Source.HANDSHAKE, introducer(1))
    assert add(book, address(1), Source.GOSSIP, introducer(2), NOW + 9) is AddOutcome.KNOWN
    entry = book.get(str(address(1)))
    assert (entry.source, entry.via, entry.first_seen_unix) == (Source.HANDSHAKE, introducer(1), NOW)


def test_a_seed_replaces_where_an_address_came_from_and_keeps_the_rest():
    book = PeerBook()
    add(book, address(1), Source.GOSSIP, introducer(1))
    book.succeeded(str(address(1)), NODE, NOW + 1)
    assert add(book, address(1), Source.SEED, None, NOW + 9) is AddOutcome.KNOWN
    entry = book.get(str(address(1)))
    assert (entry.source, entry.via, entry.first_seen_unix, entry.node_id) == (Source.SEED, None, NOW, NODE)
    assert add(book, address(1), Source.GOSSIP, introducer(1)) is AddOutcome.KNOWN
    assert book.get(str(address(1))).source is Source.SEED


def test_outcomes_of_dials_are_remembered():
    book = PeerBook()
    addr = str(address(1))
    add(book, address(1))
    book.attempted(addr, NOW + 1)
    assert (book.get(addr).last_attempt_unix, book.get(addr).last_success_unix) == (NOW + 1, None)
    book.succeeded(addr, NODE, NOW + 2)
    book.succeeded(addr, NODE, NOW + 3)
    entry = book.get(addr)
    assert (entry.node_id, entry.last_success_unix, entry.last_attempt_unix) == (NODE, NOW + 3, NOW + 3)
    assert entry.successes_total == 2
    book.forget_node_id(addr)
    assert book.get(addr).node_id is None
    book.set_node_id(addr, "cd" * 32)
    assert book.get(addr).node_id == "cd" * 32
    book.remove(addr)
    assert book.get(addr) is None


def test_unknown_addresses_are_ignored():
    book = PeerBook()
    book.attempted("192.0.2.1:1", NOW)
    book.succeeded("192.0.2.1:1", NODE, NOW)
    book.set_node_id("192.0.2.1:1", NODE)
    book.forget_node_id("192.0.2.1:1")
    book.remove("192.0.2.1:1")
    assert (len(book), book.revision) == (0, 0)


def test_the_revision_changes_with_every_change():
    book = PeerBook()
    addr = str(address(1))
    changes = [
        lambda: add(book, address(1)),
        lambda: book.attempted(addr, NOW),
        lambda: book.succeeded(addr, NODE, NOW),
        lambda: book.forget_node_id(addr),
        lambda: add(book, address(1), Source.SEED),
        lambda: book.remove(addr),
    ]
    for change in changes:
        before = book.revision
        change()
        assert book.revision > before
    unchanged = book.revision
    add(book, address(2))
    assert book.revision > unchanged
    unchanged = book.revision
    assert add(book, address(2)) is AddOutcome.KNOWN
    assert book.revision == unchanged


def test_a_hostile_introducer_name_is_bounded():
    book = PeerBook()
    add(book, address(1), via="x" * 1_000_000 + "\udcff")
    assert len(book.get(str(address(1))).via) < 300
    assert msgspec.json.encode(book.to_file())
    book.remove(str(address(1)))
    assert len(book) == 0


# ---- state, counts, candidates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_success_unix", "is_connected", "streak", "expected"),
    [
        (None, False, 0, BookState.COLD),
        (None, True, 0, BookState.HOT),
        (None, False, 3, BookState.COLD),
        (NOW, False, 0, BookState.HOT),
        (NOW - HOT_FOR_S, False, 0, BookState.HOT),
        (NOW - HOT_FOR_S - 1, False, 0, BookState.WARM),
        (NOW - HOT_FOR_S - 1, True, 0, BookState.HOT),
        (NOW - 1, False, 1, BookState.WARM),
        (NOW - 1, True, 1, BookState.HOT),
        (NOW - 1e9, False, 99, BookState.WARM),
        (NOW + 10, False, 0, BookState.WARM),
    ],
)
def test_hot_warm_and_cold(last_success_unix, is_connected, streak, expected):
    addr = str(address(1))
    entry = PeerEntry(addr=addr, source=Source.SEED, via=None, first_seen_unix=0, last_success_unix=last_success_unix)
    connected = {addr} if is_connected else set()
    standings = Standings({addr: streak})
    assert state_of(entry, connected=connected, standings=standings, now_unix=NOW) is expected


def book_of_all_states() -> PeerBook:
    """Per netgroup 1 to 5 three entries of each state; one connected in netgroup 9."""
    book = PeerBook()
    for netgroup in range(1, 6):
        for number in range(9):
            add(book, address(netgroup, number))
            if number < 6:
                book.succeeded(str(address(netgroup, number)), NODE, NOW if number < 3 else NOW - 1000)
    add(book, address(9))
    return book


def test_counts_add_up():
    counts = book_of_all_states().counts(connected={str(address(9))}, standings=Standings(), now_unix=NOW)
    assert counts == {"hot": 16, "warm": 15, "cold": 15, "total": 46}


def test_candidates_come_by_state_and_within_it_from_all_netgroups_in_turn():
    book = book_of_all_states()
    candidates = book.candidates(connected={str(address(9))}, standings=Standings(), now_unix=NOW, rng=random.Random(1))
    assert len(candidates) == 45
    numbers = [int(entry.addr.split(":")[0].split(".")[3]) for entry in candidates]
    assert {*numbers[:15]} == {0, 1, 2}
    assert {*numbers[15:30]} == {3, 4, 5}
    assert {*numbers[30:]} == {6, 7, 8}
    netgroups = [entry.addr.split(".")[1] for entry in candidates]
    for begin in range(0, 45, 5):
        assert len(set(netgroups[begin : begin + 5])) == 5, "one of each before the second of any"


def test_candidates_are_the_same_for_the_same_seed_and_vary_with_it():
    def order(seed: int) -> list[str]:
        found = book_of_all_states().candidates(
            connected=(), standings=Standings(), now_unix=NOW, rng=random.Random(seed)
        )
        return [entry.addr for entry in found]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))


def test_within_a_netgroup_the_address_not_dialed_for_longest_comes_first():
    book = PeerBook()
    for number in (1, 2, 3):
        add(book, address(1, number))
    book.attempted(str(address(1, 1)), NOW + 2)
    book.attempted(str(address(1, 2)), NOW + 1)
    for seed in range(10):
        found = book.candidates(connected=(), standings=Standings(), now_unix=NOW, rng=random.Random(seed))
        assert [entry.addr for entry in found] == [str(address(1, number)) for number in (3, 2, 1)]


def test_a_dialed_address_comes_later_even_if_its_failure_was_nobodys_fault():
    book = PeerBook()
    for number in (1, 2):
        add(book, address(1, number))
    book.dialed(str(address(1, 1)), NOW)
    for seed in range(10):
        found = book.candidates(connected=(), standings=Standings(), now_unix=NOW, rng=random.Random(seed))
        assert [entry.addr for entry in found] == [str(address(1, number)) for number in (2, 1)]


def places(book: PeerBook, addrs: list[str], seed: int = 1) -> list[int]:
    """The positions of `addrs` among the candidates."""
    found = book.candidates(connected=(), standings=Standings(), now_unix=NOW, rng=random.Random(seed))
    order = [entry.addr for entry in found]
    return sorted(order.index(addr) for addr in addrs)


def tell_many(book: PeerBook, where: list[Address], via: str) -> list[str]:
    for each in where:
        assert add(book, each, via=via) is AddOutcome.ADDED
    return list(map(str, where))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bad_netgroups", ["everywhere", "those of the good"])
def test_addresses_of_others_get_their_turn_however_many_one_introducer_names(seed, bad_netgroups):
    book = PeerBook()
    where = address if bad_netgroups == "everywhere" else lambda number: address(1000 + number % 5, 100 + number)
    tell_many(book, [where(number) for number in range(250)], introducer(1))
    good = tell_many(book, [address(1000 + number) for number in range(5)], introducer(2))
    assert max(places(book, good, seed)) < 10, "at least every second one"


@pytest.mark.parametrize("seed", range(5))
def test_an_introducer_that_changes_its_address_within_its_netgroup_gains_no_further_turn(seed):
    book = PeerBook()
    for number in range(250):
        tell_many(book, [address(number)], str(address(5000, number % 250)))
    good = tell_many(book, [address(1000 + number) for number in range(5)], introducer(2))
    assert max(places(book, good, seed)) < 10


def test_many_introducers_gain_no_turns_for_addresses_of_one_netgroup():
    book = PeerBook()
    for number in range(100):
        tell_many(book, [address(1, number)], introducer(10 + number))
    good = tell_many(book, [address(1000 + number) for number in range(5)], introducer(2))
    assert max(places(book, good)) < 10


def test_addresses_from_the_operator_wait_for_no_introducer():
    book = PeerBook()
    tell_many(book, [address(number) for number in range(100)], introducer(1))
    for number in range(5):
        add(book, address(1000 + number), Source.DIRECT)
    assert max(places(book, [str(address(1000 + number)) for number in range(5)])) < 6


def test_only_proven_or_connected_addresses_are_shared():
    book = PeerBook()
    for netgroup in range(30):
        add(book, address(netgroup))
    for netgroup in range(10):
        book.succeeded(str(address(netgroup)), NODE, NOW)
    book.attempted(str(address(11)), NOW)
    worth = {str(address(netgroup)) for netgroup in [*range(10), 20]}
    connected = {str(address(20)), "203.0.113.99:1"}
    shared = book.addresses_to_share(100, connected=connected, rng=random.Random(1))
    assert sorted(shared) == sorted(worth)
    some = book.addresses_to_share(5, connected=connected, rng=random.Random(1))
    assert len(some) == 5
    assert set(some) < worth
    assert some == book.addresses_to_share(5, connected=connected, rng=random.Random(1))


def test_an_address_that_failed_since_it_last_worked_is_not_shared():
    book = PeerBook()
    addr = str(address(1))
    add(book, address(1))
    book.succeeded(addr, NODE, NOW)
    book.attempted(addr, NOW + 1)
    assert book.addresses_to_share(9, connected=(), rng=random.Random(1)) == []
    assert book.addresses_to_share(9, connected={addr}, rng=random.Random(1)) == [addr]
    book.succeeded(addr, NODE, NOW + 2)
    assert book.addresses_to_share(9, connected=(), rng=random.Random(1)) == [addr]


# ---- bounds -------------------------------------------------------------------------------------------------------


def test_one_netgroup_holds_at_most_its_share_whichever_peer_names_it():
    book = PeerBook(SMALL)
    outcomes = Counter(add(book, address(1, number), via=introducer(number)) for number in range(1000))
    assert outcomes == {AddOutcome.ADDED: SHARE, AddOutcome.NETGROUP_FULL: 1000 - SHARE}
    assert (len(book), book.refused_total, book.evicted_total) == (SHARE, 1000 - SHARE, 0)


@pytest.mark.parametrize("via", [introducer(1), NODE])
def test_one_introducer_holds_at_most_its_share_wherever_it_points(via):
    book = PeerBook(SMALL)
    outcomes = Counter(add(book, address(netgroup), via=via) for netgroup in range(1000))
    assert outcomes == {AddOutcome.ADDED: SHARE, AddOutcome.INTRODUCER_FULL: 1000 - SHARE}


def test_an_introducer_gains_nothing_by_other_ports_or_addresses_of_its_netgroup():
    book = PeerBook(SMALL)
    for number in range(1000):
        add(book, address(number), via=str(address(5000, number, port=1 + number)))
    assert len(book) == SHARE


def test_one_domain_gains_nothing_from_endless_names():
    book = PeerBook(SMALL)
    for number in range(1000):
        add(book, Address(f"n{number}.example", 7072), via=introducer(number))
    assert len(book) == SHARE


def test_the_whole_book_is_bounded():
    book = PeerBook(SMALL)
    outcomes = Counter(add(book, address(number), via=introducer(number)) for number in range(1000))
    assert outcomes == {AddOutcome.ADDED: SMALL, AddOutcome.BOOK_FULL: 1000 - SMALL}


def honest_book() -> tuple[PeerBook, set[str]]:
    """Half full: proven and untried addresses of many netgroups, named by many peers."""
    book = PeerBook(SMALL)
    for number in range(SMALL // 2):
        add(book, address(100 + number), via=introducer(100 + number))
        if number % 2:
            book.succeeded(str(address(100 + number)), NODE, NOW)
    return book, addrs(book)


@pytest.mark.parametrize("tried", [False, True])
@pytest.mark.parametrize("attack", ["one netgroup", "one introducer", "one of both"])
def test_one_netgroup_or_introducer_cannot_push_out_others(attack, tried):
    book, honest = honest_book()
    for number in range(3000):
        where = address(1, number) if attack != "one introducer" else address(1000 + number)
        add(book, where, via=introducer(1) if attack != "one netgroup" else introducer(1000 + number))
        if tried:
            book.attempted(str(where), NOW + number)
    assert honest <= addrs(book)
    assert len(book) == len(honest) + SHARE


def test_one_netgroup_whose_nodes_all_accept_still_holds_only_its_shares():
    book, honest = honest_book()
    for number in range(3000):
        add(book, address(1, number), via=introducer(1000 + number))
        book.succeeded(str(address(1, number)), NODE, NOW + number)
    assert honest <= addrs(book)
    assert len(book) == len(honest) + SHARE
    assert str(address(1, 2999)) in book, "the latest success is kept"


def test_a_flood_from_everywhere_pushes_out_neither_proven_nor_untried_entries():
    book, honest = honest_book()
    for number in range(3000):
        add(book, address(1000 + number), via=introducer(1000 + number))
        book.attempted(str(address(1000 + number)), NOW)
    assert honest <= addrs(book)
    assert len(book) == SMALL


def test_the_entry_that_failed_for_longest_makes_room_first():
    book = PeerBook(SMALL)
    for number in range(SHARE):
        add(book, address(1, number))
    for number in (5, 2, 7):
        book.attempted(str(address(1, number)), NOW + number)
    book.attempted(str(address(1, 5)), NOW + 100)  # once more: no more promising than before
    assert add(book, address(1, 100)) is AddOutcome.ADDED
    assert str(address(1, 5)) not in book
    assert add(book, address(1, 101)) is AddOutcome.ADDED
    assert str(address(1, 2)) not in book
    assert (book.evicted_total, book.refused_total) == (2, 0)


def test_an_untried_entry_makes_room_only_when_it_is_stale():
    book = PeerBook(SMALL)
    for number in range(SHARE):
        add(book, address(1, number), now=NOW + number)
    assert add(book, address(1, 100), now=NOW + STALE_AFTER_S) is AddOutcome.NETGROUP_FULL
    assert add(book, address(1, 100), now=NOW + STALE_AFTER_S + 0.5) is AddOutcome.ADDED
    assert str(address(1, 0)) not in book
    assert str(address(1, 1)) in book


@pytest.mark.parametrize("source", [Source.SEED, Source.DIRECT])
def test_an_address_from_the_operator_displaces_untried_gossip(source):
    book = PeerBook(SMALL)
    for number in range(SMALL):
        add(book, address(number), via=introducer(number))
    assert add(book, address(500), source) is AddOutcome.ADDED
    assert str(address(0)) not in book
    assert len(book) == SMALL


def test_a_refused_newcomer_evicts_nobody():
    book = PeerBook(SMALL)
    for number in range(SHARE):  # its netgroup could make room ...
        add(book, address(1, number))
        book.attempted(str(address(1, number)), NOW)
    for number in range(SHARE):  # ... its introducer cannot
        add(book, address(100 + number), via=introducer(1))
    assert add(book, address(1, 100), via=introducer(1)) is AddOutcome.INTRODUCER_FULL
    assert book.evicted_total == 0
    assert len(book) == 2 * SHARE


def test_one_entry_makes_room_if_it_frees_both_netgroup_and_introducer():
    book = PeerBook(SMALL)
    for number in range(SHARE):
        add(book, address(1, number), via=introducer(1))
        book.attempted(str(address(1, number)), NOW)
    assert add(book, address(1, 100), via=introducer(1)) is AddOutcome.ADDED
    assert book.evicted_total == 1


def test_a_proven_entry_that_succeeds_again_is_the_last_of_its_kind_to_leave():
    book = PeerBook(SMALL)
    for number in [*range(SHARE), 0, SHARE]:
        add(book, address(1, number))
        book.succeeded(str(address(1, number)), NODE, NOW)
    assert str(address(1, 0)) in book
    assert str(address(1, 1)) not in book


def test_seeds_stay_and_count_in_no_share_until_nothing_else_is_left():
    book = PeerBook(SMALL)
    for number in range(SMALL):
        add(book, address(1, number))
        book.succeeded(str(address(1, number)), NODE, NOW)
    assert len(book) == SHARE
    for number in range(SMALL):
        assert add(book, address(2, number), Source.SEED) is AddOutcome.ADDED
        book.attempted(str(address(2, number)), NOW)
    assert {entry.source for entry in book} == {Source.SEED}
    assert add(book, address(3), Source.SEED) is AddOutcome.BOOK_FULL
    assert add(book, address(3), Source.DIRECT) is AddOutcome.BOOK_FULL
    book.remove(str(address(2, 0)))
    assert add(book, address(3), Source.SEED) is AddOutcome.ADDED


# ---- proven ones that are gone ------------------------------------------------------------------------------------


def fail(book: PeerBook, addr: str, times: int, *, for_s: float) -> None:
    """Let dials to `addr` fail for that long."""
    for number in range(times):
        book.attempted(addr, NOW + 10 + for_s * number / (times - 1))


def proven(book: PeerBook, where: Address) -> str:
    add(book, where)
    book.succeeded(str(where), NODE, NOW)
    return str(where)


@pytest.mark.parametrize(
    ("times", "for_s", "is_lost"),
    [
        (LOST_AFTER_FAILURES, LOST_AFTER_S + 1, True),
        (LOST_AFTER_FAILURES, LOST_AFTER_S, False),
        (LOST_AFTER_FAILURES - 1, 10 * LOST_AFTER_S, False),
        (1000, LOST_AFTER_S / 2, False),
    ],
)
def test_a_proven_entry_that_fails_for_a_week_is_lost(times, for_s, is_lost):
    book = PeerBook()
    addr = proven(book, address(1))
    fail(book, addr, times, for_s=for_s)
    assert stage_of(book.get(addr)) is (Stage.FAILED if is_lost else Stage.PROVEN)
    again = PeerBook.from_file(book.to_file())
    assert stage_of(again.get(addr)) is stage_of(book.get(addr))
    book.succeeded(addr, NODE, NOW + 1e7)
    assert stage_of(book.get(addr)) is Stage.PROVEN


def test_a_node_that_was_off_for_a_month_does_not_condemn_peers_at_once():
    book = PeerBook()
    addr = proven(book, address(1))
    for number in range(50):
        book.attempted(addr, NOW + 30 * 86_400 + number * 60)
    assert stage_of(book.get(addr)) is Stage.PROVEN


def test_lost_entries_make_room_and_living_ones_do_not():
    book = PeerBook(SMALL)
    for number in range(SMALL):
        add(book, address(number), via=introducer(number))
        book.succeeded(str(address(number)), NODE, NOW)
    assert add(book, address(500), via=introducer(500)) is AddOutcome.BOOK_FULL
    lost = [str(address(number)) for number in range(10)]
    for addr in lost:
        fail(book, addr, LOST_AFTER_FAILURES, for_s=LOST_AFTER_S + 1)
    fail(book, str(address(20)), LOST_AFTER_FAILURES, for_s=LOST_AFTER_S - 1)
    for number in range(10):
        assert add(book, address(500 + number), via=introducer(500 + number)) is AddOutcome.ADDED
    assert add(book, address(600), via=introducer(600)) is AddOutcome.BOOK_FULL
    assert not addrs(book) & set(lost)
    assert {str(address(number)) for number in range(10, SMALL)} <= addrs(book)


def test_lost_entries_count_in_the_share_of_newcomers():
    book = PeerBook(SMALL)
    old = [proven(book, address(1, number)) for number in range(SHARE)]
    for number in range(100, 100 + SHARE):
        add(book, address(1, number))
    for addr in old:
        fail(book, addr, LOST_AFTER_FAILURES, for_s=LOST_AFTER_S + 1)
        assert_no_share_is_exceeded(book, SHARE)
    assert addrs(book) == {str(address(1, number)) for number in range(100, 100 + SHARE)}, "untried ones are worth more"


def test_a_seed_is_never_lost():
    book = PeerBook(SMALL)
    add(book, address(1), Source.SEED)
    book.succeeded(str(address(1)), NODE, NOW)
    fail(book, str(address(1)), 100, for_s=10 * LOST_AFTER_S)
    for number in range(3 * SMALL):
        add(book, address(1000 + number), via=introducer(number))
    assert str(address(1)) in book


def test_lost_entries_are_dialed_with_those_that_never_worked():
    book = PeerBook()
    lost = proven(book, address(1))
    fail(book, lost, LOST_AFTER_FAILURES, for_s=LOST_AFTER_S + 1)
    warm = proven(book, address(2))
    add(book, address(3))
    found = book.candidates(connected=(), standings=Standings(), now_unix=NOW + 1000, rng=random.Random(1))
    assert [entry.addr for entry in found] == [warm, str(address(3)), lost]


_ADDRESSES = st.builds(address, st.integers(0, 12), st.integers(0, 5))
_VIAS = st.none() | st.integers(0, 3).map(introducer) | st.just(NODE)
_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"), _ADDRESSES, st.sampled_from([*[Source.GOSSIP] * 6, Source.DIRECT, Source.SEED]), _VIAS
        ),
        st.tuples(st.sampled_from(["attempted", "succeeded", "remove", "lose"]), _ADDRESSES),
    ),
    max_size=150,
)


@settings(deadline=None)
@given(steps=_STEPS, max_entries=st.integers(1, 40), max_entries_after=st.integers(1, 40))
def test_no_sequence_of_changes_exceeds_a_bound_or_makes_counts_inexact(steps, max_entries, max_entries_after):
    book = PeerBook(max_entries)
    added = removed = refused = 0
    for now, (verb, where, *origin) in enumerate(steps):
        addr = str(where)
        if verb == "add":
            outcome = book.add(where, *origin, now)
            added += outcome is AddOutcome.ADDED
            refused += outcome not in {AddOutcome.ADDED, AddOutcome.KNOWN}
        elif verb == "attempted":
            book.attempted(addr, now)
        elif verb == "succeeded":
            book.succeeded(addr, NODE, now)
        elif verb == "lose":
            fail(book, addr, LOST_AFTER_FAILURES, for_s=LOST_AFTER_S + 1)
        else:
            removed += addr in book
            book.remove(addr)
        assert len(book) == len(book._shares) <= max_entries
        assert_no_share_is_exceeded(book, max(1, max_entries // 8))
    assert len(book) == added - removed - book.evicted_total
    assert book.refused_total == refused
    again = PeerBook.from_file(book.to_file(), max_entries_after)
    assert len(again) == len(book) - again.evicted_total <= max_entries_after
    assert_no_share_is_exceeded(again, max(1, max_entries_after // 8))
    for entry in list(book):
        book.remove(entry.addr)
    assert not book._shares._groups, "empty buckets would grow forever"
    assert not book._shares._all


def assert_no_share_is_exceeded(book: PeerBook, share: int) -> None:
    held: Counter[tuple[str, str | None, bool]] = Counter()
    for entry in book:
        if not book._shares.is_seed(entry.addr):
            proven = stage_of(entry) is Stage.PROVEN
            held[("netgroup", book._shares.netgroup(entry.addr), proven)] += 1
            if entry.via is not None:
                held[("introducer", book._shares.netgroup(entry.via), proven)] += 1
    assert all(count <= share for count in held.values())


# ---- persistence --------------------------------------------------------------------------------------------------


def test_the_book_survives_a_restart(tmp_path):
    book = book_of_all_states()
    add(book, address(50), Source.GOSSIP, introducer(3))
    book.attempted(str(address(50)), NOW)
    add(book, address(51), Source.SEED)
    path = tmp_path / "peers.json"
    state_files.save(path, book.to_file())
    loaded = state_files.load(path, PeerBookFile, now_unix=NOW)
    assert loaded.warning is None
    again = PeerBook.from_file(loaded.state)
    assert {entry.addr: entry for entry in again} == {entry.addr: entry for entry in book}


def test_a_seed_that_left_the_settings_is_an_ordinary_entry_after_a_restart():
    book = PeerBook(8)
    add(book, address(1), Source.SEED)
    add(book, address(2), Source.SEED)
    again = PeerBook.from_file(book.to_file(), 8)
    assert add(again, address(2), Source.SEED) is AddOutcome.KNOWN
    for addr in (str(address(1)), str(address(2))):
        again.attempted(addr, NOW)
    for number in range(20):
        add(again, address(100 + number), via=introducer(100 + number))
    assert str(address(1)) not in again
    assert str(address(2)) in again


def test_a_book_with_tighter_bounds_keeps_the_entries_that_succeeded_last():
    book = PeerBook(SMALL)
    for number in range(SMALL):
        add(book, address(number), via=introducer(number))
        if number >= 10:
            book.succeeded(str(address(number)), NODE, NOW + number)
    narrow = PeerBook.from_file(book.to_file(), 16)
    assert addrs(narrow) == {str(address(number)) for number in range(SMALL - 16, SMALL)}
    assert narrow.evicted_total == SMALL - 16


@pytest.mark.parametrize(
    "change",
    [
        {"addr": "nonsense"},
        {"addr": "192.0.2.1:0"},
        {"addr": "[2001:DB8::1]:1"},
        {"source": "rumour"},
        {"node_id": "xy"},
        {"node_id": NODE + "\n"},
        {"successes_total": -1},
        {"first_seen_unix": "yesterday"},
    ],
)
def test_a_file_with_an_impossible_entry_is_moved_aside(tmp_path, change):
    path = tmp_path / "peers.json"
    entry = {"addr": "192.0.2.1:1", "source": "gossip", "via": None, "first_seen_unix": 0, **change}
    content = msgspec.json.encode({"schema": 1, "entries": [entry]})
    path.write_bytes(content)
    loaded = state_files.load(path, PeerBookFile, now_unix=NOW)
    assert loaded.state is None
    assert (tmp_path / "peers.json.corrupt-1800000000").read_bytes() == content


def test_a_saved_state_is_not_affected_by_later_changes():
    book = PeerBook()
    add(book, address(1))
    file = book.to_file()
    before = msgspec.json.encode(file)
    book.succeeded(str(address(1)), NODE, NOW)
    add(book, address(2))
    assert msgspec.json.encode(file) == before


def test_a_book_of_the_previous_version_opens_completely(tmp_path):
    path = tmp_path / "peers.json"
    path.write_bytes(Path(__file__).with_name("peers-0.1.0.json").read_bytes())
    loaded = state_files.load(path, PeerBookFile, now_unix=NOW)
    assert loaded.warning is None
    book = PeerBook.from_file(loaded.state)
    by_addr = {entry.addr: entry for entry in book}
    assert {addr: (entry.source, entry.via) for addr, entry in by_addr.items()} == {
        "198.51.100.1:7072": (Source.SEED, None),
        "198.51.100.2:7072": (Source.GOSSIP, "198.51.100.1:7072"),
        "203.0.113.3:7072": (Source.GOSSIP, "198.51.100.1:7072"),
        "[2001:db8::4]:7072": (Source.HANDSHAKE, "198.51.100.2:7072"),
    }
    assert (by_addr["198.51.100.1:7072"].node_id, by_addr["198.51.100.1:7072"].successes_total) == (NODE, 1)
    assert by_addr["203.0.113.3:7072"].failures_since_success == 1
