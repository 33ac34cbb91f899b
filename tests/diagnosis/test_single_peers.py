"""What is wrong with single peers, and what remains if nothing explains a failure."""

from __future__ import annotations

import pytest

from tests.diagnosis.table import Table, check_near_miss, check_raised, codes, finding_of, near_misses, raised, row
from tests.diagnosis.world import HOUR, MINUTE, World, icmp, names, neighbours, peer, peers

NODE = World().with_node()
MUTE = {"bytes_received": 0}

OVERLOADED = Table(
    "peer_overloaded",
    raised={
        "the connection is there and not a byte comes": row(
            NODE.session(peers(2)).fails(peer(9), "handshake_timeout", **MUTE),
            first=True,
            severity="info",
            blame="them",
            says=f"1 peer accepts connections but does not finish the handshake ({peer(9)})",
            does=f"Ask the operator of {peer(9)}",
        ),
        "it begins and does not end": row(
            NODE.session(peers(2)).fails(peers(2, first=8), "handshake_timeout", bytes_received=90), says="2 peers"
        ),
        "no other peer is reached": row(NODE.fails(peer(9), "handshake_timeout", **MUTE), severity="critical"),
        "a program that records reasons only": row(World().works(peer(1)).reports(peer(9), "handshake_timeout")),
    },
    near_misses={
        "our own loop was late": row(
            NODE.session(peer(1)).fails(peer(9), "handshake_timeout", loop_lag_s=12.0, **MUTE), instead="local_overload"
        ),
        "large packets are lost on the way": row(
            NODE.session(peer(1)).fails(peer(9), "handshake_timeout", large_segments_lost="sent", **MUTE),
            instead="path_mtu",
        ),
        "no connection was made": row(NODE.session(peer(1)).fails(peer(9), "timeout"), instead="peer_down"),
        "most seeds do so": row(
            World().with_node(seeds=peers(2)).fails(peers(2), "handshake_timeout", "seed", **MUTE), instead="seeds_down"
        ),
    },
)

CLOSES = Table(
    "peer_closes",
    raised={
        "in order": row(
            NODE.session(peers(2)).fails(peer(9), "remote_closed", **MUTE),
            first=True,
            severity="info",
            blame="them",
            says=f"1 peer accepts connections and closes them without an answer ({peer(9)})",
        ),
        "by reset": row(
            NODE.session(peers(2)).fails(peers(2, first=8), "connection_reset", phase="handshake", **MUTE),
            says="2 peers",
        ),
        "a program that records reasons only": row(World().works(peer(1)).reports(peer(9), "connection_reset")),
    },
    near_misses={
        "we come back too fast": row(
            NODE.session(peer(1))
            .works(peer(9), ago_s=HOUR)
            .fails(peer(9), "remote_closed", took_s=0.05, times=5, every_s=5, **MUTE),
            instead="retry_too_fast",
        ),
        "everybody resets after our hello": row(
            NODE.fails(peers(3), "connection_reset", phase="handshake", **MUTE), instead="middlebox"
        ),
        "we kept it waiting": row(
            NODE.session(peer(1)).fails(peer(9), "remote_closed", loop_lag_s=8.0, **MUTE), instead="local_overload"
        ),
        "it says why": row(NODE.session(peer(1)).fails(peer(9), "too_many_peers"), instead="network_full"),
    },
)

BROKEN = Table(
    "peer_broken",
    raised={
        "it breaks the protocol": row(
            NODE.session(peers(2)).fails(peer(9), "malformed_handshake"),
            first=True,
            severity="info",
            blame="them",
            says="1 peer",
            does=f"nocarrier failures --addr {peer(9)}",
        ),
        "an error of its own": row(NODE.session(peers(2)).fails(peers(2, first=8), "handshake_error"), says="2 peers"),
        "its sessions end early, again and again": row(
            NODE.session(peers(2))
            .works(peer(9), ago_s=5 * MINUTE)
            .reports(peer(9), "early_disconnect", ago_s=4 * MINUTE)
            .works(peer(9), ago_s=MINUTE)
            .reports(peer(9), "early_disconnect", ago_s=30),
            says="1 peer",
        ),
    },
    near_misses={
        "one early end is a restart": row(
            NODE.session(peers(2)).works(peer(9), ago_s=60).reports(peer(9), "early_disconnect", ago_s=30)
        ),
        "it came back and stays": row(
            NODE.works(peer(9), ago_s=300)
            .reports(peer(9), "early_disconnect", ago_s=280)
            .works(peer(9), ago_s=200)
            .reports(peer(9), "early_disconnect", ago_s=180)
            .session(peer(9), ago_s=100)
        ),
        "two peers, one early end each": row(
            NODE.session(peers(2)).works(peers(2, first=8)).reports(peers(2, first=8), "early_disconnect", ago_s=30)
        ),
        "another protocol": row(
            NODE.session(peer(1)).fails(peer(9), "not_our_protocol", speaks="ssh"), instead="wrong_port_published"
        ),
    },
)

DOWN = Table(
    "peer_down",
    raised={
        "the port is closed": row(
            NODE.session(peers(3)).fails(peer(9), "connection_refused"),
            first=True,
            severity="info",
            blame="them",
            says=f"1 peer is off or not listening: {peer(9)}",
            does=f"The machine of {peer(9)} answers",
        ),
        "nobody answers on its last link": row(
            NODE.session(peers(3)).fails(peer(9), "host_unreachable", no_neighbour=True, decided_by="network"),
            does=f"Check that the machine of {peer(9)} is switched on",
        ),
        "its router reports that the host is gone": row(
            NODE.session(peers(3)).fails(peer(9), "host_unreachable", **icmp(3, 1, "203.9.0.1")), does="switched on"
        ),
        "silence": row(
            NODE.session(peers(3)).fails(peers(2, first=8), "timeout"), says="2 peers", does="doctor --probe"
        ),
        "the only peer there is": row(NODE.fails(peer(9), "connection_refused"), severity="critical"),
        "a program that records reasons only, and works": row(
            World().works(peer(1)).reports(peers(2, first=8), "timeout"), severity="info"
        ),
        "the same, for a program that may or may not reach peers": row(
            World().reports(peer(8), "timeout"), severity="warning"
        ),
    },
    near_misses={
        "our own firewall": row(
            NODE.session(peer(1)).fails(peer(9), "timeout", decided_by="local"), instead="outbound_blocked"
        ),
        "a firewall over there": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", **icmp(3, 13, "203.9.0.9")),
            instead="peer_firewalled",
        ),
        "it is a seed, and most are down": row(
            World().with_node(seeds=[peer(9)]).session(peer(1)).fails(peer(9), "timeout", "seed"), instead="seeds_down"
        ),
        "it came back": row(NODE.fails(peer(9), "timeout", ago_s=300).session(peer(9), ago_s=60)),
        "it failed an hour ago, and was not dialed since": row(
            NODE.session(peer(1)).fails(peer(9), "timeout", ago_s=HOUR)
        ),
        "it is connected by another dial": row(NODE.session(peer(9), ago_s=HOUR).fails(peer(9), "timeout")),
    },
)

LEFT = Table(
    "unexplained",
    raised={
        "a gap in the taxonomy": row(
            NODE.session(peer(1)).fails(peer(9), "other"), severity="info", blame="unknown", says="other 1"
        ),
        "a socket of our own that died": row(
            NODE.session(peer(1)).fails(peers(2, first=8), "not_connected"),
            says="2 peers fail",
            does="nocarrier explain not_connected",
        ),
        "no address here to dial from": row(
            NODE.session(peer(1)).fails(peer(9), "addr_not_available", decided_by="local"), does="ip address show"
        ),
        "one name of many is not looked up": row(
            NODE.session(peer(1)).fails(names(1), "dns_temporary"), does="dig @SERVER"
        ),
    },
    near_misses={
        "a lost tie-break": row(NODE.session(peer(1)).fails(peer(9), "duplicate_connection")),
        "one early end": row(NODE.session(peer(1)).works(peer(9)).reports(peer(9), "early_disconnect", ago_s=30)),
        "our own code ended it": row(NODE.session(peer(1)).reports(peer(9), "cancelled")),
        "skips are not failures": row(NODE.session(peer(1)).skips(peer(9), "backoff_active")),
        "another cause explains it": row(NODE.session(peer(1)).fails(peer(9), "timeout"), instead="peer_down"),
    },
)

TABLES = (OVERLOADED, CLOSES, BROKEN, DOWN, LEFT)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("peer_overloaded", "handshake_timeout"),
        ("peer_closes", "remote_closed"),
        ("peer_broken", "malformed_handshake"),
        ("peer_down", "connection_refused"),
        ("unexplained", "other"),
    ],
)
def test_unrelated_peers_raise_the_confidence_and_a_noisy_one_does_not(code, reason):
    def confidence(addrs, times=1):
        world = NODE.session(peer(100)).fails(addrs, reason, times=times)
        return finding_of(world.diagnosis(), code).confidence

    assert confidence(neighbours(3)) < confidence(peers(3)) < confidence(peers(4))
    assert confidence(peer(1), times=500) == confidence(peer(1), times=2) < confidence(peers(2))


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (
            World().fails(peer(9), "handshake_timeout", bytes_received=0),
            "accepted the connection but sent nothing; the event loop here was on time",
        ),
        (
            World().fails(peer(9), "handshake_timeout", bytes_received=12),
            "began the handshake but did not finish it in time",
        ),
        (World().reports(peer(9), "handshake_timeout"), "did not finish the handshake in time"),
    ],
    ids=["mute", "slow", "nothing recorded"],
)
def test_for_a_silent_peer_only_the_observations_are_reported(failing, told):
    [item] = finding_of(failing.works(peer(1)).diagnosis(), "peer_overloaded").evidence
    assert str(item.statement) == f"peer {told}"


def test_a_peer_that_failed_five_hundred_times_counts_like_one_failure():
    for reason in ("timeout", "connection_refused", "handshake_timeout", "version_mismatch", "malformed_handshake"):
        once, often = (NODE.session(peer(1)).fails(peer(9), reason, times=times, ago_s=10) for times in (1, 500))
        assert codes(once) == codes(often), reason
        assert often.diagnosis().findings[0].affected_peers == 1
        assert often.diagnosis().findings[0].affected_dials == 500
