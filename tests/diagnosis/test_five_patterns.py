"""The five most common patterns, each found under its own name."""

from __future__ import annotations

from nocarrier.model.finding import Severity
from tests.diagnosis.table import codes, done, finding_of
from tests.diagnosis.world import World, peer, peers, seed

NODE = World().with_node()


def test_seeds_not_connecting():
    world = World().with_node(seeds=peers(3)).fails(peers(3), "connection_refused", "seed", times=4)
    [found] = world.diagnosis().findings
    assert found.code == "seeds_down"
    assert found.severity is Severity.CRITICAL
    assert str(found.summary).startswith("All 3 seeds that were dialed are down")
    assert found.affected_dials == 12


def test_handshake_timeouts_of_a_busy_peer():
    world = NODE.session(peers(3)).fails(peers(2, first=8), "handshake_timeout", bytes_received=0)
    [found] = world.diagnosis().findings
    assert (found.code, found.severity, found.blame) == ("peer_overloaded", "info", "them")


def test_handshake_timeouts_of_our_own_making():
    world = NODE.session(peers(3)).fails(peers(2, first=8), "handshake_timeout", bytes_received=0, loop_lag_s=15.0)
    [found] = world.diagnosis().findings
    assert (found.code, found.blame) == ("local_overload", "us")


def test_version_mismatches():
    newer = {"ours": {"min": 1, "max": 2}, "theirs": {"min": 3, "max": 3}}
    assert codes(NODE.fails(peers(4), "version_mismatch", **newer)) == ["version_outdated"]
    older = {"ours": {"min": 2, "max": 2}, "theirs": {"min": 1, "max": 1}}
    assert codes(NODE.session(peers(4)).fails(peer(9), "version_mismatch", **older)) == ["peers_outdated"]


def test_private_ip_blocks():
    private_seed = seed("192.168.1.5:7072", "private_ip_blocked")
    world = World().with_node(seeds=[private_seed, peer(1)]).session(peer(1), "seed")
    found = finding_of(world.diagnosis(), "seeds_misconfigured")
    assert "lan_mode = true" in done(found)
    told = NODE.session(peer(1)).skips("10.0.0.1:7072", "private_ip_blocked", via=peer(1))
    assert codes(told) == ["private_addresses_gossiped"]


def test_already_connected():
    world = NODE.session(peers(3)).skips(peers(3), "already_connected", "peer_book")
    diagnosis = world.diagnosis()
    [found] = diagnosis.findings
    assert (found.code, diagnosis.healthy) == ("duplicates_only", True)
    assert done(found) == "There is nothing to do."
