"""Whether all is well, something is wrong, or it is not known: decided by peers, dials that ended, and findings."""

from __future__ import annotations

import pytest

from tests.diagnosis.table import check_sound, described
from tests.diagnosis.world import HOUR, World, peer, peers

HEALTHY, UNHEALTHY, UNDETERMINED = "healthy", "unhealthy", "undetermined"

DAY = 24 * HOUR


def node(connected: int = 0, *, wanted: int = 8, **more) -> World:
    world = World().with_node(target_peers=wanted, **more)
    return world.session(peers(connected)) if connected else world


def starting(**more) -> World:
    return node(started_ago_s=3, **more)


TABLE = {
    # ---- a node: as many sessions as it has, and what it wants -------------------------------------------------------
    "one peer connected of eight": (node(1), HEALTHY, None),
    "connected to as many as it wants": (node(8), HEALTHY, None),
    "it wants no peers and has none": (node(wanted=0), HEALTHY, None),
    "it wants no peers, and a dial by hand failed": (
        node(wanted=0).fails(peer(9), "too_many_peers", "direct"),
        HEALTHY,
        None,
    ),
    "connected, with a finding for information": (node(3).fails(peer(9), "timeout"), HEALTHY, None),
    "connected, with a finding above information": (
        node(3).fails(peers(3, first=9), "version_mismatch", ours={"min": 1, "max": 1}, theirs={"min": 2, "max": 2}),
        UNHEALTHY,
        None,
    ),
    "no peer connected, and a finding says why": (
        node(seeds=peers(3)).fails(peers(3), "connection_refused", "seed"),
        UNHEALTHY,
        None,
    ),
    "it wants no peers, and has run out of descriptors": (
        node(wanted=0).fails(peers(3), "fd_exhausted", decided_by="local"),
        UNHEALTHY,
        None,
    ),
    "it just started": (
        starting(last_started_ago_s=None),
        UNDETERMINED,
        "No peer is connected, and no dial has begun, 3 s after the start.",
    ),
    "its first dials are in flight": (
        starting(seeds=peers(2)).dialing(peers(2), "seed"),
        UNDETERMINED,
        "No dial has ended yet, 3 s after the start.",
    ),
    "the first of them has failed, which is not an alarm yet": (
        starting(seeds=peers(3)).fails(peer(1), "connection_refused", "seed", ago_s=1).dialing(peers(2, first=2)),
        UNDETERMINED,
        "No peer is connected yet, 3 s after the start; 2 dials in flight.",
    ),
    "all that it knows is skipped": (
        node(last_started_ago_s=None, started_ago_s=20).skips(peers(2), "banned_local", "seed", ago_s=3),
        UNDETERMINED,
        "No peer is connected, and no dial has begun, 20 s after the start; skipped 2 peers: banned_local 2.",
    ),
    "it has not dialed for an hour": (
        node(last_started_ago_s=None),
        UNDETERMINED,
        "No peer is connected, and no dial has begun, 60 min after the start.",
    ),
    "its only session ended, and nothing says why": (
        node().works(peer(1)),
        UNDETERMINED,
        "No peer is connected, and nothing found so far explains it.",
    ),
    "its own seed led to itself": (
        node().skips(peer(1), "self_dial_blocked", "seed"),
        UNDETERMINED,
        "No peer is connected, and nothing found so far explains it; skipped 1 peer: self_dial_blocked 1.",
    ),
    # ---- a program without a node: what became of its dials ----------------------------------------------------------
    "a program that has recorded nothing": (World(), UNDETERMINED, "No ended dial is on record."),
    "a program whose first dial is in flight": (
        World().dialing(peer(1)),
        UNDETERMINED,
        "No dial has ended yet; 1 dial in flight.",
    ),
    "a program that recorded skips only": (
        World().skips(peer(1), "backoff_active").skips(peer(2), "already_connected"),
        UNDETERMINED,
        "No ended dial is on record; skipped 2 peers: backoff_active 1, already_connected 1.",
    ),
    "a program with one success": (World().works(peer(1)), HEALTHY, None),
    "a program with a success of this day": (World().works(peer(1), ago_s=DAY - HOUR), HEALTHY, None),
    "a program whose successes are older": (
        World().works(peer(1), ago_s=DAY + HOUR),
        UNDETERMINED,
        "The dials on record are too old, or were cancelled too early, to tell of the present.",
    ),
    "a program whose dials were all cancelled": (
        World().reports(peer(1), "cancelled"),
        UNDETERMINED,
        "The dials on record are too old, or were cancelled too early, to tell of the present.",
    ),
    "a program whose only failure is an early end": (
        World().reports(peer(1), "early_disconnect"),
        UNDETERMINED,
        "Every peer failed when it was dialed last, and nothing found so far explains it.",
    ),
    "a program that has nothing but failures": (World().fails(peers(3), "timeout"), UNHEALTHY, None),
    "a program with successes and dead peers": (
        World().works(peers(3)).fails(peers(2, first=9), "timeout"),
        HEALTHY,
        None,
    ),
    "a program whose dials crossed": (World().reports(peer(1), "duplicate_connection"), HEALTHY, None),
}


@pytest.mark.parametrize(("world", "status", "detail"), TABLE.values(), ids=TABLE.keys())
def test_status(world, status, detail):
    diagnosis = world.diagnosis()
    check_sound(diagnosis)
    assert (diagnosis.status, diagnosis.status_detail) == (status, detail), described(diagnosis)


@pytest.mark.parametrize("age_s", [0, 1, 10, 60, HOUR, 30 * DAY])
@pytest.mark.parametrize("dials", [0, 1, 3])
@pytest.mark.parametrize("reason", [None, "timeout", "connection_refused", "self_dial_blocked", "cancelled", "other"])
def test_a_node_that_wants_peers_and_has_none_is_never_healthy(age_s, dials, reason):
    world = node(started_ago_s=age_s, seeds=peers(3))
    if dials:
        world = world.reports(peers(dials), reason, "seed", ago_s=min(age_s, 20) / 2)
    assert not world.diagnosis().healthy
    assert not world.dialing(peer(9), since_s=min(age_s, 20) / 2).diagnosis().healthy
