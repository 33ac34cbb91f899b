"""What the node makes of its dials beyond the record: what it learns, and which peers it dials again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from nocarrier.dialing import AddressPolicy
from nocarrier.model.address import Address
from nocarrier.model.node.state import DialOutcome
from nocarrier.model.taxonomy import Phase, Reason, Source
from nocarrier.sources.node.eligibility import Skip
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.nodes import eventually, eventually_recorded, facts, nodes_fixture
from testbed.raw_peer import RawPeer, raw_listener

nodes = nodes_fixture


async def test_a_peer_with_a_new_key_is_dialed_again_without_expecting_a_node_id(nodes, tmp_path):
    first = await nodes.start(host="127.90.0.1")
    dialer = await nodes.start()
    await dialer.node.connect(first.addr)
    await dialer.stop()
    await first.stop()
    second = await nodes.start(host="127.90.0.1", port=first.port, data_dir=tmp_path / "second")
    again = await nodes.start(data_dir=dialer.data_dir, target_peers=1)
    entry = await eventually_recorded(again, Reason.PEER_ID_MISMATCH)
    assert facts(entry) == ("peer_id_mismatch", "failure", "handshake", "them", "peer_book")
    await eventually(lambda: again.is_connected_with(second))
    assert again.node.book.get(second.addr).node_id == second.node_id


async def test_a_host_name_is_dialed_where_it_resolves_to_and_recorded_as_the_name(nodes):
    async def resolve(_: str) -> list[str]:
        return ["127.66.0.1", "127.0.0.1"]

    listener = await nodes.start(host="127.0.0.1")
    dialer = await nodes.start(resolve=resolve)
    result = await dialer.node.connect(f"Seed.Example:{listener.port}")
    assert (result.peer_addr, result.reason) == (f"seed.example:{listener.port}", None)
    assert f"seed.example:{listener.port}" in dialer.node.book


async def test_a_name_cannot_bypass_the_policy(nodes):
    async def resolve(_: str) -> list[str]:
        return ["10.1.2.3"]

    dialer = await nodes.start(resolve=resolve)
    entry = await dialer.fail_to_connect("seed.example:7072")
    assert facts(entry)[:3] == ("private_ip_blocked", "failure", "resolve")


async def test_a_name_cannot_bypass_a_ban(nodes):
    listener = await nodes.start(host="127.67.0.1")

    async def resolve(_: str) -> list[str]:
        return ["127.67.0.1"]

    dialer = await nodes.start(resolve=resolve, bans=("127.67.0.1",))
    entry = await dialer.fail_to_connect(f"seed.example:{listener.port}")
    assert entry.reason is Reason.BANNED_LOCAL
    assert not dialer.node.sessions


async def test_a_dial_is_made_from_the_address_that_the_node_listens_on(nodes):
    listener = await nodes.start()
    dialer = await nodes.start(host="127.68.0.1")
    await dialer.node.connect(listener.addr)
    await eventually(lambda: listener.node.sessions)
    assert listener.session_with(dialer).addr == dialer.addr


async def test_a_success_is_learned_with_node_id_and_source(nodes):
    dialer, listener = await nodes.pair()
    entry = dialer.node.book.get(listener.addr)
    assert (entry.node_id, entry.source, entry.successes_total) == (listener.node_id, Source.DIRECT, 1)
    assert entry.last_success_unix == pytest.approx(time.time(), abs=5)


async def test_a_failure_marks_the_entry_as_attempted(nodes):
    async with FAULT_SERVERS["closed_port"]() as port:
        addr = f"127.0.0.1:{port}"
        node = await nodes.start(seeds=(addr,), target_peers=1)
        await eventually_recorded(node, Reason.CONNECTION_REFUSED)
        await eventually(lambda: node.node.book.get(addr).last_attempt_unix)


async def test_a_failed_dial_by_hand_leaves_no_entry_in_the_book(nodes):
    node = await nodes.start()
    async with FAULT_SERVERS["closed_port"]() as port:
        await node.fail_to_connect(f"127.0.0.1:{port}")
        assert f"127.0.0.1:{port}" not in node.node.book


async def test_a_foreign_service_that_stays_connected_does_not_delay_the_record(nodes):
    async def speak_and_stay(peer: RawPeer) -> None:
        await peer.send_bytes(b"SSH-2.0-Test\r\n")
        await asyncio.sleep(60)

    node = await nodes.start()
    async with raw_listener(speak_and_stay) as addr:
        entry = await node.fail_to_connect(addr)
    assert entry.reason is Reason.NOT_OUR_PROTOCOL
    assert entry.duration_s < 0.4


class Counted:
    """How often each address was parsed and checked against policy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parsed: Counter[str] = Counter()
        self.completed: Counter[str] = Counter()
        """By a parser with our default port, if the text names none."""
        self.asked: Counter[str] = Counter()
        parse, check = Address.parse, AddressPolicy.check

        def count_parse(text, *, default_port=None):
            self.parsed[text] += 1
            self.completed[text] += default_port is not None
            return parse(text, default_port=default_port)

        def count_check(policy, ip, port):
            self.asked[str(Address(str(ip), port))] += 1
            return check(policy, ip, port)

        monkeypatch.setattr(Address, "parse", count_parse)
        monkeypatch.setattr(AddressPolicy, "check", count_check)


async def test_an_address_is_parsed_once_and_policy_asked_once_on_its_way_to_a_dial(nodes, monkeypatch):
    node, peer = await nodes.start(), await nodes.start()
    async with FAULT_SERVERS["closed_port"]() as port:
        addr = f"127.0.0.1:{port}"
        counted = Counted(monkeypatch)
        assert (await node.node.connect(addr)).reason is Reason.CONNECTION_REFUSED
        assert (counted.parsed[addr], counted.asked[addr]) == (1, 1)
    assert (await node.node.connect(peer.addr)).reason is None
    # The book checks that its entries are in normal form; only the entry point supplies a default port.
    assert (counted.completed[peer.addr], counted.asked[peer.addr]) == (1, 1)


async def test_text_that_is_not_an_address_is_recorded_as_it_was_given(nodes):
    node = await nodes.start()
    entry = await node.fail_to_connect("Peer Example")
    assert (entry.reason, entry.addr, entry.kind) == (Reason.INVALID_IPV4_ENDPOINT, "Peer Example", "skip")


async def test_the_source_of_a_dial_is_the_one_it_was_started_with(nodes):
    node = await nodes.start()
    async with FAULT_SERVERS["closed_port"]() as port:
        started = node.node.outbound.start(Address("127.0.0.1", port), Source.GOSSIP, "127.9.9.9:7072")
        assert not isinstance(started, Skip)
        result = await started
    assert (result.outcome, result.phase) == (DialOutcome.FAILED, Phase.CONNECT)
    entry = node.only_entry()
    assert (entry.source, entry.via) == (Source.GOSSIP, "127.9.9.9:7072")


@pytest.mark.timeout(120)
async def test_the_accounting_is_exact_under_a_storm_with_a_stop_in_the_middle(nodes):
    listener = await nodes.start(host="127.69.0.1", max_peers=3)
    dialer = await nodes.start(max_dials_in_flight=1000, max_peers=1000)
    async with (
        FAULT_SERVERS["closed_port"]() as closed,
        FAULT_SERVERS["silent"]("0.0.0.0") as silent,
        FAULT_SERVERS["close"]("0.0.0.0") as close,
        FAULT_SERVERS["reset"]("0.0.0.0") as reset,
        FAULT_SERVERS["ssh"]("0.0.0.0") as ssh,
    ):
        ports = (closed, silent, close, reset, ssh)
        calls = [
            asyncio.create_task(dialer.node.connect(f"127.0.0.{host}:{port}"))
            for host in range(1, 31)
            for port in ports
        ]
        calls += [asyncio.create_task(dialer.node.connect(listener.addr)) for _ in range(20)]
        calls += [asyncio.create_task(dialer.node.connect("10.0.0.1:1")) for _ in range(20)]
        await asyncio.sleep(0.3)
        for call in calls[::7]:
            call.cancel()
        await dialer.stop()
        await asyncio.gather(*calls, return_exceptions=True)
    totals = dialer.tracker.totals()
    assert totals.in_flight == 0
    assert totals.started == totals.succeeded + totals.failed + totals.cancelled
    assert totals.started + totals.skipped == len(calls)
    assert totals.cancelled >= 30  # the silent ones
    counts = dialer.tracker.counts()
    assert sum(counts.values()) == totals.failed + totals.cancelled + totals.skipped + totals.disconnected_early
    assert not any(dialer.tracker.snapshot().dropped.values())
