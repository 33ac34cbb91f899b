"""Whatever is recorded in any order, the books are exact at every look: compared with a naive model."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from nocarrier import DialTracker, Fault, Reason, Source
from nocarrier.model.taxonomy import Blame, Kind
from nocarrier.tracking.record import SAMPLES_PER_CELL
from nocarrier.tracking.ring import REPEAT_WINDOW_S

CAPACITY = 7
MAX_PEERS = 4
ADDRS = [f"198.18.0.{number}:7072" for number in range(9)]
REASONS = [
    Reason.TIMEOUT,
    Reason.BANNED,
    Reason.NETWORK_UNREACHABLE,
    Reason.SLOTS_FULL,
    Reason.ALREADY_CONNECTED,
    Reason.PRIVATE_IP_BLOCKED,
    Reason.EARLY_DISCONNECT,
    Reason.CANCELLED,
]
addrs, sources = st.sampled_from(ADDRS), st.sampled_from([Source.SEED, Source.GOSSIP, Source.DIRECT])
reasons = st.sampled_from(REASONS)


class NaiveRing:
    """A list of all entries ever; the newest `CAPACITY` of them count."""

    def __init__(self):
        self.entries = []

    def add(self, addr, reason, source, kind, at):
        entry = {"addr": addr, "reason": reason, "source": source, "kind": kind, "at": at, "repeats": 1}
        if kind is Kind.SKIP:
            same = [old for old in self.entries if self.identity(old) == self.identity(entry)]
            if same and at - same[-1]["at"] <= REPEAT_WINDOW_S:
                entry["repeats"] += same[-1]["repeats"]
                self.entries.remove(same[-1])
        self.entries = [*self.entries, entry][-CAPACITY:]

    @staticmethod
    def identity(entry):
        return tuple(entry[name] for name in ("addr", "reason", "source", "kind"))


class Books(RuleBasedStateMachine):
    dials = Bundle("dials")
    ended = Bundle("ended")

    def __init__(self):
        super().__init__()
        self.now = 1_000_000.0
        self.tracker = DialTracker(capacity=CAPACITY, max_peers=MAX_PEERS, clock=lambda: self.now)
        self.open = {}
        self.ended_twice = 0
        self.forget()

    def forget(self):
        self.ring = NaiveRing()
        self.counts = Counter()
        self.samples = {}
        self.outcomes = {source: Counter() for source in Source}

    # ---- what can happen --------------------------------------------------------------------------------------------

    def count(self, addr, reason, source, kind):
        self.ring.add(addr, reason, source, kind, self.now)
        self.counts[reason, source] += 1
        self.outcomes[source][kind] += 1
        self.samples.setdefault((reason, source, kind), deque(maxlen=SAMPLES_PER_CELL)).append(addr)

    @rule(target=dials, addr=addrs, source=sources)
    def begin(self, addr, source):
        dial_id = self.tracker.begin(addr, source)
        self.open[dial_id] = (addr, source)
        return dial_id

    @rule(target=ended, dial=consumes(dials), reason=reasons, penalise=st.booleans())
    def fail(self, dial, reason, penalise):
        fault = Fault(reason=reason, phase=reason.phase, blame=reason.blame)
        self.tracker.fail(dial, fault, penalise=penalise)
        addr, source = self.open.pop(dial)
        self.count(addr, reason, source, Kind.CANCELLED if reason is Reason.CANCELLED else Kind.FAILURE)
        return dial

    @rule(target=ended, dial=consumes(dials))
    def succeed(self, dial):
        self.tracker.succeed(dial)
        _, source = self.open.pop(dial)
        self.outcomes[source]["succeeded"] += 1
        return dial

    @rule(dial=ended, well=st.booleans())
    def end_again(self, dial, well):
        if well:
            self.tracker.succeed(dial)
        else:
            self.tracker.fail(dial, Fault(reason=Reason.TIMEOUT, phase=Reason.TIMEOUT.phase, blame=Blame.THEM))
        self.ended_twice += 1

    @rule(addr=addrs, reason=reasons, source=sources, times=st.integers(1, 20))
    def record(self, addr, reason, source, times):
        for _ in range(times):
            self.tracker.record(addr, reason, source)
            self.count(addr, reason, source, reason.kind)

    @rule(addr=addrs, source=sources, times=st.integers(1, 20))
    def record_success(self, addr, source, times):
        for _ in range(times):
            self.tracker.record_success(addr, source)
            self.outcomes[source]["succeeded"] += 1

    @rule(source=sources)
    def a_noisy_peer(self, source):
        for _ in range(1_100):  # more than a batch
            self.tracker.record(ADDRS[0], Reason.HOST_UNREACHABLE, source)
            self.count(ADDRS[0], Reason.HOST_UNREACHABLE, source, Kind.FAILURE)

    @rule(seconds=st.sampled_from([0.5, 30.0, 61.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(target=dials)
    def clear(self):
        self.tracker.clear()
        self.forget()
        return multiple()

    # ---- what must hold, whenever somebody looks --------------------------------------------------------------------

    @rule()
    def the_identity_holds_for_every_source(self):
        by_source = self.tracker.snapshot().totals_by_source
        for source, totals in by_source.items():
            expected = self.outcomes[source]
            assert totals.started == totals.succeeded + totals.failed + totals.cancelled + totals.in_flight
            assert totals.in_flight == sum(open_source is source for _, open_source in self.open.values())
            assert totals.succeeded == expected["succeeded"]
            assert (totals.failed, totals.cancelled, totals.skipped, totals.disconnected_early) == tuple(
                expected[kind] for kind in (Kind.FAILURE, Kind.CANCELLED, Kind.SKIP, Kind.DISCONNECT)
            )
            assert totals == self.tracker.totals(source)

    @rule()
    def the_ring_holds_the_newest(self):
        seen = [
            (entry.addr, entry.reason, entry.source, entry.kind, entry.at_unix, entry.repeats)
            for entry in self.tracker.recent()
        ]
        assert seen == [tuple(entry.values()) for entry in self.ring.entries]

    @rule()
    def the_counts_never_forget(self):
        counts, totals = self.tracker.counts(), self.tracker.totals()
        assert counts == dict(self.counts)
        assert sum(counts.values()) == totals.failed + totals.cancelled + totals.skipped + totals.disconnected_early

    @rule()
    def the_samples_of_each_reason_survive_the_noise(self):
        expected = {}
        for (reason, source, _), addrs_of_kind in self.samples.items():
            expected.setdefault((reason, source), []).extend(addrs_of_kind)
        seen = {key: [entry.addr for entry in entries] for key, entries in self.tracker.snapshot().samples.items()}
        assert {key: sorted(value) for key, value in seen.items() if value} == {
            key: sorted(value) for key, value in expected.items()
        }

    @rule()
    def nothing_is_lost_in_silence(self):
        dropped = self.tracker.snapshot().dropped
        assert dropped == {"subscriber_slow": 0, "ended_twice": self.ended_twice, "recorder_error": 0}

    @invariant()
    def the_peer_table_is_bounded(self):
        # Only rarely, so that records also wait to be taken in.
        if int(self.now) % 7 == 0:
            assert len(self.tracker.peers()) <= MAX_PEERS * 1.25

    def teardown(self):
        self.the_identity_holds_for_every_source()
        self.the_ring_holds_the_newest()
        self.the_counts_never_forget()
        self.the_samples_of_each_reason_survive_the_noise()
        self.nothing_is_lost_in_silence()


Books.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestBooks = Books.TestCase
