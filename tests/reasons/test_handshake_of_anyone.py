"""Reasons that end any program's handshake after the connection was up, provoked by peers or paths that misbehave."""

from __future__ import annotations

import asyncio
import select
import ssl
import time

import pytest

import nocarrier
from nocarrier.classification.first_bytes import FIRST_BYTES_MAX, name_protocol
from nocarrier.model.taxonomy import Reason
from nocarrier.testing.fault_servers import FAULT_SERVERS, greet, serve
from testbed.dialing import dial_in, dial_once, read
from testbed.programs import requires_root_netns
from testbed.provokes import provokes


async def meet(server, handshake, *, handshake_s=2.0, host="127.0.0.1"):
    """Dial one of the fault servers in this process."""
    async with FAULT_SERVERS[server](host) as port:
        return await dial_once(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}", handshake=handshake, handshake_s=handshake_s
        )


# ---- the connection breaks ------------------------------------------------------------------------------------------


@provokes(Reason.CONNECTION_RESET)
@pytest.mark.parametrize("server", ["reset", "reset_after_first_bytes"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_peer_that_resets(server, host):
    seen = await meet(server, read, host=host)
    assert (seen.reason, seen.phase, seen.blame) == ("connection_reset", "handshake", "unknown")
    assert (seen.error, seen.error_errno) == ("ConnectionResetError", "ECONNRESET")
    assert (seen.evidence["errno"], seen.evidence["bytes_received"]) == ("ECONNRESET", 0)
    assert [each["reason"] for each in seen.attempts] == [None], "the attempt itself had connected"
    assert seen.phases_s.keys() == {"connect", "handshake"}


@provokes(Reason.CONNECTION_RESET)
async def test_a_handshake_that_only_writes_notices_the_reset_without_an_errno():
    async def write(_, writer):
        while True:
            writer.write(b"hello")
            await writer.drain()

    seen = await meet("reset", write)
    assert (seen.reason, seen.error, seen.error_errno) == ("connection_reset", "ConnectionResetError", None)


@requires_root_netns
@provokes(Reason.CONNECTION_RESET)
def test_a_path_that_resets_once_we_send(net):
    net.router.firewall("forward", "tcp flags & psh == psh reject with tcp reset")
    seen = dial_in(net.client, f"{net.server.ipv4}:{net.silent}", handshake="read")
    assert (seen.reason, seen.phase, seen.blame) == ("connection_reset", "handshake", "unknown"), (
        "nobody can tell whose"
    )


@requires_root_netns
@provokes(Reason.CONNECTION_ABORTED)
def test_an_administrator_who_kills_the_socket(net):
    addr = f"{net.server.ipv4}:{net.silent}"
    seen = dial_in(net.client, addr, handshake="read_killed_by_an_administrator")
    assert (seen.reason, seen.phase, seen.blame) == ("connection_aborted", "handshake", "us")
    assert seen.evidence["errno"] == seen.error_errno == "ECONNABORTED"
    assert not seen.penalised


@provokes(Reason.NOT_CONNECTED)
async def test_a_socket_used_after_its_connection_died():
    async def end_of_our_side(_, writer):
        died = select.poll()
        died.register(writer.get_extra_info("socket"), select.POLLHUP)
        while not died.poll(0):
            await asyncio.sleep(0)
            writer.transport.pause_reading()  # so that the death is noticed by using the socket
        writer.write_eof()

    seen = await meet("reset", end_of_our_side)
    assert (seen.reason, seen.phase, seen.blame) == ("not_connected", "handshake", "us")
    assert seen.evidence["errno"] == seen.error_errno == "ENOTCONN"
    assert not seen.penalised


@provokes(Reason.REMOTE_CLOSED)
async def test_a_peer_that_closes_properly():
    seen = await meet("close", read)
    assert (seen.reason, seen.phase, seen.blame) == ("remote_closed", "handshake", "them")
    assert seen.error == "IncompleteReadError"
    assert seen.evidence["bytes_received"] == 0
    assert seen.evidence["elapsed_s"] < 2
    assert "errno" not in seen.evidence


@provokes(Reason.REMOTE_CLOSED)
async def test_a_peer_that_closes_in_the_middle_of_its_answer():
    async def read_much(reader, writer):
        writer.write(b"hello")
        await reader.readexactly(10_000)

    seen = await meet("http_ok", read_much)
    assert seen.reason == "remote_closed"
    assert seen.evidence["bytes_received"] > 50
    assert bytes.fromhex(seen.evidence["first_bytes"]).startswith(b"HTTP/1.1 200")
    assert len(bytes.fromhex(seen.evidence["first_bytes"])) == FIRST_BYTES_MAX
    assert seen.evidence["speaks"] == "http"


# ---- silence --------------------------------------------------------------------------------------------------------


@provokes(Reason.HANDSHAKE_TIMEOUT)
async def test_a_peer_that_never_answers():
    seen = await meet("silent", read, handshake_s=0.1)
    assert (seen.reason, seen.phase, seen.blame) == ("handshake_timeout", "handshake", "them")
    assert (seen.error, seen.error_errno) == ("TimeoutError", None)
    assert seen.evidence["bytes_received"] == 0
    assert "first_bytes" not in seen.evidence
    assert 0.1 <= seen.phases_s["handshake"] < 1


@provokes(Reason.HANDSHAKE_TIMEOUT)
async def test_a_peer_that_answers_too_slowly():
    async def read_much(reader, _):
        await reader.readexactly(10_000)

    seen = await meet("dribble", read_much, handshake_s=0.4)
    assert seen.reason == "handshake_timeout"
    assert 0 < seen.evidence["bytes_received"] < 40
    assert seen.evidence["speaks"] == "ssh"


@provokes(Reason.HANDSHAKE_TIMEOUT)
async def test_a_blocked_event_loop_blames_us():
    async def block(reader, _):
        await asyncio.sleep(0)
        time.sleep(1.3)
        await reader.readexactly(1)

    seen = await meet("silent", block, handshake_s=0.1)
    assert (seen.reason, seen.blame) == ("handshake_timeout", "us")
    assert 1.0 <= seen.evidence["loop_lag_s"] < 5
    assert not seen.penalised


@provokes(Reason.TIMEOUT)
async def test_a_stalled_event_loop_during_connect_is_no_excuse_if_the_kernel_heard_nothing():
    async with FAULT_SERVERS["backlog_full"]() as port:
        dial = asyncio.create_task(dial_once(f"127.0.0.1:{port}", connect_s=0.1))
        await asyncio.sleep(0.02)
        time.sleep(1.3)
        seen = await dial
    assert (seen.reason, seen.phase, seen.blame) == ("timeout", "connect", "path")
    assert seen.evidence["syn_retransmits"] >= 1
    assert 1.0 <= seen.evidence["loop_lag_s"] < 5


@requires_root_netns
@provokes(Reason.HANDSHAKE_TIMEOUT)
def test_forged_icmp_cannot_end_an_open_connection(net):
    net.router.firewall("forward", "tcp flags & psh == psh reject with icmpx port-unreachable")
    seen = dial_in(net.client, f"{net.server.ipv4}:{net.silent}", handshake="read", handshake_s=0.3)
    assert (seen.reason, seen.phase) == ("handshake_timeout", "handshake")


# ---- what the peer says ---------------------------------------------------------------------------------------------


async def expect_our_magic(reader, writer):
    """A handshake that looks at what comes first, as a node does."""
    writer.write(b"OURS")
    first_bytes = await reader.read(FIRST_BYTES_MAX)
    if first_bytes != b"OURS":
        raise nocarrier.PeerRejected("not_our_protocol", f"it speaks {name_protocol(first_bytes)}")


@provokes(Reason.NOT_OUR_PROTOCOL)
@pytest.mark.parametrize(
    ("server", "speaks"),
    [
        ("http_bad_request", "http"),
        ("tls", "tls"),
        ("ssh", "ssh"),
        ("bitcoin", "bitcoin"),
        ("multistream", "multistream"),
        ("garbage", None),
    ],
)
async def test_another_protocol_is_named_if_it_is_known(server, speaks):
    seen = await meet(server, expect_our_magic)
    assert (seen.reason, seen.phase, seen.blame) == ("not_our_protocol", "handshake", "them")
    assert seen.error == "PeerRejected"
    assert seen.evidence.get("speaks") == speaks
    assert 0 < len(bytes.fromhex(seen.evidence["first_bytes"])) <= FIRST_BYTES_MAX


@pytest.mark.parametrize(
    ("reason", "evidence", "blame"),
    [
        ("version_mismatch", {"ours": {"min": 1, "max": 2}, "theirs": {"min": 3, "max": 4}}, "us"),
        ("version_mismatch", {"ours": {"min": 3, "max": 4}, "theirs": {"min": 1, "max": 2}}, "them"),
        ("version_mismatch", {}, "unknown"),
        ("genesis_mismatch", {"ours": "aa", "theirs": "bb"}, "unknown"),
        ("banned", {"until_unix": 2e9, "stated_by": "remote"}, "us"),
        ("ticket_invalid", {"ticket": "expired"}, "us"),
        ("too_many_peers", {}, "none"),
        ("duplicate_connection", {}, "none"),
        ("peer_id_mismatch", {"ours": "aa", "theirs": "bb"}, "them"),
        ("malformed_handshake", {}, "them"),
    ],
)
async def test_a_stated_reason_is_kept_with_its_evidence(reason, evidence, blame):
    async def be_told(reader, _):
        said = (await reader.readline()).decode().strip()
        raise nocarrier.PeerRejected(said, "told by the peer", evidence=evidence)

    async def say(peer):
        await greet(peer, greeting=reason.encode() + b"\n")

    async with serve(say) as port:
        seen = await dial_once(f"127.0.0.1:{port}", handshake=be_told)
    assert (seen.reason, seen.phase, seen.blame) == (reason, "handshake", blame)
    assert seen.detail == "told by the peer"
    assert evidence.items() <= seen.evidence.items()
    assert bytes.fromhex(seen.evidence["first_bytes"]) == reason.encode() + b"\n"
    assert seen.penalised == (blame not in {"us", "none"})


async def test_a_stated_reason_that_the_table_does_not_know_is_kept_as_text():
    async def be_told(*_):
        raise nocarrier.PeerRejected("phase_of_the_moon", "waxing")

    seen = await meet("silent", be_told)
    assert (seen.reason, seen.detail) == ("other", "phase_of_the_moon: waxing")


@provokes(Reason.HANDSHAKE_ERROR)
async def test_any_other_error_of_a_handshake_is_kept_with_type_and_text():
    async def stumble(reader, _):
        int(await reader.readexactly(4))

    seen = await meet("ssh", stumble)
    assert (seen.reason, seen.phase, seen.blame) == ("handshake_error", "handshake", "them")
    assert seen.detail.startswith("ValueError: invalid literal for int()")
    assert seen.evidence["speaks"] == "ssh"


@provokes(Reason.HANDSHAKE_ERROR)
async def test_a_tls_error_is_not_taken_for_the_errno_it_carries():
    async def secure(_, writer):
        await writer.start_tls(ssl.create_default_context(), server_hostname="peer.test")

    seen = await meet("ssh", secure)
    assert (seen.reason, seen.error) == ("handshake_error", "SSLError"), "OpenSSL's 1 is not EPERM"
    assert "WRONG_VERSION_NUMBER" in seen.detail
    assert "errno" not in seen.evidence
