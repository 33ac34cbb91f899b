"""What peers say in the handshake: versions, chains, tickets, bans, slots; and which side is the odd one out."""

from __future__ import annotations

import math

import pytest

from nocarrier.model.taxonomy import Source
from tests.diagnosis.table import Table, check_near_miss, check_raised, codes, finding_of, near_misses, raised, row
from tests.diagnosis.world import NOW, World, neighbours, peer, peers

NODE = World().with_node()

THEY_ARE_NEWER = {"ours": {"min": 1, "max": 2}, "theirs": {"min": 3, "max": 5}}
THEY_ARE_OLDER = {"ours": {"min": 2, "max": 3}, "theirs": {"min": 1, "max": 1}}
NEWER_FRAMES = {"ours": {"wire": 1}, "theirs": {"wire": 2}}
OLDER_FRAMES = {"ours": {"wire": 2}, "theirs": {"wire": 1}}


def chain(network: str, genesis: str) -> dict:
    """Evidence of a peer on another chain."""
    return {"ours": {"network": "main", "genesis": "5f" * 32}, "theirs": {"network": network, "genesis": genesis * 32}}


TEST_CHAIN = chain("test", "aa")

WE_ARE_OLD = Table(
    "version_outdated",
    raised={
        "all peers want a newer version": row(
            NODE.fails(peers(3), "version_mismatch", **THEY_ARE_NEWER),
            first=True,
            blame="us",
            severity="critical",
            says="up to 2, which is too old for 3 of the peers that answered: they want at least version 3",
            does="protocol_version = 3",
        ),
        "half of those that answered": row(
            NODE.session(peers(2)).fails(peers(2, first=3), "version_mismatch", **THEY_ARE_NEWER), severity="warning"
        ),
        "the only peer there is": row(NODE.fails(peer(1), "version_mismatch", **THEY_ARE_NEWER), confidence=0.5),
        "newer frames": row(
            NODE.fails(peers(2), "version_mismatch", **NEWER_FRAMES),
            says="too old a protocol version for 2 of the peers",
        ),
        "a program that records only reasons, and no other peer answers": row(
            World().reports(peers(3), "version_mismatch"), says="too old a protocol version for 3 of the peers"
        ),
    },
    near_misses={
        "a minority": row(
            NODE.session(peers(3)).fails(peer(9), "version_mismatch", **THEY_ARE_NEWER), instead="peer_incompatible"
        ),
        "they are the old ones": row(
            NODE.fails(peers(3), "version_mismatch", **THEY_ARE_OLDER), instead="peers_outdated"
        ),
        "one peer five hundred times, of a network where others work": row(
            NODE.session(peers(2)).fails(peer(9), "version_mismatch", times=500, **THEY_ARE_NEWER),
            instead="peer_incompatible",
        ),
        "one peer, and which side is old was not recorded": row(
            World().reports(peer(1), "version_mismatch"), instead="peer_incompatible"
        ),
        "others judged us for another reason": row(
            NODE.fails(peer(1), "version_mismatch", **THEY_ARE_NEWER).fails(peers(2, first=2), "too_many_peers"),
            instead="peer_incompatible",
        ),
    },
)

THEY_ARE_OLD = Table(
    "peers_outdated",
    raised={
        "one old peer": row(
            NODE.session(peers(3)).fails(peer(9), "version_mismatch", **THEY_ARE_OLDER),
            first=True,
            severity="info",
            blame="them",
            says="version 1 at most; this program wants at least 2",
            does=f"Ask the operator of {peer(9)} to update",
        ),
        "most peers are old": row(
            NODE.session(peer(1)).fails(peers(3, first=2), "version_mismatch", **THEY_ARE_OLDER),
            severity="warning",
            does="min_protocol_version = 1",
        ),
        "old frames, and no peer said which versions": row(
            NODE.session(peer(1)).fails(peers(2, first=2), "version_mismatch", **OLDER_FRAMES),
            says="2 peers",
            does="lower min_protocol_version",
        ),
        "a minority, and which side is old was not recorded": row(
            World().works(peers(3)).reports(peer(9), "version_mismatch"), severity="info"
        ),
    },
    near_misses={
        "they want a newer version": row(
            NODE.session(peers(3)).fails(peer(9), "version_mismatch", **THEY_ARE_NEWER), instead="peer_incompatible"
        ),
        "all of them, and which side is old was not recorded": row(
            World().reports(peers(3), "version_mismatch"), instead="version_outdated"
        ),
        "the only one, and which side is old was not recorded": row(
            World().reports(peer(1), "version_mismatch"), instead="peer_incompatible"
        ),
        "another chain is not another version": row(
            NODE.session(peers(3)).fails(peer(9), "genesis_mismatch", **TEST_CHAIN), instead="wrong_network"
        ),
    },
)

CHAIN = Table(
    "wrong_network",
    raised={
        "all others agree on another chain": row(
            NODE.fails(peers(4), "genesis_mismatch", **TEST_CHAIN),
            first=True,
            blame="us",
            severity="critical",
            says="4 of the peers that answered: they are on test, aaaaaaaaaaaa…, and no peer is on the same one",
            does='the peers have aaaaaaaaaaaa… and "test"',
        ),
        "more than those that we reach": row(
            NODE.session(peer(1)).fails(peers(4, first=2), "genesis_mismatch", **TEST_CHAIN),
            blame="us",
            severity="warning",
        ),
        "one stray peer is on another chain": row(
            NODE.session(peers(4)).fails(peer(9), "genesis_mismatch", **TEST_CHAIN),
            first=True,
            blame="them",
            severity="info",
            says="1 peer is on another chain than this node and 4 peers that it reaches",
        ),
        "five peers on five chains say nothing about ours": row(
            NODE.fails(peer(1), "genesis_mismatch", **chain("a", "01"))
            .fails(peer(2), "genesis_mismatch", **chain("b", "02"))
            .fails(peer(3), "genesis_mismatch", **chain("c", "03"))
            .fails(peer(4), "genesis_mismatch", **chain("d", "04"))
            .fails(peer(5), "genesis_mismatch", **chain("e", "05")),
            blame="unknown",
            says="5 peers are on another chain than this node.",
        ),
        "the only peer there is": row(NODE.fails(peer(1), "genesis_mismatch", **TEST_CHAIN), blame="unknown"),
    },
    near_misses={
        "another version is not another chain": row(
            NODE.fails(peers(3), "version_mismatch", **THEY_ARE_NEWER), instead="version_outdated"
        ),
        "the stray peer has joined ours": row(
            NODE.fails(peer(1), "genesis_mismatch", ago_s=600, **TEST_CHAIN).session(peer(1), ago_s=60)
        ),
        "it was half a day ago, and nobody has dialed since": row(
            NODE.session(peer(2)).fails(peer(1), "genesis_mismatch", ago_s=16 * 3_600, **TEST_CHAIN)
        ),
        "a full peer is on our chain": row(NODE.fails(peers(3), "too_many_peers"), instead="network_full"),
    },
)

TICKET = Table(
    "ticket_rejected",
    raised={
        "expired": row(
            NODE.fails(peers(2), "ticket_invalid", ticket="expired", stated_by="remote"),
            first=True,
            blame="us",
            severity="critical",
            says="2 peers refuse the admission ticket of this node: it has expired",
            does="ab" * 32,
        ),
        "missing, at one peer of several": row(
            NODE.session(peers(2)).fails(peer(9), "ticket_invalid", ticket="missing", stated_by="remote"),
            severity="warning",
            says="1 peer refuses the admission ticket of this node: it is missing",
        ),
        "a kind that we do not know": row(
            NODE.fails(peer(9), "ticket_invalid", ticket="smells", stated_by="remote"), says="it is not valid"
        ),
        "a program that records reasons only": row(World().reports(peers(2), "ticket_invalid"), says="2 peers refuse"),
    },
    near_misses={
        "we refuse theirs": row(
            NODE.session(peer(1)).fails(peer(9), "ticket_invalid", ticket="expired", stated_by="us"),
            instead="peer_incompatible",
        ),
        "our clock explains it": row(
            NODE.fails(peers(3), "clock_skew", ours={"clock_unix": NOW}, theirs={"clock_unix": NOW - 900}).fails(
                peer(9), "ticket_invalid", ticket="not_yet_valid", stated_by="remote"
            ),
            instead="clock_wrong",
        ),
        "the peer lets us in now": row(
            NODE.fails(peer(1), "ticket_invalid", ticket="missing", ago_s=300).session(peer(1), ago_s=60)
        ),
    },
)

BANS = Table(
    "banned_by_peers",
    raised={
        "two peers ban us": row(
            NODE.session(peer(1)).fails(peers(2, first=2), "banned", until_unix=NOW + 1_800),
            first=True,
            blame="us",
            severity="warning",
            says="2 peers ban this node",
            does="ends in 30 min",
        ),
        "everybody bans us, for how long is not said": row(
            NODE.fails(peers(4), "banned"), severity="critical", says="4 peers ban this node", does="ab" * 32
        ),
        "a ban that is over is not counted down": row(
            NODE.fails(peers(2), "banned", until_unix=NOW - 5), says=f"({peer(1)}, {peer(2)})."
        ),
    },
    near_misses={
        "one peer bans us": row(NODE.session(peer(1)).fails(peer(9), "banned"), instead="peer_incompatible"),
        "one peer, asked five hundred times": row(
            NODE.session(peer(1)).fails(peer(9), "banned", times=500), instead="peer_incompatible"
        ),
        "our own ban list": row(
            NODE.session(peer(1)).fails(peers(2, first=2), "banned_local"), instead="peer_incompatible"
        ),
        "we said so": row(
            NODE.session(peer(1)).fails(peers(2, first=2), "banned", stated_by="us"), instead="peer_incompatible"
        ),
    },
)

FULL = Table(
    "network_full",
    raised={
        "most are full": row(
            NODE.session(peer(1)).fails(peers(3, first=2), "too_many_peers"),
            first=True,
            severity="warning",
            blame="none",
            says="3 peers are alive but full; this is 75% of the peers that answered",
            does="75% of the peers are full",
        ),
        "one is": row(
            NODE.session(peers(4)).fails(peer(9), "too_many_peers"),
            severity="info",
            says="1 peer is alive but full; this is 20%",
        ),
        "the half of those that answered": row(
            NODE.session(peers(2)).fails(peers(2, first=8), "too_many_peers"),
            severity="warning",
            does="50% of the peers",
        ),
        "one of two is a busy peer, and no network without places": row(
            NODE.session(peer(1)).fails(peer(9), "too_many_peers"), severity="info"
        ),
        "everybody is": row(NODE.fails(peers(3), "too_many_peers"), severity="critical", first=True),
    },
    near_misses={
        "our own places are taken": row(NODE.session(peers(3)).skips(peer(9), "slots_full")),
        "it hangs up without a word": row(
            NODE.session(peers(3)).fails(peer(9), "remote_closed", bytes_received=0), instead="peer_closes"
        ),
        "it has had a slot for us since": row(
            NODE.fails(peer(1), "too_many_peers", ago_s=300).session(peer(1), ago_s=60)
        ),
    },
)

INCOMPATIBLE = Table(
    "peer_incompatible",
    raised={
        "one clock is off": row(
            NODE.session(peers(2)).fails(
                peer(9), "clock_skew", ours={"clock_unix": NOW}, theirs={"clock_unix": NOW + 600}
            ),
            severity="info",
            blame="unknown",
            does=f"The clock of {peer(9)} is 10 min ahead of this one",
        ),
        "one clock is off, by how much was not recorded": row(
            World().works(peers(2)).reports(peer(9), "clock_skew"), does=f"The clock of {peer(9)} differs from this one"
        ),
        "one newer peer": row(
            NODE.session(peers(3)).fails(peer(9), "version_mismatch", **THEY_ARE_NEWER),
            does="look for an update",
        ),
        "its ticket does not satisfy us": row(
            NODE.session(peers(2)).fails(peer(9), "ticket_invalid", ticket="missing", stated_by="us"),
            does="does not accept the ticket of 203.9.0.9:7072",
        ),
        "one bans us": row(
            NODE.session(peers(2)).fails(peer(9), "banned", stated_by="remote"),
            does="a single ban is that operator's choice",
        ),
        "the only one has other versions, and which side is old was not recorded": row(
            World().reports(peer(9), "version_mismatch"), does=f"nocarrier failures --addr {peer(9)}"
        ),
        "on our own ban list": row(
            NODE.session(peers(2)).fails(peer(9), "banned_local"), does="from bans under [node]"
        ),
        "ourselves": row(NODE.session(peers(2)).fails(peer(9), "self_dial_blocked"), does="this node's own address"),
    },
    near_misses={
        "two ban us": row(NODE.session(peer(1)).fails(peers(2, first=2), "banned"), instead="banned_by_peers"),
        "three clocks": row(
            NODE.fails(peers(3), "clock_skew", ours={"clock_unix": NOW}, theirs={"clock_unix": NOW + 600}),
            instead="clock_wrong",
        ),
        "our seed list names ourselves": row(
            World()
            .with_node(seeds=["own.example:7072"])
            .session(peer(1))
            .fails("own.example:7072", "self_dial_blocked", "seed", phase="resolve"),
            instead="seeds_misconfigured",
        ),
    },
)

MOVED = Table(
    "peer_moved",
    raised={
        "another id": row(
            NODE.session(peer(1)).fails(
                peer(9), "peer_id_mismatch", ours={"node_id": "aa" * 32}, theirs={"node_id": "bb" * 32}
            ),
            first=True,
            severity="info",
            blame="them",
            says=f"Another node than before answers at {peer(9)}",
            does="find out whose node " + "bb" * 32,
        ),
        "the node has taken the new one since": row(
            NODE.fails(peer(1), "peer_id_mismatch", ago_s=300, theirs={"node_id": "bb" * 32}).session(
                peer(1), ago_s=299
            ),
            severity="info",
            says=f"Another node than before answers at {peer(1)}",
            does="find out whose node " + "bb" * 32,
            affected_peers=1,
        ),
        "ids not recorded": row(
            World().works(peer(1)).reports(peer(9), "peer_id_mismatch"), does=f"nocarrier connect {peer(9)}"
        ),
    },
    near_misses={
        "dialed by hand since, and accepted as the new node": row(
            NODE.fails(peer(1), "peer_id_mismatch", ago_s=300).session(peer(1), Source.DIRECT, ago_s=60)
        ),
        "taken by the node a quarter of an hour ago": row(
            NODE.fails(peer(1), "peer_id_mismatch", ago_s=900).session(peer(1), ago_s=890)
        ),
        "the new node has failed since for another reason": row(
            NODE.session(peer(2)).fails(peer(1), "peer_id_mismatch", ago_s=300).fails(peer(1), "connection_refused"),
            instead="peer_down",
        ),
        "another chain is not another node": row(
            NODE.session(peers(2)).fails(peer(9), "genesis_mismatch", **TEST_CHAIN), instead="wrong_network"
        ),
        "it is ourselves": row(NODE.session(peer(1)).fails(peer(9), "self_dial_blocked"), instead="peer_incompatible"),
    },
)

TABLES = (WE_ARE_OLD, THEY_ARE_OLD, CHAIN, TICKET, BANS, FULL, INCOMPATIBLE, MOVED)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


@pytest.mark.parametrize(
    ("code", "reason", "evidence"),
    [
        ("version_outdated", "version_mismatch", THEY_ARE_NEWER),
        ("wrong_network", "genesis_mismatch", TEST_CHAIN),
        ("banned_by_peers", "banned", {}),
        ("ticket_rejected", "ticket_invalid", {"ticket": "missing"}),
        ("network_full", "too_many_peers", {}),
        ("peer_moved", "peer_id_mismatch", {}),
    ],
)
def test_unrelated_peers_raise_the_confidence_and_a_noisy_one_does_not(code, reason, evidence):
    def confidence(addrs, times=1):
        world = NODE.fails(addrs, reason, times=times, **evidence)
        return finding_of(world.diagnosis(), code).confidence

    assert confidence(neighbours(3)) < confidence(peers(3)) < confidence(peers(5))
    assert confidence(peers(3), times=500) == confidence(peers(3), times=2)


def test_as_many_on_our_chain_as_on_theirs_do_not_outvote_us():
    world = NODE.session(peers(3)).fails(peers(3, first=10), "genesis_mismatch", **TEST_CHAIN)
    assert finding_of(world.diagnosis(), "wrong_network").blame == "them"
    one_more = world.fails(peer(20), "genesis_mismatch", **TEST_CHAIN)
    assert finding_of(one_more.diagnosis(), "wrong_network").blame == "us"


def test_two_chains_of_equal_size_do_not_agree_against_us():
    world = NODE.fails(peers(2), "genesis_mismatch", **TEST_CHAIN)
    world = world.fails(peers(2, first=3), "genesis_mismatch", **chain("other", "bb"))
    assert finding_of(world.diagnosis(), "wrong_network").blame == "unknown"


def test_old_and_new_peers_are_both_reported():
    world = NODE.fails(peers(3), "version_mismatch", **THEY_ARE_NEWER)
    world = world.fails(peer(9), "version_mismatch", ours={"min": 2, "max": 2}, theirs={"min": 1, "max": 1})
    assert codes(world) == ["version_outdated", "peers_outdated"]


@pytest.mark.parametrize("odd", ["x", None, [3], {"a": 1}, math.nan, True, 2**70])
def test_malformed_versions_do_no_harm(odd):
    newer = {"ours": {"wire": 1, "max": odd}, "theirs": {"wire": 2, "min": odd}}
    world = NODE.fails(peer(1), "version_mismatch", **newer).fails(peer(2), "version_mismatch", **THEY_ARE_NEWER)
    assert "version_outdated" in codes(world.fails(peer(3), "version_mismatch", **NEWER_FRAMES))


@pytest.mark.parametrize("odd", ["soon", None, [1], math.inf, -math.inf, math.nan, True, 2**70, -1e308])
def test_malformed_ends_of_bans_do_no_harm(odd):
    assert "banned_by_peers" in codes(NODE.fails(peers(2), "banned", until_unix=odd))
