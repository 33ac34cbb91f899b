"""What real operators encounter: small starts, odd programs, and networks in which nothing is wrong."""

from __future__ import annotations

import random

import pytest

from nocarrier.model.finding import Severity
from tests.diagnosis.table import check_sound, codes, described, finding_of
from tests.diagnosis.world import HOUR, MINUTE, World, neighbours, peer, peers, peers6, unreachable

NODE = World().with_node()


_FEW_ARE_LARGE = [1 / rank for rank in range(1, 201)]


def dead_gossip(count: int, of: int) -> World:
    """A node with all the sessions it wants, and some dead addresses, each from another peer."""
    world = NODE.session(peers(of - count))
    for number in range(count):
        world = world.fails(
            peer(100 + number), ("timeout", "connection_refused")[number % 2], via=peer(1 + number % (of - count))
        )
    return world


HEALTHY = {
    "all sessions live": NODE.session(peers(8)),
    "a node that wants no peers": World().with_node(target_peers=0),
    "a third of the gossip is dead": dead_gossip(4, 12),
    "nearly half of it is dead": dead_gossip(11, 24),
    "dead gossip in one popular network": NODE.session(peers(8))
    .fails(neighbours(2), "timeout", via=peer(1))
    .fails(neighbours(1, first=3), "timeout", via=peer(2)),
    "one router knows no way to one made-up address": NODE.session(peers(8)).fails(
        peer(99), "network_unreachable", icmp={"type": 3, "code": 0, "hop": "198.51.100.1"}, decided_by="network"
    ),
    "one of several seeds is down": World()
    .with_node(seeds=peers(3))
    .session(peers(2), "seed")
    .fails(peer(3), "timeout", "seed"),
    "a peer that restarts": NODE.session(peers(7)).works(peer(9), ago_s=300).fails(peer(9), "connection_refused"),
    "peers that were met again": NODE.session(peers(8)).skips(peers(8), "already_connected", "peer_book"),
    "a peer that is full, one that is old, and one of another chain": NODE.session(peers(8))
    .fails(peer(20), "too_many_peers")
    .fails(peer(21), "version_mismatch", ours={"min": 2, "max": 2}, theirs={"min": 1, "max": 1})
    .fails(peer(22), "genesis_mismatch", ours={}, theirs={"network": "test", "genesis": "aa" * 32}),
    "a few dead IPv6 addresses": NODE.session([*peers(6), *peers6(2)]).fails(["[2a00::1]:7072"], "timeout"),
    "a node behind NAT": NODE.with_node(reachability=unreachable(3)).session(peers(8)),
    "a stable program without a node": World().works(peers(8), ago_s=5 * HOUR).fails(peers(3, first=20), "timeout"),
    "a crawler among addresses of which two thirds are dead": World()
    .works(peers(60), via=peer(1), ago_s=MINUTE)
    .fails(peers(120, first=70), "timeout", via=peer(1), ago_s=30),
}


@pytest.mark.parametrize("world", HEALTHY.values(), ids=HEALTHY.keys())
def test_if_nothing_is_wrong_nothing_is_above_information(world):
    diagnosis = world.diagnosis()
    check_sound(diagnosis)
    assert diagnosis.healthy, described(diagnosis)


def test_the_first_refusal_after_the_start_raises_no_alarm_while_other_dials_are_in_flight():
    world = World().with_node(seeds=peers(3), started_ago_s=1).fails(peer(1), "connection_refused", "seed", ago_s=0.5)
    world = world.dialing(peers(2, first=2), "seed", since_s=0.6)
    assert {found.severity for found in world.diagnosis().findings} == {Severity.INFO}


def test_the_same_refusals_raise_an_alarm_once_all_dials_have_ended():
    world = World().with_node(seeds=peers(3), started_ago_s=20).fails(peers(3), "connection_refused", "seed", ago_s=15)
    [found] = world.diagnosis().findings
    assert (found.code, found.severity) == ("seeds_down", Severity.CRITICAL)


def test_with_all_seeds_in_one_network_offline_is_not_claimed():
    world = World().with_node(seeds=neighbours(4)).fails(neighbours(4), "timeout", "seed")
    [found] = world.diagnosis().findings
    assert found.code == "seeds_down"
    assert "not known" in str(found.summary)


def test_seeds_in_one_network_prove_less_than_seeds_in_several():
    def confidence(seeds):
        world = World().with_node(seeds=seeds).fails(seeds, "connection_refused", "seed")
        return finding_of(world.diagnosis(), "seeds_down").confidence

    assert confidence(neighbours(3)) < confidence(peers(3))


def test_a_flapping_peer_is_judged_by_its_last_outcome():
    world = NODE.session(peers(3))
    for ago_s in (500, 400, 300, 200):
        world = world.works(peer(9), ago_s=ago_s).fails(peer(9), "timeout", ago_s=ago_s - 50)
    assert codes(world) == ["peer_down"]
    assert world.diagnosis().findings[0].affected_dials == 1
    assert codes(world.works(peer(9), ago_s=20)) == []


def test_a_program_that_records_only_failures_is_warned_but_not_called_offline():
    world = World().reports(peers(30), "timeout").reports(peers(4, first=40), "connection_refused")
    diagnosis = world.diagnosis()
    assert not diagnosis.healthy
    assert Severity.CRITICAL not in {found.severity for found in diagnosis.findings}
    assert "offline" not in codes(world)


def test_the_same_program_once_it_records_its_successes_too():
    world = World().works(peers(3, first=50)).reports(peers(8), "timeout")
    assert world.diagnosis().healthy


@pytest.mark.parametrize("dead", [0.3, 0.5, 0.7, 0.9])
def test_dead_addresses_of_a_large_crawl_are_not_a_pattern(dead):
    # As in real networks, a few /16 hold many addresses and most hold few; some of the latter are entirely dead.
    rng = random.Random(dead)
    networks = rng.choices([f"{number % 200 + 11}.{number}" for number in range(200)], _FEW_ARE_LARGE, k=1_500)
    world = World()
    for number, network in enumerate(networks):
        addr, via = f"{network}.{number // 250}.{number % 250}:7072", peer(rng.randrange(50))
        world = world.fails(addr, "timeout", via=via) if rng.random() < dead else world.works(addr, via=via)
    assert codes(world) == ["peer_down"]
    assert world.diagnosis().healthy


def test_a_full_tracker_of_dead_addresses_says_so_in_one_finding():
    dead = [f"203.{number // 200}.{number % 200}.9:7072" for number in range(4_000)]
    world = NODE.session(neighbours(8)).fails(dead, "timeout", via=neighbours(1)[0])
    [found] = world.diagnosis().findings
    assert (found.code, found.affected_peers) == ("stale_source", 4_000)
