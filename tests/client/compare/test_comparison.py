"""Two nodes side by side, in cases that two nodes on one machine cannot show: other hosts, clocks and histories."""

from __future__ import annotations

import pytest

from nocarrier.client.compare.compared_node import ComparedNode
from nocarrier.client.compare.comparison import Relation, compare
from tests.client import samples

NOW = 1_000_000.0


def node(name, host, *, ahead_s=0.0, failures=(), book=(), sessions=(), **info):
    fields = {"node_id": name * 64, "started_at_unix": NOW + ahead_s - 3600}
    return ComparedNode(
        name=name.upper(),
        url_host=host,
        clock_unix=NOW + ahead_s,
        clock_ahead_s=ahead_s,
        info=samples.node_info(**fields | info),
        sessions=list(sessions),
        failures=list(failures),
        book=list(book),
    )


def failed(addr, reason="timeout", ago_s=60.0, **other):
    return samples.failure(addr, reason, at_unix=NOW - ago_s, **other)


def compared(a, b):
    return compare(a, b, clock_skew_max_s=300.0)


def test_a_failure_is_matched_by_host_and_port_of_the_other_nodes_api():
    a = node("a", "203.0.113.5", failures=[failed("198.51.100.7:7072"), failed("192.0.2.1:7072", "banned")])
    said = compared(a, node("b", "198.51.100.7"))
    assert said.outcome is Relation.FAILING
    [obstacle] = said.a_to_b.obstacles
    assert obstacle.statement == "A dialed B at 198.51.100.7:7072 60 s ago: timeout"
    assert "B has not dialed A: it knows no address of A; dial one with nocarrier connect 203.0.113.5:7072" in (
        said.verdict
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_end_of_a_tunnel_is_not_taken_for_the_nodes_host(host):
    a = node("a", "203.0.113.5", failures=[failed("127.0.0.1:7072", "loopback_blocked", kind="skip")])
    said = compared(a, node("b", host))
    assert (said.outcome, said.a_to_b.addrs) == (Relation.POSSIBLE, [])


def test_a_ban_applies_in_both_directions_and_is_matched_with_the_other_nodes_counts():
    a = node("a", "203.0.113.5", failures=[failed("198.51.100.7:7072", "banned", detail="go away")])
    said = compared(a, node("b", "198.51.100.7", inbound_rejections={"banned": 3}))
    assert said.outcome is Relation.IMPOSSIBLE
    assert "banned (go away); B has turned 3 connections away for this reason" in said.verdict


def test_only_the_newest_failure_counts_and_only_if_no_success_followed():
    failures = [failed("198.51.100.7:7072", "timeout", 90.0), failed("198.51.100.7:7072", "connection_refused", 30.0)]
    b = node("b", "198.51.100.7")
    [obstacle] = compared(node("a", "203.0.113.5", failures=failures), b).a_to_b.obstacles
    assert "connection_refused" in obstacle.statement
    book = [samples.book_peer("198.51.100.7:7072", last_success_unix=NOW - 10)]
    assert compared(node("a", "203.0.113.5", failures=failures, book=book), b).a_to_b.obstacles == []


def test_a_restart_is_dated_by_the_clock_of_the_node_that_failed():
    # B's clock is 100 s ahead: it was started 10 s after the failure, though its own time says 110 s.
    b = node("b", "198.51.100.7", ahead_s=100.0, started_at_unix=NOW + 100 - 50)
    [obstacle] = compared(node("a", "203.0.113.5", failures=[failed("198.51.100.7:7072")]), b).a_to_b.obstacles
    assert (obstacle.proven, "B has restarted since" in obstacle.statement) == (False, True)
    [obstacle] = compared(
        node("a", "203.0.113.5", failures=[failed("198.51.100.7:7072", ago_s=40)]), b
    ).a_to_b.obstacles
    assert obstacle.proven


@pytest.mark.parametrize(
    ("ahead_s", "shown", "keeps_apart"), [(1.5, False, False), (30.0, True, False), (-301.0, True, True)]
)
def test_clocks_matter_from_a_skew_that_can_be_told_and_keep_apart_from_that_of_a_handshake(
    ahead_s, shown, keeps_apart
):
    said = compared(node("a", "203.0.113.5"), node("b", "198.51.100.7", ahead_s=ahead_s))
    found = [difference for difference in said.differences if difference.field == "clock"]
    assert bool(found) is shown
    assert any(difference.keeps_apart for difference in found) is keeps_apart


def test_why_nothing_was_dialed():
    b = node("b", "198.51.100.7")

    def known(**other):
        return samples.book_peer("198.51.100.7:7072", **other)

    def why(**other):
        return compared(node("a", "203.0.113.5", **other), b).a_to_b.not_dialed_because

    assert why().startswith("it knows no address of B")
    assert why(book=[known(because="timeout", next_attempt_unix=NOW + 600)]) == (
        "it waits for another 10 min, because of timeout"
    )
    assert why(book=[known(because="peer_id_mismatch")]) == (
        "it waits until something changes, because of peer_id_mismatch"
    )
    assert why(book=[known()], target_peers=0) == "it has as many peers as it wants (0, target_peers is 0)"
    assert why(book=[known()]).startswith("it knows 198.51.100.7:7072, but has no record of dialing it yet")


def test_a_node_that_nobody_can_dial_is_a_guess_and_not_a_verdict():
    reachability = {"state": "private", "addr": "198.51.100.7:7072"}
    said = compared(node("a", "203.0.113.5"), node("b", "198.51.100.7", reachability=reachability))
    assert said.outcome is Relation.POSSIBLE
    assert said.verdict.startswith("Nothing is known to prevent a connection, but")
    [obstacle] = said.a_to_b.obstacles
    assert (obstacle.proven, "could not dial it at 198.51.100.7:7072" in obstacle.statement) == (False, True)


def test_each_way_blocked_by_something_else_is_impossible():
    a = node("a", "203.0.113.5", offline=True, offline_because="no route")
    b = node("b", "198.51.100.7", failures=[failed("203.0.113.5:7072", "connection_refused")])
    said = compared(a, b)
    assert said.outcome is Relation.IMPOSSIBLE
    assert "A has no usable network: no route; and B dialed A at 203.0.113.5:7072" in said.verdict


def test_lan_mode_off_is_not_an_obstacle_if_such_addresses_were_dialed():
    b = node("b", "10.0.0.7", advertised_p2p="10.0.0.7:7072")
    closed = node("a", "10.0.0.5", lan_mode=False)
    assert [each.proven for each in compared(closed, b).a_to_b.obstacles] == [False]
    dialed = [samples.book_peer("10.0.0.9:7072", last_success_unix=NOW - 99)]
    assert compared(node("a", "10.0.0.5", lan_mode=False, book=dialed), b).a_to_b.obstacles == []


def test_one_that_says_it_is_connected_while_the_other_does_not():
    a = node("a", "203.0.113.5", sessions=[samples.connected_peer("198.51.100.7:7072", node_id="b" * 64)])
    said = compared(a, node("b", "198.51.100.7"))
    assert said.outcome is Relation.CONNECTED
    assert said.verdict == "A says that they are connected, B does not: the session just began or ended."
