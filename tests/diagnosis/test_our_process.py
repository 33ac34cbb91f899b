"""What is wrong with this process and machine: limits, a stalled event loop, the clock, the dialer, too many dials."""

from __future__ import annotations

import math

import pytest

from tests.diagnosis.table import Table, check_near_miss, check_raised, codes, finding_of, near_misses, raised, row
from tests.diagnosis.world import HOUR, MINUTE, NOW, World, neighbours, peer, peers

NODE = World().with_node()
NO_FILES = {"errno": "EMFILE", "decided_by": "local"}


def skewed(seconds: float) -> dict:
    """Evidence of a peer whose clock is this far ahead of ours."""
    return {"ours": {"clock_unix": NOW}, "theirs": {"clock_unix": NOW + seconds}}


EXHAUSTION = Table(
    "local_exhaustion",
    raised={
        "no descriptor left": row(
            NODE.session(peer(1))
            .fails(peers(2, first=2), "fd_exhausted", **NO_FILES, limit=64, in_use=64)
            .on(pid=4711),
            first=True,
            severity="warning",
            blame="us",
            says="2 peers could not be dialed because file descriptors ran out (the limit is 64)",
            does="prlimit --pid 4711",
        ),
        "no local port left, with the use": row(
            NODE.session(peer(1))
            .fails(peer(2), "ephemeral_ports_exhausted", errno="EADDRNOTAVAIL", decided_by="local")
            .on(ephemeral_ports=10, tcp_sockets=12),
            says="local ports",
            does="ip_local_port_range",
        ),
        "no memory, and no peer is reached": row(
            NODE.fails(peer(2), "no_memory", errno="ENOBUFS", decided_by="local"), severity="critical", does="free -m"
        ),
        "the limit as the machine reports it": row(
            World().fails(peer(2), "fd_exhausted", **NO_FILES).on(open_files=1_024, open_files_limit=1_024),
            says="the limit is 1024",
        ),
    },
    near_misses={
        "many descriptors are open and none is missing": row(
            NODE.session(peer(1)).on(open_files=1_020, open_files_limit=1_024)
        ),
        "no address to dial from is not a shortage of ports": row(
            NODE.session(peer(1)).fails(peer(2), "addr_not_available", errno="EADDRNOTAVAIL", decided_by="local"),
            instead="unexplained",
        ),
        "it was so ten minutes ago and not since": row(
            NODE.session(peer(1)).fails(peer(2), "fd_exhausted", **NO_FILES, ago_s=11 * MINUTE)
        ),
        "the peer that met it works again": row(
            NODE.fails(peer(2), "fd_exhausted", **NO_FILES, ago_s=60).session(peer(2), ago_s=30)
        ),
    },
)

OVERLOAD = Table(
    "local_overload",
    raised={
        "handshakes timed out while our loop stood still": row(
            NODE.session(peer(1))
            .fails(peers(3, first=2), "handshake_timeout", bytes_received=0, loop_lag_s=9.5)
            .on(pid=4711),
            first=True,
            severity="warning",
            blame="us",
            says="Dials to 3 peers failed while the event loop stood still for up to 9.5 s",
            does="top -H -b -n 1 -p 4711",
            affected_peers=3,
        ),
        "connects timed out too": row(
            NODE.session(peer(1)).fails(peer(2), "timeout", loop_lag_s=4.0), first=True, says="Dials to 1 peer"
        ),
        "a stall that did no harm is only reported": row(
            NODE.with_node(loop_lag_s=2.5).session(peer(1)), severity="info", says="no dial has failed because of it"
        ),
        "peers gave up on us while we stood still": row(
            NODE.session(peer(1)).fails(peers(2, first=2), "remote_closed", bytes_received=0, loop_lag_s=5.0),
            says="Dials to 2 peers",
        ),
    },
    near_misses={
        "milliseconds late": row(
            NODE.session(peer(1)).fails(peer(2), "handshake_timeout", bytes_received=0, loop_lag_s=0.06),
            instead="peer_overloaded",
        ),
        "a resolver that does not answer, and a loop that was late by milliseconds": row(
            NODE.session(peer(1)).fails(peer(2), "dns_timeout", loop_lag_s=0.06), instead="unexplained"
        ),
        "our own firewall dropped it, and the loop was late too": row(
            NODE.session(peer(1)).fails(peer(2), "timeout", decided_by="local", loop_lag_s=3.0),
            instead="outbound_blocked",
        ),
        "a late loop does not refuse connections": row(
            NODE.session(peer(1)).fails(peer(2), "connection_refused", loop_lag_s=5.0, decided_by="network"),
            instead="peer_down",
        ),
        "a stall of half a second": row(NODE.with_node(loop_lag_s=0.5).session(peer(1))),
        "nonsense for a lag": row(
            NODE.session(peer(1)).fails(peer(2), "handshake_timeout", bytes_received=0, loop_lag_s="a"),
            instead="peer_overloaded",
        ),
    },
)

CLOCK = Table(
    "clock_wrong",
    raised={
        "three peers ahead of us by the same": row(
            NODE.fails(peers(3), "clock_skew", **skewed(600)),
            first=True,
            blame="us",
            severity="critical",
            says="10 min behind the clocks of 3 peers; no peer agrees",
            does="timedatectl",
        ),
        "tickets that are not valid yet are a consequence": row(
            NODE.session(peer(9))
            .fails(peers(3), "clock_skew", **skewed(-7_300))
            .fails(peers(2, first=4), "ticket_invalid", ticket="not_yet_valid", stated_by="remote"),
            first=True,
            says="2 h ahead of",
            affected_peers=5,
            severity="warning",
            hides=("ticket_rejected", "peer_incompatible"),
        ),
        "one agrees": row(
            NODE.session(peer(9)).fails(peers(3), "clock_skew", **skewed(-300)),
            says="5 min ahead of the clocks of 3 peers; 1 peer agrees with it",
        ),
        "more disagree than agree": row(
            NODE.session(peers(3)).fails(peers(4, first=4), "clock_skew", **skewed(90)), says="90 s behind"
        ),
    },
    near_misses={
        "two peers": row(NODE.fails(peers(2), "clock_skew", **skewed(600)), instead="peer_incompatible"),
        "in both directions": row(
            NODE.fails(peers(2), "clock_skew", **skewed(600)).fails(peers(2, first=3), "clock_skew", **skewed(-600)),
            instead="peer_incompatible",
        ),
        "as many agree": row(
            NODE.session(peers(3)).fails(peers(3, first=4), "clock_skew", **skewed(600)), instead="peer_incompatible"
        ),
        "by how much was not recorded": row(World().reports(peers(5), "clock_skew"), instead="peer_incompatible"),
        "a peer that fails five hundred times": row(
            NODE.fails(peer(1), "clock_skew", times=500, **skewed(600)), instead="peer_incompatible"
        ),
    },
)

STUCK = Table(
    "dialer_stuck",
    raised={
        "peers wanted, addresses due, and no dial for long": row(
            World().with_node(due=3, known=3, last_started_ago_s=10 * MINUTE),
            first=True,
            severity="critical",
            blame="us",
            says="it wants 8 more peers and could dial 3, but has dialed none for 600 s",
        ),
        "never dialed at all": row(
            World().with_node(due=1, known=1, last_started_ago_s=None, started_ago_s=200),
            says="it wants 8 more peers and could dial 1,",
        ),
        "a dial that should have ended long ago": row(
            NODE.session(peer(1)).dialing(peer(2), since_s=5 * MINUTE),
            first=True,
            says="1 dial is past the deadline of 58 s",
            affected_peers=1,
        ),
    },
    near_misses={
        "all in backoff": row(World().with_node(due=0, last_started_ago_s=10 * MINUTE).fails(peer(1), "timeout")),
        "a dial is in flight": row(World().with_node(due=3, last_started_ago_s=95).dialing(peer(1), since_s=50)),
        "enough peers": row(
            World().with_node(target_peers=2, due=3, last_started_ago_s=HOUR).session(peers(2), ago_s=HOUR)
        ),
        "just started": row(World().with_node(due=3, last_started_ago_s=None, started_ago_s=60)),
        "a peer left a moment ago, and the last dial was hours ago": row(
            World().with_node(due=3, due_since_s=20, last_started_ago_s=3 * HOUR)
        ),
        "two rounds without a dial": row(World().with_node(due=1, last_started_ago_s=65)),
        "offline, where it dials only now and then": row(
            World().with_node(due=3, offline=True, last_started_ago_s=10 * MINUTE), instead="offline"
        ),
        "a slow dial within its deadline": row(NODE.session(peer(1)).dialing(peer(2), since_s=55)),
        "a late loop ends it late": row(
            World().with_node(loop_lag_s=20).session(peer(1)).dialing(peer(2), since_s=75), instead="local_overload"
        ),
    },
)

CLOSED_AT_ONCE = {"bytes_received": 0}

HASTE = Table(
    "retry_too_fast",
    raised={
        "a peer that worked closes on us, dial after dial": row(
            NODE.session(peer(9))
            .works(peer(1), ago_s=10 * MINUTE)
            .fails(peer(1), "remote_closed", took_s=0.05, times=4, every_s=10, **CLOSED_AT_ONCE),
            first=True,
            blame="us",
            severity="warning",
            says="1 peer that worked before closes the connection at once",
            does="at least 30 s",
            hides=("peer_closes",),
        ),
        "by reset, at two peers": row(
            NODE.session(peer(9))
            .works(peers(2), ago_s=10 * MINUTE)
            .fails(peers(2), "connection_reset", took_s=0.05, times=5, every_s=5, **CLOSED_AT_ONCE),
            says="2 peers that worked before close",
        ),
    },
    near_misses={
        "at leisure": row(
            NODE.session(peer(9))
            .works(peer(1), ago_s=HOUR)
            .fails(peer(1), "remote_closed", took_s=0.05, times=4, every_s=40, **CLOSED_AT_ONCE),
            instead="peer_closes",
        ),
        "it never worked, so it closes on everybody": row(
            NODE.session(peer(9)).fails(peer(1), "remote_closed", took_s=0.05, times=9, every_s=5, **CLOSED_AT_ONCE),
            instead="peer_closes",
        ),
        "it listened to us first": row(
            NODE.session(peer(9))
            .works(peer(1), ago_s=HOUR)
            .fails(peer(1), "remote_closed", took_s=3.0, times=9, every_s=5, **CLOSED_AT_ONCE),
            instead="peer_closes",
        ),
        "it said something": row(
            NODE.session(peer(9))
            .works(peer(1), ago_s=HOUR)
            .fails(peer(1), "remote_closed", took_s=0.05, times=9, every_s=5, bytes_received=40),
            instead="peer_closes",
        ),
        "three dials are one too few": row(
            NODE.session(peer(9))
            .works(peer(1), ago_s=HOUR)
            .fails(peer(1), "remote_closed", took_s=0.05, times=3, every_s=5, **CLOSED_AT_ONCE),
            instead="peer_closes",
        ),
    },
)

TASKS = Table(
    "internal_task_failed",
    raised={
        "a part is down": row(
            NODE.session(peer(1)).task("maintainer", is_down=True, died=3),
            first=True,
            severity="critical",
            blame="us",
            says="the maintainer task died 3 times and has been down for 40 s (OverflowError: int too large",
            does='search for "died of an internal error"',
            since_unix=NOW - 40,
        ),
        "it works again, and died a moment ago": row(
            NODE.session(peer(1)).task("gossip"), severity="warning", says="the gossip task died once and works again"
        ),
        "of several the one that is down comes first": row(
            World().task("doctor", last_ago_s=1).task("live stream", is_down=True, last_ago_s=5),
            severity="critical",
            says="the live stream task died once and has been down for 40 s",
        ),
        "down for longer than a death is reported": row(
            World().task("history writer", is_down=True, first_ago_s=HOUR, last_ago_s=HOUR), severity="critical"
        ),
    },
    near_misses={
        "it never died, and others fail for reasons of their own": row(
            NODE.fails(peer(1), "connection_refused").task("maintainer", died=0), instead="peer_down"
        ),
        "it never died": row(NODE.session(peer(1)).task("maintainer", died=0)),
        "it died long ago": row(NODE.session(peer(1)).task("maintainer", first_ago_s=HOUR, last_ago_s=11 * MINUTE)),
    },
)

TABLES = (EXHAUSTION, OVERLOAD, CLOCK, STUCK, HASTE, TASKS)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_a_dead_peer_beside_an_overloaded_process_is_reported_too():
    world = NODE.session(peer(9)).fails(peer(1), "handshake_timeout", bytes_received=0, loop_lag_s=9.0)
    assert codes(world.fails(peer(2), "connection_refused")) == ["local_overload", "peer_down"]


def test_the_clock_explains_only_tickets_that_are_refused_for_their_time():
    world = NODE.fails(peers(3), "clock_skew", **skewed(600))
    missing = world.fails(peer(9), "ticket_invalid", ticket="missing", stated_by="remote")
    assert codes(missing) == ["clock_wrong", "ticket_rejected"]
    theirs = world.fails(peer(9), "ticket_invalid", ticket="expired", stated_by="us")
    assert codes(theirs) == ["clock_wrong", "peer_incompatible"]


def test_the_known_limits_of_this_machine_are_reported():
    def statements(**host):
        world = NODE.session(peer(1)).fails(peer(2), "fd_exhausted", **NO_FILES).on(**host)
        return [str(item.statement) for item in finding_of(world.diagnosis(), "local_exhaustion").evidence]

    assert statements() == ["peer could not be dialed because the kernel had no file descriptors left"]
    assert "file descriptors are open now, and the limit is 64" in statements(open_files=60, open_files_limit=64)
    assert "TCP sockets exist now, and 10 local ports to dial from" in statements(ephemeral_ports=10, tcp_sockets=12)
    for half_known in ({"open_files": 60}, {"open_files_limit": 64}, {"ephemeral_ports": 10}, {"tcp_sockets": 12}):
        assert statements(**half_known) == ["peer could not be dialed because the kernel had no file descriptors left"]


def test_clock_skew_of_neighbours_is_less_certain_than_of_unrelated_peers():
    def confidence(addrs):
        return finding_of(NODE.fails(addrs, "clock_skew", **skewed(600)).diagnosis(), "clock_wrong").confidence

    assert confidence(neighbours(3)) < confidence(peers(3)) < confidence(peers(4))


@pytest.mark.parametrize("theirs", [math.inf, -math.inf, math.nan, "soon", None, [1], 2**70, True])
def test_malformed_clocks_do_no_harm(theirs):
    evidence = {"ours": {"clock_unix": NOW}, "theirs": {"clock_unix": theirs}}
    assert codes(NODE.fails(peers(3), "clock_skew", **evidence))
