"""Whatever is named, dialed, evicted and forgotten in any order, the sums of introductions are exact.

They are compared with a naive model that counts from the beginning each time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nocarrier.model.address import Address
from nocarrier.model.node.state import IntroductionCounts
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node.book.introductions import THROTTLE_DEAD_SHARE, THROTTLE_DIALED
from nocarrier.sources.node.book.peer_book import AddOutcome, PeerBook
from nocarrier.sources.node.book.peer_entry import LOST_AFTER_S

SMALL = 16
"""So one netgroup or introducer holds two, and something leaves all the time."""

ADDRESSES = [Address(f"198.{18 + number % 4}.0.{number}", 7072) for number in range(12)]
INTRODUCERS = ["203.0.113.1:7072", "203.0.113.2:7072", "192.0.2.1:7072", str(ADDRESSES[0]), str(ADDRESSES[5])]
TOLD_BY_PEERS = [Source.GOSSIP, Source.HANDSHAKE]

places = st.integers(0, SMALL - 1)
"""Which entries of the book, as far as there are that many."""
addresses, introducers = st.sampled_from(ADDRESSES), st.sampled_from(INTRODUCERS)


@dataclass
class Told:
    """One stay of one address in the book."""

    source: Source
    via: str | None
    dialed: bool = False
    connected: bool = False
    dead: bool = False


class Introductions(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.book = PeerBook(SMALL)
        self.now = 1_800_000_000.0
        self.present: dict[str, Told] = {}
        self.gone: list[Told] = []
        self.sessions: set[str] = set()
        self.repeated: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def note_leaving(self):
        for addr in [addr for addr in self.present if addr not in self.book]:
            told = self.present.pop(addr)
            told.dead = told.dead and addr not in self.sessions
            self.gone.append(told)

    def at(self, place):
        """An address in the book; now and then one that is not."""
        present = [*self.present, str(ADDRESSES[0])]
        return present[place % len(present)]

    # ---- what can happen --------------------------------------------------------------------------------------------

    @rule(where=addresses, source=st.sampled_from(TOLD_BY_PEERS), via=introducers)
    def tell(self, where, source, via):
        outcome = self.book.add(where, source, via, self.now)
        self.note_leaving()
        if outcome is AddOutcome.ADDED:
            self.present[str(where)] = Told(source, via)
        elif outcome is AddOutcome.KNOWN:
            self.repeated[via] += 1
        else:
            self.refused[via] += 1

    @rule(where=addresses, source=st.sampled_from([Source.SEED, Source.DIRECT]))
    def give(self, where, source):
        outcome = self.book.add(where, source, None, self.now)
        self.note_leaving()
        told = self.present.get(str(where))
        if outcome is AddOutcome.ADDED:
            self.present[str(where)] = Told(source, None)
        elif told is not None and source is Source.SEED:
            told.source, told.via = source, None

    @rule(place=places)
    def dial(self, place):
        addr = self.at(place)
        self.book.dialed(addr, self.now)
        if addr in self.present:
            self.present[addr].dialed = True

    @rule(place=places, answered=st.booleans(), times=st.sampled_from([1, 1, 12]))
    def fail(self, place, answered, times):
        addr = self.at(place)
        if addr in self.present:
            self.present[addr].dialed = self.present[addr].dead = True
        for _ in range(times):
            self.book.attempted(addr, self.now)
        self.note_leaving()
        if answered:
            self.book.answered(addr)
            if addr in self.present:
                self.present[addr].dead = False

    @rule(place=places)
    def succeed(self, place):
        addr = self.at(place)
        if addr in self.present:
            told = self.present[addr]
            told.dialed, told.connected, told.dead = True, True, False
        self.book.succeeded(addr, None, self.now)
        self.note_leaving()

    @rule(place=places)
    def remove(self, place):
        self.book.remove(self.at(place))
        self.note_leaving()

    @rule(chosen=st.sets(places, max_size=4))
    def sessions_change(self, chosen):
        self.sessions = {self.at(place) for place in chosen}
        self.book.note_connected(set(self.sessions))

    @rule()
    def a_week_passes(self):
        self.now += LOST_AFTER_S + 1

    @rule()
    def restart(self):
        """After a restart the sums begin again with the entries; nothing else is lost."""
        self.book = PeerBook.from_file(self.book.to_file(), SMALL)
        self.book.note_connected(set(self.sessions))
        self.note_leaving()  # seeds are ordinary entries now, so shares may push some out
        self.gone = []
        self.repeated.clear()
        self.refused.clear()

    # ---- what must hold ---------------------------------------------------------------------------------------------

    def counts_where(self, holds):
        here = [(told, told.dead and addr not in self.sessions) for addr, told in self.present.items()]
        stays = [(told, dead) for told, dead in [*here, *((told, told.dead) for told in self.gone)] if holds(told)]
        return IntroductionCounts(
            introduced=len(stays),
            dialed=sum(told.dialed for told, _ in stays),
            connected=sum(told.connected for told, _ in stays),
            dead=sum(dead for _, dead in stays),
        )

    @invariant()
    def the_sums_are_those_of_the_model(self):
        ledger = self.book.introductions
        by_source = ledger.by_source()
        for source in Source:
            expected = self.counts_where(lambda told, source=source: told.source is source)
            assert only_told(by_source.get(source, IntroductionCounts())) == expected
        for introducer in ledger.introducers():
            addr = introducer.addr
            assert only_told(introducer.counts) == self.counts_where(lambda told, addr=addr: told.via == addr)
            assert introducer.counts.repeated == self.repeated[addr]
            assert introducer.counts.refused == self.refused[addr]

    @invariant()
    def more_are_introduced_than_dialed_than_connected(self):
        ledger = self.book.introductions
        for counts in [*ledger.by_source().values(), *(introducer.counts for introducer in ledger.introducers())]:
            assert counts.introduced >= counts.dialed >= counts.connected >= 0
            assert counts.dialed >= counts.dead >= 0

    @invariant()
    def introducers_and_the_sources_they_are_have_the_same_sum(self):
        ledger = self.book.introductions
        of_sources = [counts for source, counts in ledger.by_source().items() if source in TOLD_BY_PEERS]
        of_introducers = [introducer.counts for introducer in ledger.introducers()]
        for name in ("introduced", "dialed", "connected", "dead", "repeated", "refused"):
            assert total(of_sources, name) == total(of_introducers, name)

    @invariant()
    def nobody_is_throttled_without_enough_dead_addresses(self):
        ledger = self.book.introductions
        told = [told for told in [*self.present.values(), *self.gone] if told.via is not None]
        dead = sum(told.dead and not told.connected for told in told)
        if dead < THROTTLE_DIALED * THROTTLE_DEAD_SHARE:
            assert not ledger.throttled()

    @invariant()
    def every_chain_ends(self):
        for entry in self.book:
            chain = self.book.introduction_chain(entry.addr)
            assert chain[0].addr == entry.addr
            assert [step.via for step in chain[:-1]] == [step.addr for step in chain[1:]]

    @invariant()
    def nothing_is_kept_of_what_has_left(self):
        ledger = self.book.introductions
        assert ledger._facts.keys() == {entry.addr for entry in self.book}
        assert ledger._in_book.keys() == {entry.via for entry in self.book if entry.via is not None}


def only_told(counts):
    return IntroductionCounts(
        introduced=counts.introduced, dialed=counts.dialed, connected=counts.connected, dead=counts.dead
    )


def total(all_counts, name):
    return sum(getattr(counts, name) for counts in all_counts)


Introductions.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestIntroductions = Introductions.TestCase
