"""`nocarrier.dial()`: one record, whatever the block does, and never an exception other than its own."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import weakref

import pytest

import nocarrier
from nocarrier.dialing import Dial
from nocarrier.model.address import Address
from nocarrier.testing.fault_servers import FAULT_SERVERS, closed_port
from testbed.dialing import read

A = "198.18.0.1:7072"


@pytest.fixture
def tracker():
    return nocarrier.DialTracker()


def dial(port, tracker, **options):
    return nocarrier.dial(f"127.0.0.1:{port}", "gossip", tracker=tracker, **options)


def only(tracker):
    [entry] = tracker.recent()
    totals = tracker.totals()
    assert (totals.started, totals.in_flight, totals.succeeded) == (1, 0, 0)
    return entry


# ---- a dial that succeeds -------------------------------------------------------------------------------------------


async def test_a_block_that_ends_without_error_is_a_success_with_its_phases(tracker):
    async with FAULT_SERVERS["ssh"]() as port:
        async with dial(port, tracker, via="198.18.0.9:7072") as d:
            reader, writer = await d.connect(timeout_s=2)
            async with d.phase("handshake", timeout_s=2):
                assert (await reader.readline()).startswith(b"SSH-2.0")
            d.node_id = "ab"
        writer.close()
    [success] = tracker.snapshot().successes
    assert (success.addr, success.source, success.via) == (f"127.0.0.1:{port}", "gossip", "198.18.0.9:7072")
    assert success.node_id == "ab"
    assert success.phases_s.keys() == {"connect", "handshake"}
    assert 0 < sum(success.phases_s.values()) <= success.duration_s
    assert [attempt.reason for attempt in success.attempts] == [None]
    assert (tracker.totals().started, tracker.totals().succeeded, tracker.recent()) == (1, 1, [])


async def test_an_address_that_is_parsed_already_is_dialed_as_it_is(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        async with Dial(Address("127.0.0.1", port), "gossip", recorder=tracker) as d:
            _, writer = await d.connect(timeout_s=2)
        writer.close()
    assert tracker.snapshot().successes[0].addr == d.addr == f"127.0.0.1:{port}"


async def test_anything_after_succeeded_is_not_part_of_the_dial(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        with pytest.raises(ZeroDivisionError):
            async with dial(port, tracker) as d:
                await d.connect(timeout_s=2)
                d.succeeded()
                d.succeeded()
                assert tracker.totals().in_flight == 0
                raise ZeroDivisionError
    assert (tracker.totals().succeeded, tracker.recent()) == (1, [])


async def test_the_streams_are_ordinary_ones(tracker):
    async with FAULT_SERVERS["http_ok"]() as port, dial(port, tracker) as d:
        reader, writer = await d.connect(timeout_s=2)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await writer.drain()
        assert (await reader.read()).endswith(b"ok\n")
        assert writer.get_extra_info("peername") == ("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()


async def test_a_fresh_connection_replaces_the_previous_one(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        with pytest.raises(TimeoutError):
            async with dial(port, tracker) as d:
                _, first = await d.connect(timeout_s=2)
                reader, _ = await d.connect(timeout_s=2)
                assert first.transport.is_closing()
                async with d.phase("handshake", timeout_s=0.05):
                    await reader.readexactly(1)
    entry = only(tracker)
    assert entry.reason == "handshake_timeout"
    assert len(entry.attempts) == 2


# ---- a dial that fails ----------------------------------------------------------------------------------------------


async def test_the_caller_sees_its_own_exception_untouched(tracker):
    mine = ValueError("mine")
    async with FAULT_SERVERS["silent"]() as port:
        with pytest.raises(ValueError, match="mine") as raised:
            async with dial(port, tracker) as d:
                await d.connect(timeout_s=2)
                raise mine
    assert raised.value is mine
    assert (mine.__cause__, mine.__context__) == (None, None)
    assert only(tracker).detail == "ValueError: mine"


async def test_a_failed_dial_closes_its_connection(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        with pytest.raises(ValueError, match="mine"):
            async with dial(port, tracker) as d:
                _, writer = await d.connect(timeout_s=2)
                raise ValueError("mine")
        assert writer.transport.is_closing()


class LibraryError(Exception):
    pass


async def test_a_connect_error_inside_a_librarys_own_keeps_all_its_evidence(tracker):
    async with closed_port() as port:
        with pytest.raises(LibraryError):
            async with dial(port, tracker) as d:
                try:
                    await d.connect(timeout_s=2)
                except OSError as exc:
                    raise LibraryError("could not connect") from exc
    entry = only(tracker)
    assert (entry.reason, entry.phase, entry.blame) == ("connection_refused", "connect", "them")
    assert entry.evidence["decided_by"] == "network"


async def test_a_dial_in_the_except_block_of_another_does_not_inherit_its_error(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        try:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the peer before")
        except OSError:
            with pytest.raises(ValueError, match="bad magic"):
                async with dial(port, tracker) as d:
                    await d.connect(timeout_s=2)
                    async with d.phase("handshake"):
                        raise ValueError("bad magic")  # noqa: B904 - as a handshake in there would
    assert only(tracker).reason == "handshake_error"


async def test_an_error_after_the_handshake_is_recorded_in_the_phase_session(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        with pytest.raises(OSError, match="reset"):
            async with dial(port, tracker) as d:
                await d.connect(timeout_s=2)
                async with d.phase("handshake"):
                    pass
                raise OSError(errno.ECONNRESET, "reset")
    assert (only(tracker).reason, only(tracker).phase) == ("connection_reset", "session")


@pytest.mark.parametrize(("name", "phase"), [("secure", "secure"), ("noise_xx", "handshake")])
async def test_a_phase_is_timed_under_the_name_it_was_given(tracker, name, phase):
    async with FAULT_SERVERS["close"]() as port:
        with pytest.raises(EOFError):
            async with dial(port, tracker) as d:
                streams = await d.connect(timeout_s=2)
                async with d.phase(name, timeout_s=2):
                    await read(*streams)
    assert only(tracker).phase == phase
    assert only(tracker).phases_s.keys() == {"connect", name}


async def test_a_phase_that_ends_in_time_leaves_no_deadline_behind(tracker):
    async with FAULT_SERVERS["silent"]() as port, dial(port, tracker) as d:
        _, writer = await d.connect(timeout_s=2)
        async with d.phase("handshake", timeout_s=0.02):
            pass
        await asyncio.sleep(0.04)
        writer.close()
    assert tracker.totals().succeeded == 1


async def test_a_name_without_addresses_is_not_found(tracker):
    async def resolve(_):
        return []

    with pytest.raises(socket.gaierror):
        async with nocarrier.dial("peer.test:1", "gossip", tracker=tracker, resolve=resolve) as d:
            await d.connect(timeout_s=2)
    assert only(tracker).reason == "dns_not_found"


# ---- whatever the caller does ---------------------------------------------------------------------------------------


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("never")


@pytest.mark.parametrize(
    "exc",
    [
        nocarrier.PeerRejected("banned", evidence={1: 2}),
        nocarrier.PeerRejected("handshake_timeout", evidence={"loop_lag_s": "long"}),
        nocarrier.PeerRejected([], b"\xff" * 1_000_000),
        nocarrier.DialSkipped("no_such_reason", "?"),
        HostileError(),
        ExceptionGroup("all", [HostileError(), HostileError()]),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
    ],
    ids=lambda exc: type(exc).__name__,
)
async def test_any_exception_ends_in_one_record(tracker, exc):
    async with FAULT_SERVERS["silent"]() as port:
        caught = None
        try:
            async with dial(port, tracker) as d:
                await d.connect(timeout_s=2)
                raise exc
        except BaseException as seen:
            caught = seen
    assert caught is exc
    assert len(only(tracker).detail or "") <= 300
    assert tracker.snapshot().dropped["recorder_error"] == 0


async def test_a_callback_that_raises_loses_neither_the_record_nor_the_exception(tracker):
    def counts_against_peer(fault):
        raise RuntimeError("never")

    async with closed_port() as port:
        with pytest.raises(ConnectionRefusedError):
            async with Dial(
                f"127.0.0.1:{port}", "gossip", recorder=tracker, counts_against_peer=counts_against_peer
            ) as d:
                await d.connect(timeout_s=2)
    assert only(tracker).reason == "connection_refused"
    assert not only(tracker).penalised, "without a judgement there is no penalty"


async def test_malformed_evidence_does_not_lose_the_dial(tracker):
    async with FAULT_SERVERS["silent"]() as port:
        with pytest.raises(ValueError, match="mine"):
            async with dial(port, tracker) as d:
                await d.connect(timeout_s=2)
                d.evidence = None
                raise ValueError("mine")
    assert only(tracker).reason == "other"
    assert "could not be classified" in only(tracker).detail


async def test_evidence_of_the_handshake_is_added_and_bounded(tracker):
    async with FAULT_SERVERS["close"]() as port:
        with pytest.raises(EOFError):
            async with dial(port, tracker) as d:
                streams = await d.connect(timeout_s=2)
                d.evidence["theirs"] = "x" * 1_000_000
                await read(*streams)
    entry = only(tracker)
    assert entry.reason == "remote_closed"
    assert len(entry.evidence["theirs"]) == 300
    assert entry.evidence["bytes_received"] == 0


async def test_a_failed_dial_can_be_collected_at_once(tracker):
    """No cycle keeps the dial, or the frames of its error, alive."""

    async def fail():
        d = dial(port, tracker)
        try:
            async with d:
                await d.connect(timeout_s=2)
        except OSError:
            return weakref.ref(d)

    async with closed_port() as port:
        gc.collect()
        gc.disable()
        try:
            failed = await fail()
            await asyncio.sleep(0)
            assert failed() is None
        finally:
            gc.enable()


async def test_the_tracker_may_be_another_recorder():
    class Recorder:
        def __init__(self):
            self.calls = []

        def begin(self, addr, source, *, via=None):
            self.calls.append(("begin", addr))
            return 7

        def fail(self, dial_id, fault, **_):
            self.calls.append(("fail", dial_id, fault.reason))

    recorder = Recorder()
    async with closed_port() as port:
        with pytest.raises(ConnectionRefusedError):
            async with dial(port, recorder) as d:
                await d.connect(timeout_s=2)
    assert recorder.calls == [("begin", f"127.0.0.1:{port}"), ("fail", 7, "connection_refused")]
