"""The identities between the metrics hold in every scrape, whatever happens before or during it."""

from __future__ import annotations

import random
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from nocarrier import DialTracker, Fault, Kind, Reason, Source
from tests.outputs.metrics.scrape import Scraped

OUTCOMES = ("succeeded", "failed", "cancelled")

reasons, sources = st.sampled_from(list(Reason)), st.sampled_from([Source.SEED, Source.GOSSIP, Source.DIRECT])
durations = st.sampled_from([None, 0.0, 0.004, 3.05, 10.02, 400.0])

steps = st.one_of(
    st.tuples(st.just("record"), reasons, sources, durations),
    st.tuples(st.just("record_success"), sources, durations),
    st.tuples(st.just("begin"), sources),
    st.tuples(st.just("fail"), reasons, durations),
    st.tuples(st.just("succeed"), durations),
    st.tuples(st.just("end_again")),
    st.tuples(st.just("clear")),
)


def do(tracker: DialTracker, is_open: list[int], step: tuple) -> None:
    what, *facts = step
    if what == "record":
        reason, source, duration_s = facts
        tracker.record("192.0.2.1:7072", reason, source, duration_s=duration_s)
    elif what == "record_success":
        tracker.record_success("192.0.2.1:7072", facts[0], duration_s=facts[1])
    elif what == "begin":
        is_open.append(tracker.begin("192.0.2.1:7072", facts[0]))
    elif what == "clear":
        tracker.clear()
    elif what == "end_again":
        tracker.succeed(10**9, duration_s=1.0)
    elif is_open and what == "fail":
        fault = Fault(reason=facts[0], phase=facts[0].phase, blame=facts[0].blame)
        tracker.fail(is_open.pop(), fault, duration_s=facts[1], phases_s={"connect": 0.1})
    elif is_open and what == "succeed":
        tracker.succeed(is_open.pop(), duration_s=facts[0], phases_s={"connect": 0.1, "handshake": 0.2})


def assert_identities(scraped: Scraped) -> None:
    for source in Source:
        ended = scraped.total("nocarrier_dials_total", source=source)
        failed = scraped.total("nocarrier_dials_total", source=source, outcome="failed")
        assert scraped.total("nocarrier_dials_started_total", source=source) >= ended
        assert scraped.total("nocarrier_dial_failures_total", source=source) == failed
    in_flight = scraped.total("nocarrier_dials_in_flight")
    assert scraped.total("nocarrier_dials_started_total") == scraped.total("nocarrier_dials_total") + in_flight
    assert (scraped.total("nocarrier_dial_oldest_in_flight_seconds") > 0) <= (in_flight > 0)
    for outcome in OUTCOMES:
        timed = scraped.total("nocarrier_dial_duration_seconds_count", outcome=outcome)
        assert timed <= scraped.total("nocarrier_dials_total", outcome=outcome)
        assert scraped.total("nocarrier_dial_duration_seconds_bucket", outcome=outcome, le="+Inf") == timed


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=60))
def test_identities_hold_whatever_happens(history):
    tracker, is_open = DialTracker(), []
    for step in history:
        do(tracker, is_open, step)
    scraped = Scraped.of(tracker)

    assert_identities(scraped)
    totals = tracker.totals()
    assert scraped.total("nocarrier_dials_in_flight") == len(is_open)
    assert scraped.total("nocarrier_dial_skips_total") == totals.skipped
    assert scraped.total("nocarrier_early_disconnects_total") == totals.disconnected_early
    since_clear = history[len(history) - [*reversed(history), ("clear",)].index(("clear",)) :]
    whole = [step for step in since_clear if step[0] == "record" and step[3] is not None]
    for outcome, kind in (("failed", Kind.FAILURE), ("cancelled", Kind.CANCELLED)):
        recorded_whole = sum(step[1].kind is kind for step in whole)
        assert scraped.total("nocarrier_dial_duration_seconds_count", outcome=outcome) >= recorded_whole


def test_identities_hold_while_many_threads_dial():
    tracker, stop = DialTracker(), threading.Event()

    def dial(seed: int) -> None:
        rng = random.Random(seed)
        while not stop.wait(1e-4):  # gives the scraping thread its turn
            source = rng.choice(list(Source))
            dial_id = tracker.begin("192.0.2.1:7072", source)
            reason = rng.choice([None, Reason.TIMEOUT, Reason.CANCELLED, Reason.LOOPBACK_BLOCKED])
            if reason is None:
                tracker.succeed(dial_id, duration_s=rng.random())
            else:
                fault = Fault(reason=reason, phase=reason.phase, blame=reason.blame)
                tracker.fail(dial_id, fault, duration_s=rng.random())
            tracker.record("192.0.2.2:7072", "already_connected", source)

    threads = [threading.Thread(target=dial, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    try:
        scrapes = [Scraped.of(tracker) for _ in range(20)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    for scraped in scrapes:
        assert_identities(scraped)
    started = [scraped.total("nocarrier_dials_started_total") for scraped in scrapes]
    assert started == sorted(started)
    assert started[-1] > started[0]
    last = Scraped.of(tracker)
    assert last.total("nocarrier_dials_in_flight") == 0
    timed = last.total("nocarrier_dial_duration_seconds_count")
    assert timed == last.total("nocarrier_dials_total") == tracker.totals().started
