"""What the facts say about the present: which peers fail, which work, whether any are left, and what is not known."""

from __future__ import annotations

import pytest

from nocarrier import DialTracker
from nocarrier.diagnosis import CAUSES, derive, diagnose
from nocarrier.diagnosis.facts import TELLING_FOR_S
from nocarrier.diagnosis.peers import KERNEL_TIMEOUT_S, UNTIMED_DIAL_S
from nocarrier.model.taxonomy import Retry, Source
from nocarrier.tracking.backoff import delay_s
from tests.diagnosis.table import finding_of
from tests.diagnosis.world import HOUR, MINUTE, NOW, World, icmp, neighbours, peer, peers

NODE = World().with_node()


def failing(world):
    return [each.addr for each in world.facts().failing]


def working(world):
    return [each.addr for each in world.facts().working]


# ---- who fails, who works --------------------------------------------------------------------------------------------


def test_the_latest_outcome_of_an_address_counts():
    world = NODE.works(peer(1), ago_s=300).fails(peer(1), "timeout", ago_s=200).works(peer(1), ago_s=100)
    assert (failing(world), working(world)) == ([], [peer(1)])
    assert failing(world.fails(peer(1), "timeout", ago_s=5)) == [peer(1)]


def test_a_failure_and_a_success_at_one_instant_count_in_the_order_of_recording():
    assert failing(World().reports(peer(1), None, ago_s=9).reports(peer(1), "timeout", ago_s=9)) == [peer(1)]
    assert failing(World().reports(peer(1), "timeout", ago_s=9).reports(peer(1), None, ago_s=9)) == []


def test_a_connected_peer_does_not_fail():
    assert failing(NODE.session(peer(1), ago_s=HOUR).fails(peer(1), "timeout")) == []


def test_a_success_is_remembered_for_ten_minutes_if_a_node_knows_its_sessions():
    assert working(NODE.works(peer(1), ago_s=599)) == [peer(1)]
    assert working(NODE.works(peer(1), ago_s=601)) == []


def test_without_a_node_a_peer_that_is_not_dialed_again_still_works():
    assert working(World().works(peer(1), ago_s=5 * HOUR)) == [peer(1)]
    assert working(World().works(peer(1), ago_s=25 * HOUR)) == []


def test_the_failures_since_a_success_are_counted():
    world = NODE.fails(peer(1), "timeout", ago_s=HOUR, times=9).works(peer(1), ago_s=600)
    [only] = world.fails(peer(1), "timeout", times=3, every_s=30).facts().failing
    assert (only.dials, only.worked_unix, only.worked_in_this_run) == (3, NOW - 600, True)


def test_successes_in_the_peer_book_are_not_of_this_run():
    [only] = World().with_node(proven={peer(1): HOUR}).fails(peer(1), "timeout").facts().failing
    assert (only.worked_unix, only.worked_in_this_run) == (NOW - HOUR, False)


def test_with_a_node_its_settings_say_which_addresses_are_seeds():
    world = World().with_node(seeds=[peer(1)]).fails(peer(1), "timeout").fails(peer(2), "timeout", "seed")
    assert {each.addr: each.is_seed for each in world.facts().failing} == {peer(1): True, peer(2): False}
    assert World().fails(peer(2), "timeout", "seed").facts().failing[0].is_seed


def test_the_node_says_how_many_bits_make_a_netgroup():
    addrs = ["198.18.1.9:7072", "198.18.2.9:7072"]
    for prefix, groups in ((16, 1), (24, 2)):
        facts = World().with_node(netgroup_prefix=prefix).fails(addrs, "timeout").facts()
        assert len({each.netgroup for each in facts.failing}) == groups


@pytest.mark.parametrize(
    ("addr", "host", "netgroup"),
    [
        ("203.0.113.7:7072", "203.0.113.7", "203.0.0.0/16"),
        ("203.0.113.7", "203.0.113.7", "203.0.0.0/16"),
        ("[2001:db8::1]:7072", "2001:db8::1", "2001:db8::/32"),
        ("seed.example:7072", "seed.example", "seed.example"),
        ("no address, {x}", "no address, {x}", "no address, {x}"),
        ("", "", ""),
    ],
)
def test_every_text_is_somewhere(addr, host, netgroup):
    [only] = World().reports(addr, "timeout").facts().failing
    assert (only.host, only.netgroup) == (host, netgroup)


def test_a_failure_counts_until_the_address_is_dialed_again():
    for retry, telling_s in TELLING_FOR_S.items():
        if retry is not Retry.NEVER:
            longest_s = max(delay_s(retry, 99, source=Source.GOSSIP, addr=addr) for addr in peers(200))
            assert telling_s > longest_s, retry


# ---- whether anybody is left -----------------------------------------------------------------------------------------


def test_a_node_without_a_session_is_cut_off_unless_it_wants_none():
    assert NODE.facts().is_cut_off is True
    assert NODE.session(peer(1)).facts().is_cut_off is False
    assert World().with_node(target_peers=0).facts().is_cut_off is False


def test_while_the_first_dials_are_under_way_nobody_is_cut_off():
    starting = World().with_node(started_ago_s=5)
    assert starting.dialing(peer(1)).facts().is_cut_off is False
    assert starting.facts().is_cut_off is True
    assert NODE.dialing(peer(1)).facts().is_cut_off is True, "an hour after the start these are not the first"


def test_whether_a_program_without_a_node_is_cut_off_is_known_only_where_successes_are_recorded():
    assert World().facts().is_cut_off is False
    assert World().reports(peer(1), "timeout").facts().is_cut_off is None
    assert World().works(peer(1)).fails(peer(2), "timeout").facts().is_cut_off is False
    assert World().works(peer(1), ago_s=HOUR).fails(peer(1), "timeout").facts().is_cut_off is True


def test_a_session_that_is_silent_for_a_minute_does_not_count():
    assert NODE.session(peer(1)).facts().has_living_session
    assert not NODE.session(peer(1), heard_ago_s=61).facts().has_living_session


# ---- what answered ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "evidence", "answers"),
    [
        ("connection_refused", {"decided_by": "network"}, True),
        ("connection_refused", icmp(3, 3, "198.51.100.1"), False),
        ("connection_refused", {"decided_by": "local"}, False),
        ("handshake_timeout", {"bytes_received": 0}, True),
        ("connection_reset", {}, True),
        ("too_many_peers", {}, True),
        ("timeout", {}, False),
        ("host_unreachable", icmp(3, 1, "198.51.100.1"), False),
        ("fd_exhausted", {}, False),
        ("dns_not_found", {}, False),
    ],
)
def test_an_answer_comes_from_beyond_this_machine_and_not_from_a_router(reason, evidence, answers):
    facts = NODE.fails(peer(1), reason, ago_s=33, **evidence).facts()
    assert (facts.answered_unix == NOW - 33) is answers


@pytest.mark.parametrize(
    ("told", "took_s"),
    [
        ({"duration_s": 10.0}, 10),
        ({"evidence": {"elapsed_s": 7.0}}, 7),
        ({}, UNTIMED_DIAL_S),
        ({"evidence": {"errno": "ETIMEDOUT"}}, KERNEL_TIMEOUT_S),
        ({"evidence": {"elapsed_s": "soon"}}, UNTIMED_DIAL_S),
        ({"duration_s": float("nan")}, UNTIMED_DIAL_S),
    ],
)
def test_a_dial_without_a_duration_is_assumed_to_have_taken_the_usual_time(told, took_s):
    [only] = World().reports(peer(1), "timeout", ago_s=20, **told).facts().failing
    assert only.began_unix == NOW - 20 - took_s


# ---- clocks that jump, and facts that are read again -----------------------------------------------------------------


def test_setting_the_wall_clock_back_does_not_make_a_failing_peer_work():
    now = [NOW + HOUR]
    tracker = DialTracker(clock=lambda: now[0])
    tracker.record_success(peer(1), "gossip")
    tracker.record_success(peer(2), "gossip")
    now[0] = NOW  # NTP found that the clock was an hour ahead
    tracker.record(peer(1), "connection_refused", "gossip", duration_s=0.1)
    facts = derive(tracker.latest())
    assert [each.addr for each in facts.failing] == [peer(1)]
    assert facts.working == ()
    assert facts.succeeded_unix is None
    assert facts.answered_unix == NOW


def test_outages_are_seen_after_the_clock_was_set_back():
    now = [NOW + HOUR]
    tracker = DialTracker(clock=lambda: now[0])
    for addr in peers(3):
        tracker.record_success(addr, "gossip")
    now[0] = NOW
    for addr in peers(3):
        tracker.record(addr, "timeout", "gossip", duration_s=10.0)
    assert [each.code for each in diagnose(derive(tracker.latest()), CAUSES).findings] == ["offline"]


def test_facts_that_build_on_earlier_ones_are_the_same():
    world = NODE.session(peers(2)).fails(peers(5, first=10), "timeout").fails(neighbours(3), "version_mismatch")
    now = [NOW]
    tracker = DialTracker(clock=lambda: now[0])
    for addr in (*peers(5, first=10), *neighbours(3)):
        tracker.record(addr, "timeout", "gossip")
    first = derive(tracker.latest(), world.node)
    now[0] += MINUTE
    tracker.record_success(peer(10), "gossip")
    tracker.record(peer(11), "connection_refused", "gossip")
    fresh, built = derive(tracker.latest(), world.node), derive(tracker.latest(), world.node, earlier=first)
    assert [(each.addr, each.reason, each.event_id) for each in built.failing] == [
        (each.addr, each.reason, each.event_id) for each in fresh.failing
    ]
    assert diagnose(built, CAUSES) == diagnose(fresh, CAUSES)
    unchanged = {each.addr for each in first.failing} - {peer(10), peer(11)}
    assert all(built.read[addr] is first.read[addr] for addr in unchanged), "not read again"


def test_a_seed_that_is_added_later_is_a_seed_from_then_on():
    tracker = DialTracker(clock=lambda: NOW)
    tracker.record(peer(1), "timeout", "gossip")
    first = derive(tracker.latest(), World().with_node().node)
    later = derive(tracker.latest(), World().with_node(seeds=[peer(1)]).node, earlier=first)
    assert later.failing[0].is_seed
    assert finding_of(diagnose(later, CAUSES), "seeds_down")
