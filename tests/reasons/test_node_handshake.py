"""Handshakes that fail, each in its own way: between two real nodes, or with a peer that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from msgspec import structs

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.wire.frames import HANDSHAKE_FRAME_MAX_BYTES, PREAMBLE, frame
from nocarrier.sources.node.wire.messages import Ping, Reject
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.node_process import NodeProcess
from testbed.nodes import OPTIONS, TIMING, eventually, facts, nodes_fixture
from testbed.programs import requires
from testbed.provokes import provokes
from testbed.raw_peer import RawPeer, raw_dial, raw_listener

nodes = nodes_fixture


# ---- two nodes that do not fit together ------------------------------------------------------------------------------


@provokes(Reason.VERSION_MISMATCH)
@pytest.mark.parametrize(
    ("ours", "theirs", "blame"),
    [
        pytest.param({"min": 1, "max": 2}, {"min": 3, "max": 4}, "us", id="we are out of date"),
        pytest.param({"min": 3, "max": 4}, {"min": 1, "max": 2}, "them", id="they are out of date"),
    ],
)
async def test_version_ranges_that_do_not_overlap(nodes, ours, theirs, blame):
    dialer = await nodes.start(min_protocol_version=ours["min"], protocol_version=ours["max"])
    listener = await nodes.start(min_protocol_version=theirs["min"], protocol_version=theirs["max"])
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("version_mismatch", "failure", "handshake", blame, "direct")
    assert (entry.evidence["ours"], entry.evidence["theirs"]) == (ours, theirs)
    await eventually(lambda: listener.node.listener.rejections["version_mismatch"] == 1)


@provokes(Reason.GENESIS_MISMATCH)
@pytest.mark.parametrize("difference", [{"genesis": "cd" * 32}, {"network": "elsewhere"}])
async def test_another_chain_or_network(nodes, difference):
    dialer, listener = await nodes.start(), await nodes.start(**difference)
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("genesis_mismatch", "failure", "handshake", "unknown", "direct")
    ours = {"network": OPTIONS.network, "genesis": OPTIONS.genesis}
    assert (entry.evidence["ours"], entry.evidence["theirs"]) == (ours, ours | difference)


@provokes(Reason.CLOCK_SKEW)
@requires("faketime")
@pytest.mark.parametrize(("offset", "seconds"), [("+20m", 1200), ("-20m", -1200)])
async def test_clocks_that_are_twenty_minutes_apart(nodes, tmp_path, offset, seconds):
    dialer = await nodes.start()
    process = NodeProcess(
        tmp_path / "skewed",
        under=["faketime", "-f", offset],
        environment={"FAKETIME_DONT_FAKE_MONOTONIC": "1"},
        **structs.asdict(structs.replace(OPTIONS, p2p_listen="127.0.0.1:0")),
    )
    with process:
        entry = await dialer.fail_to_connect(process.addr)
    assert facts(entry) == ("clock_skew", "failure", "handshake", "unknown", "direct")
    clocks = entry.evidence["ours"]["clock_unix"], entry.evidence["theirs"]["clock_unix"]
    assert clocks[1] - clocks[0] == pytest.approx(seconds, abs=10)


# ---- the other side says no ------------------------------------------------------------------------------------------


@provokes(Reason.BANNED)
async def test_a_peer_that_bans_us_says_so_and_until_when(nodes):
    dialer, listener = await nodes.start(), await nodes.start()
    until_unix = time.time() + 120
    listener.node.ban(dialer.node_id, until_unix=until_unix, reason="spam")
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("banned", "failure", "handshake", "us", "direct")
    assert entry.evidence["stated_by"] == "remote"
    assert entry.evidence["until_unix"] == pytest.approx(until_unix)
    assert entry.detail == "spam"


@provokes(Reason.TOO_MANY_PEERS)
async def test_a_peer_without_a_free_slot_says_so(nodes):
    _, listener = await nodes.pair(max_peers=1)
    dialer = await nodes.start()
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("too_many_peers", "failure", "handshake", "none", "direct")
    assert entry.evidence["stated_by"] == "remote"


@provokes(Reason.PEER_ID_MISMATCH)
async def test_another_node_at_a_known_address_is_noticed_once_and_then_accepted(nodes, tmp_path):
    first = await nodes.start(host="127.90.0.1")
    dialer = await nodes.start(seeds=(first.addr,), target_peers=1)
    await eventually(lambda: dialer.is_connected_with(first))
    await first.stop()
    second = await nodes.start(host="127.90.0.1", port=first.port, data_dir=tmp_path / "second")
    entry = await dialer.fail_to_connect(second.addr)
    assert facts(entry) == ("peer_id_mismatch", "failure", "handshake", "them", "direct")
    assert entry.evidence["ours"] == {"node_id": first.node_id}
    assert entry.evidence["theirs"] == {"node_id": second.node_id}
    assert (await dialer.node.connect(second.addr)).reason is None
    assert dialer.is_connected_with(second)


@provokes(Reason.HANDSHAKE_ERROR)
async def test_a_rejection_with_a_code_that_we_do_not_know_keeps_code_and_text(nodes):
    async def reject(peer: RawPeer) -> None:
        await peer.introduce()
        await peer.send(Reject(code="full_moon", detail="awoo"))
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(reject) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("handshake_error", "failure", "handshake", "them", "direct")
    assert entry.evidence["stated_by"] == "remote"
    assert "full_moon" in entry.detail
    assert "awoo" in entry.detail


# ---- the other side does not keep to the protocol --------------------------------------------------------------------

MALFORMED = {
    "garbage in a frame": PREAMBLE + frame(b"\xc1garbage"),
    "an oversized frame": PREAMBLE + (HANDSHAKE_FRAME_MAX_BYTES + 1).to_bytes(4, "big"),
    "an empty frame": PREAMBLE + bytes(4),
}


@provokes(Reason.MALFORMED_HANDSHAKE)
@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED.keys())
async def test_an_answer_in_our_framing_that_cannot_be_read(nodes, answer):
    async def speak(peer: RawPeer) -> None:
        await peer.send_bytes(answer)
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(speak) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("malformed_handshake", "failure", "handshake", "them", "direct")
    assert entry.evidence["stated_by"] == "us"
    assert entry.detail


@provokes(Reason.MALFORMED_HANDSHAKE)
async def test_a_message_out_of_turn(nodes):
    async def ping_at_once(peer: RawPeer) -> None:
        await peer.introduce()
        await peer.send(Ping(nonce=1))
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(ping_at_once) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("malformed_handshake", "failure", "handshake", "them", "direct")
    assert "Ping out of turn" in entry.detail


@provokes(Reason.MALFORMED_HANDSHAKE)
async def test_a_peer_that_claims_the_id_of_another_cannot_prove_it(nodes):
    victim = Identity.generate()

    async def lie(peer: RawPeer) -> None:
        await peer.introduce(node_id=victim.node_id)
        await peer.receive()
        await peer.send(peer.auth())
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(lie) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("malformed_handshake", "failure", "handshake", "them", "direct")
    assert not dialer.node.sessions


@pytest.mark.parametrize("bytes_", MALFORMED.values(), ids=MALFORMED.keys())
async def test_the_listener_tells_a_dialer_that_it_cannot_be_read(nodes, bytes_):
    listener = await nodes.start()
    async with raw_dial(listener.addr) as peer:
        await peer.send_bytes(bytes_)
        await peer.receive_preamble()
        assert (await peer.receive_until(Reject)).code == "malformed_handshake"
    assert listener.node.listener.rejections == {"malformed_handshake": 1}
    assert listener.tracker.recent() == []


@provokes(Reason.NOT_OUR_PROTOCOL)
@pytest.mark.parametrize(
    ("server", "speaks"),
    [
        ("http_bad_request", "http"),
        ("http_ok", "http"),
        ("tls", "tls"),
        ("ssh", "ssh"),
        ("bitcoin", "bitcoin"),
        ("multistream", "multistream"),
        ("garbage", None),
        ("dribble", "ssh"),
    ],
)
async def test_another_protocol_is_named(nodes, server, speaks):
    dialer = await nodes.start()
    async with FAULT_SERVERS[server]() as port:
        entry = await dialer.fail_to_connect(f"127.0.0.1:{port}")
    assert facts(entry) == ("not_our_protocol", "failure", "handshake", "them", "direct")
    assert entry.evidence.get("speaks") == speaks
    assert bytes.fromhex(entry.evidence["first_bytes"])


@provokes(Reason.NOT_OUR_PROTOCOL)
async def test_an_echo_service_is_not_taken_for_ourselves(nodes):
    async def echo(peer: RawPeer) -> None:
        while data := await peer.reader.read(65536):
            await peer.send_bytes(data)

    dialer = await nodes.start()
    async with raw_listener(echo) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("not_our_protocol", "failure", "handshake", "them", "direct")
    assert entry.evidence["speaks"] == "echo"


# ---- the other side goes away, or says nothing -----------------------------------------------------------------------


@provokes(Reason.REMOTE_CLOSED)
async def test_a_peer_that_closes_at_once(nodes):
    dialer = await nodes.start()
    async with FAULT_SERVERS["close"]() as port:
        entry = await dialer.fail_to_connect(f"127.0.0.1:{port}")
    assert facts(entry) == ("remote_closed", "failure", "handshake", "them", "direct")
    assert entry.evidence["bytes_received"] == 0


@provokes(Reason.REMOTE_CLOSED)
async def test_a_peer_that_closes_in_the_middle_of_its_answer(nodes):
    async def half(peer: RawPeer) -> None:
        await peer.send_bytes(PREAMBLE)
        peer.writer.write_eof()
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(half) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("remote_closed", "failure", "handshake", "them", "direct")
    assert entry.evidence["bytes_received"] == len(PREAMBLE)


@provokes(Reason.CONNECTION_RESET)
@pytest.mark.parametrize("server", ["reset", "reset_after_first_bytes"])
async def test_a_peer_that_resets(nodes, server):
    dialer = await nodes.start()
    async with FAULT_SERVERS[server]() as port:
        entry = await dialer.fail_to_connect(f"127.0.0.1:{port}")
    assert facts(entry)[:2] == ("connection_reset", "failure")
    assert entry.phase in {"connect", "handshake"}
    assert entry.evidence["errno"] in {"ECONNRESET", "EPIPE"}


@provokes(Reason.HANDSHAKE_TIMEOUT)
async def test_a_silent_peer_is_tried_on_fresh_connections_until_the_window_ends(nodes):
    connections = 0

    async def count(peer: RawPeer) -> None:
        nonlocal connections
        connections += 1
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(count) as addr:
        entry = await dialer.fail_to_connect(addr)
    assert facts(entry) == ("handshake_timeout", "failure", "handshake", "them", "direct")
    attempts = round(TIMING.handshake_window_s / TIMING.handshake_attempt_s)
    assert connections == entry.evidence["connect_attempts"] == attempts
    assert len(entry.attempts) == attempts
    assert entry.evidence["bytes_received"] == 0
    assert entry.duration_s == pytest.approx(TIMING.handshake_window_s, abs=0.4)


async def test_a_peer_that_answers_the_second_connection_is_connected(nodes):
    connections = 0

    async def answer_the_second(peer: RawPeer) -> None:
        nonlocal connections
        connections += 1
        if connections > 1:
            await peer.shake_hands()
        await peer.wait_closed()

    dialer = await nodes.start()
    async with raw_listener(answer_the_second) as addr:
        assert (await dialer.node.connect(addr)).reason is None
    assert connections == 2


# ---- our own self, behind a forwarder --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def forwarder(host: str, to: str):
    """Forwards connections, like a router with a port mapping."""
    to_host, _, to_port = to.rpartition(":")

    async def pump(reader, writer) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
            writer.write_eof()

    async def forward(peer: RawPeer) -> None:
        reader, writer = await asyncio.open_connection(to_host, int(to_port))
        try:
            await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))
        finally:
            writer.transport.abort()

    async with raw_listener(forward, host=host) as addr:
        yield addr


@provokes(Reason.SELF_DIAL_BLOCKED)
async def test_this_node_behind_a_forwarder_is_recognised_in_the_handshake_and_remembered(nodes):
    node = await nodes.start()
    async with forwarder("127.91.0.1", node.addr) as addr:
        entry = await node.fail_to_connect(addr)
        assert facts(entry) == ("self_dial_blocked", "failure", "handshake", "none", "direct")
        assert entry.evidence["ours"] == entry.evidence["theirs"]
        assert entry.evidence["ours"]["node_id"] == node.node_id
        again = await node.fail_to_connect(addr)
    assert facts(again) == ("self_dial_blocked", "skip", "policy", "none", "direct")
    assert not node.node.sessions


@provokes(Reason.SELF_DIAL_BLOCKED)
async def test_two_nodes_with_one_key_are_distinguished_by_their_boot_ids(nodes, tmp_path):
    one = await nodes.start()
    copy = tmp_path / "copy"
    copy.mkdir()
    key = Path(one.data_dir, "node_key.pem")
    (copy / key.name).touch(mode=0o600)
    (copy / key.name).write_bytes(key.read_bytes())
    other = await nodes.start(data_dir=copy)
    entry = await one.fail_to_connect(other.addr)
    assert facts(entry) == ("self_dial_blocked", "failure", "handshake", "none", "direct")
    assert entry.evidence["ours"]["boot_id"] != entry.evidence["theirs"]["boot_id"]
