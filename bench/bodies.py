"""Making the body of `/api/p2p/debug`, compared with encoding the same data when it is ready."""

from __future__ import annotations

import gc
from typing import cast

import msgspec

from bench.measure import Benchmark, Goal, Result, compare, cpu_seconds
from bench.samples import NodeOf64Peers, record_failed_dials
from nocarrier import DialTracker
from nocarrier.diagnosis import CAUSES, derive, diagnose
from nocarrier.model.action import ProgramKind
from nocarrier.model.node.state import NodePort
from nocarrier.web.views import Reader, debug_view

READER = Reader(program=ProgramKind.NODE)

BODIES_PER_ROUND = 10


def debug_body(rounds: int) -> Result:
    node = cast("NodePort", NodeOf64Peers())
    peers = node.connected_peers()
    node.connected_peers = lambda: peers  # type: ignore[method-assign] # the node's own work is not measured here

    def unread_trackers() -> list[DialTracker]:
        # A tracker keeps what a reader has made of its entries, so each is read only once: all 100 entries are new to
        # it.
        trackers = [DialTracker() for _ in range(BODIES_PER_ROUND)]
        for tracker in trackers:
            record_failed_dials(tracker, 100)
            tracker.totals()
        gc.collect()  # the garbage of preparing the trackers must not be charged to the body
        return trackers

    # The doctor's diagnosis is ready.
    diagnosis = diagnose(derive(unread_trackers()[0].latest()), CAUSES)

    def make_bodies() -> float:
        trackers = unread_trackers()
        return cpu_seconds(
            lambda: [msgspec.json.encode(debug_view(tracker, node, diagnosis, READER)) for tracker in trackers],
            per=BODIES_PER_ROUND,
        )

    views = [debug_view(tracker, node, diagnosis, READER) for tracker in unread_trackers()]

    def encode_views() -> float:
        return cpu_seconds(lambda: [msgspec.json.encode(view) for view in views], per=BODIES_PER_ROUND)

    return compare(make_bodies, encode_views, rounds=rounds, unit="s")


BENCHMARKS = (
    Benchmark(
        name="debug_body",
        what="the debug body, 100 failures with evidence and 64 peers, of a tracker that nobody has read",
        baseline="msgspec.json.encode of the same view when it is ready",
        goal=Goal(3.0, is_ceiling=True),
        rounds=100,
        run=debug_body,
    ),
)
