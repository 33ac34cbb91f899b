"""Skips that only a node can make: of connected, banned, waiting and own addresses."""

from __future__ import annotations

import asyncio
import socket
import time

from nocarrier.model.node.state import DialOutcome
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.wire import PeerAddress
from nocarrier.sources.node.wire.messages import PeerList
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.nodes import eventually, eventually_recorded, facts, nodes_fixture
from testbed.provokes import provokes
from testbed.raw_peer import raw_dial

nodes = nodes_fixture


# ---- already there ---------------------------------------------------------------------------------------------------


@provokes(Reason.ALREADY_CONNECTED)
async def test_a_connected_address_is_not_dialed_again(nodes):
    dialer, listener = await nodes.pair()
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("already_connected", "skip", "policy", "none", "direct")
    assert dialer.tracker.totals().started == 1


@provokes(Reason.ALREADY_CONNECTED)
async def test_a_node_that_is_connected_from_another_address_is_not_dialed(nodes):
    listener, dialer = await nodes.start(), await nodes.start()
    await dialer.node.connect(listener.addr)
    await dialer.session_with(listener).close("bye")
    await eventually(lambda: not dialer.node.sessions)
    # The same node now dials us, without saying where it listens.
    async with raw_dial(dialer.addr, identity=listener.node.identity) as peer:
        await peer.shake_hands()
        await eventually(lambda: dialer.is_connected_with(listener))
        assert dialer.node.sessions.at(listener.addr) is None
        entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("already_connected", "skip", "policy", "none", "direct")


@provokes(Reason.ALREADY_DIALING)
async def test_an_address_is_not_dialed_twice_at_once(nodes):
    dialer = await nodes.start()
    async with FAULT_SERVERS["silent"]() as port:
        first = asyncio.create_task(dialer.node.connect(f"127.0.0.1:{port}"))
        await eventually(lambda: dialer.node.outbound.in_flight == 1)
        entry = await dialer.fail_to_connect(f"127.0.0.1:{port}")
        assert (await first).outcome is DialOutcome.FAILED
    assert facts(entry) == ("already_dialing", "skip", "policy", "none", "direct")


# ---- not now ---------------------------------------------------------------------------------------------------------


@provokes(Reason.BACKOFF_ACTIVE)
async def test_a_peer_that_failed_waits_and_the_skip_says_why_and_until_when(nodes):
    async with FAULT_SERVERS["closed_port"]() as port:
        node = await nodes.start(seeds=(f"127.0.0.1:{port}",), target_peers=1)
        entry = await eventually_recorded(node, Reason.BACKOFF_ACTIVE)
    assert facts(entry) == ("backoff_active", "skip", "policy", "none", "seed")
    assert entry.evidence["because"] == Reason.CONNECTION_REFUSED
    # mid: 30 s, give or take the jitter of 20 %
    assert 20 < entry.evidence["until_unix"] - time.time() < 40
    assert node.tracker.totals().started == 1


async def test_a_manual_dial_ignores_backoff_and_is_not_penalised(nodes):
    async with FAULT_SERVERS["closed_port"]() as port:
        node = await nodes.start(seeds=(f"127.0.0.1:{port}",), target_peers=1)
        await eventually_recorded(node, Reason.BACKOFF_ACTIVE)
        entry = await node.fail_to_connect(f"127.0.0.1:{port}")
    assert facts(entry) == ("connection_refused", "failure", "connect", "them", "direct")
    assert not entry.penalised
    assert node.tracker.standing(f"127.0.0.1:{port}").streak == 1


@provokes(Reason.SLOTS_FULL)
async def test_no_more_dials_in_flight_than_the_setting_allows(nodes):
    async with FAULT_SERVERS["silent"]("127.0.0.1") as one, FAULT_SERVERS["silent"]("127.0.0.2") as other:
        seeds = (f"127.0.0.1:{one}", f"127.0.0.2:{other}")
        node = await nodes.start(seeds=seeds, target_peers=2, max_dials_in_flight=1)
        entry = await eventually_recorded(node, Reason.SLOTS_FULL)
        assert node.node.outbound.in_flight == 1
    assert facts(entry) == ("slots_full", "skip", "policy", "us", "seed")
    assert "max_dials_in_flight = 1" in entry.detail


@provokes(Reason.SLOTS_FULL)
async def test_no_more_sessions_than_the_setting_allows(nodes):
    dialer, _ = await nodes.pair(max_peers=1)
    other = await nodes.start()
    entry = await dialer.fail_to_connect(other.addr)
    assert facts(entry) == ("slots_full", "skip", "policy", "us", "direct")
    assert "max_peers = 1" in entry.detail


@provokes(Reason.SHUTTING_DOWN, Reason.CANCELLED)
async def test_a_stopping_node_ends_its_dials_and_begins_no_others(nodes):
    dialer = await nodes.start()
    async with FAULT_SERVERS["silent"]() as port:
        dial = asyncio.create_task(dialer.node.connect(f"127.0.0.1:{port}"))
        await eventually(lambda: dialer.node.outbound.in_flight == 1)
        await dialer.stop()
        assert (await asyncio.wait([dial]))[0].pop().cancelled()
        entry = await dialer.fail_to_connect(f"127.0.0.1:{port}")
    assert facts(entry) == ("shutting_down", "skip", "policy", "us", "direct")
    [cancelled] = dialer.recorded(reason=Reason.CANCELLED)
    assert facts(cancelled)[:4] == ("cancelled", "cancelled", "handshake", "none")
    totals = dialer.tracker.totals()
    assert (totals.started, totals.cancelled, totals.in_flight) == (1, 1, 0)


# ---- bans ------------------------------------------------------------------------------------------------------------


@provokes(Reason.BANNED_LOCAL)
async def test_banned_addresses_and_networks_are_not_dialed(nodes):
    dialer = await nodes.start(bans=("127.77.0.0/16", "127.78.1.1:7072"))
    for addr in ("127.77.1.1:7072", "127.78.1.1:7072"):
        entry = await dialer.fail_to_connect(addr)
        assert facts(entry) == ("banned_local", "skip", "policy", "us", "direct")
        assert "until_unix" not in entry.evidence
    async with FAULT_SERVERS["closed_port"]("127.78.1.1") as port:  # another port of that host is another peer
        assert (await dialer.fail_to_connect(f"127.78.1.1:{port}")).reason is Reason.CONNECTION_REFUSED


@provokes(Reason.BANNED_LOCAL)
async def test_a_node_banned_by_id_is_not_dialed_at_its_known_address(nodes):
    dialer, listener = await nodes.pair()
    until_unix = time.time() + 60
    dialer.node.ban(listener.node_id, until_unix=until_unix)
    await eventually(lambda: not dialer.node.sessions)
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("banned_local", "skip", "policy", "us", "direct")
    assert entry.evidence["until_unix"] == until_unix


@provokes(Reason.BANNED_LOCAL)
async def test_a_banned_node_at_a_new_address_is_recognised_in_the_handshake_and_told(nodes):
    listener = await nodes.start()
    dialer = await nodes.start(bans=(listener.node_id,))
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("banned_local", "failure", "handshake", "us", "direct")
    assert entry.evidence["stated_by"] == "us"
    await eventually(lambda: listener.node.listener.rejections["banned"] == 1)
    assert not listener.node.sessions


# ---- our own self ----------------------------------------------------------------------------------------------------


@provokes(Reason.SELF_DIAL_BLOCKED)
async def test_the_own_listen_address_is_not_dialed(nodes):
    node = await nodes.start()
    entry = await node.fail_to_connect(node.addr)
    assert facts(entry) == ("self_dial_blocked", "skip", "policy", "none", "direct")


async def test_a_seed_that_is_this_node_is_skipped_and_not_in_the_book(nodes):
    with socket.socket() as probe:
        probe.bind(("127.92.0.1", 0))
        port = probe.getsockname()[1]
    own = f"127.92.0.1:{port}"
    node = await nodes.start(host="127.92.0.1", port=port, seeds=(own,), target_peers=1)
    entry = await eventually_recorded(node, Reason.SELF_DIAL_BLOCKED)
    assert facts(entry) == ("self_dial_blocked", "skip", "policy", "none", "seed")
    assert own not in node.node.book


@provokes(Reason.SELF_DIAL_BLOCKED)
async def test_a_node_that_listens_everywhere_knows_every_loopback_address_with_its_port_as_its_own(nodes):
    node = await nodes.start(host="0.0.0.0")
    entry = await node.fail_to_connect(f"127.44.3.1:{node.node.p2p_port}")
    assert facts(entry) == ("self_dial_blocked", "skip", "policy", "none", "direct")


@provokes(Reason.SELF_DIAL_BLOCKED)
async def test_the_advertised_address_is_not_dialed(nodes):
    node = await nodes.start(advertise="127.9.9.9:7072")
    entry = await node.fail_to_connect("127.9.9.9:7072")
    assert facts(entry) == ("self_dial_blocked", "skip", "policy", "none", "direct")


# ---- what policy keeps from ever being dialed ------------------------------------------------------------------------

FORBIDDEN = {
    "[2001:db8::7]:7072": Reason.IPV6_BLOCKED,
    "192.168.7.7:7072": Reason.PRIVATE_IP_BLOCKED,
    "100.64.0.9:7072": Reason.PRIVATE_IP_BLOCKED,
    "127.0.0.9:7072": Reason.LOOPBACK_BLOCKED,
    "0.0.0.0:7072": Reason.INVALID_IPV4_ENDPOINT,
    "224.0.0.1:7072": Reason.INVALID_IPV4_ENDPOINT,
    "300.1.1.1:7072": Reason.INVALID_IPV4_ENDPOINT,
    "127.5.0.1:0": Reason.INVALID_IPV4_ENDPOINT,
}


@provokes(Reason.IPV6_BLOCKED, Reason.PRIVATE_IP_BLOCKED, Reason.LOOPBACK_BLOCKED, Reason.INVALID_IPV4_ENDPOINT)
async def test_every_forbidden_seed_is_recorded_as_a_skip_from_seed(nodes):
    node = await nodes.start(seeds=tuple(FORBIDDEN), allow_networks=(), target_peers=8)
    entries = await eventually(lambda: len(node.recorded()) == len(FORBIDDEN) and node.recorded())
    assert {entry.addr: entry.reason for entry in entries} == FORBIDDEN
    assert {(entry.kind, entry.source, entry.via) for entry in entries} == {("skip", "seed", None)}
    assert node.tracker.totals().started == 0


@provokes(Reason.IPV6_BLOCKED, Reason.PRIVATE_IP_BLOCKED, Reason.LOOPBACK_BLOCKED, Reason.INVALID_IPV4_ENDPOINT)
async def test_every_forbidden_address_that_a_peer_names_is_recorded_with_that_peer(nodes):
    node = await nodes.start(allow_networks=("127.60.0.0/16",))
    async with raw_dial(node.addr, local_host="127.60.0.1", listen_port=7072) as peer:
        await peer.shake_hands()
        await peer.send(PeerList(peers=[PeerAddress(addr=addr) for addr in FORBIDDEN]))
        entries = await eventually(lambda: len(node.recorded()) == len(FORBIDDEN) and node.recorded())
    assert {entry.addr: entry.reason for entry in entries} == FORBIDDEN
    assert {(entry.kind, entry.source, entry.via) for entry in entries} == {("skip", Source.GOSSIP, "127.60.0.1:7072")}
    assert set(FORBIDDEN).isdisjoint(entry.addr for entry in node.node.book)


async def test_an_address_without_a_port_is_recorded_with_the_default_port(nodes):
    node = await nodes.start(bans=("127.77.1.1",))
    entry = await node.fail_to_connect("127.77.1.1")
    assert (entry.reason, entry.addr) == (Reason.BANNED_LOCAL, "127.77.1.1:7072")
