"""From any exception to one reason: by type, errno and structure, whatever a library has wrapped around it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl

import pytest

import nocarrier
from nocarrier import AddressError, DialSkipped, PeerRejected, classify
from nocarrier.classification import explain
from nocarrier.classification.errnos import reason_of_errno
from nocarrier.classification.exceptions import MAX_LINKS
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.testing.fault_servers import FAULT_SERVERS


class LibraryError(Exception):
    """An error of a library that knows nothing about errnos."""


def reason_of(exc, phase="handshake"):
    return classify(exc, phase).reason


def refused() -> OSError:
    """A real refusal, from the kernel."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as raised, socket.socket() as dialer:
            dialer.connect(reserved.getsockname())
    return raised.value


def wrapped(exc, *, times=1, explicitly=True):
    """Wrap `exc` in a library's own errors."""
    for _ in range(times):
        try:
            try:
                raise exc
            except BaseException as caught:
                if explicitly:
                    raise LibraryError("it did not work") from caught
                raise LibraryError("it did not work")  # noqa: B904 - what many libraries do
        except LibraryError as outer:
            exc = outer
    return exc


# ---- plain ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "phase", "reason"),
    [
        (errno.ECONNREFUSED, "connect", Reason.CONNECTION_REFUSED),
        (errno.ECONNRESET, "handshake", Reason.CONNECTION_RESET),
        (errno.EPIPE, "handshake", Reason.CONNECTION_RESET),
        (errno.ECONNABORTED, "handshake", Reason.CONNECTION_ABORTED),
        (errno.ENOTCONN, "handshake", Reason.NOT_CONNECTED),
        (errno.EADDRINUSE, "connect", Reason.ADDR_NOT_AVAILABLE),
        (errno.ENETDOWN, "connect", Reason.NETWORK_UNREACHABLE),
        (errno.EHOSTDOWN, "connect", Reason.HOST_UNREACHABLE),
        (errno.ENFILE, "connect", Reason.FD_EXHAUSTED),
        (errno.ENOBUFS, "connect", Reason.NO_MEMORY),
        (errno.EINVAL, "connect", Reason.ROUTE_BLACKHOLE),
        (errno.EINVAL, "handshake", Reason.HANDSHAKE_ERROR),
        (errno.ENOPROTOOPT, "connect", Reason.OTHER),
    ],
)
def test_an_errno_means_one_reason_in_a_phase(number, phase, reason):
    fault = classify(OSError(number, os.strerror(number)), phase)
    assert fault.reason is reason
    assert fault.phase == phase
    assert fault.evidence == {"errno": errno.errorcode[number]}
    assert os.strerror(number) in fault.detail


DEADLINES = [
    ("resolve", Reason.DNS_TIMEOUT),
    ("connect", Reason.TIMEOUT),
    ("secure", Reason.HANDSHAKE_TIMEOUT),
    ("handshake", Reason.HANDSHAKE_TIMEOUT),
    ("session", Reason.TIMEOUT),
    ("any", Reason.TIMEOUT),
]


@pytest.mark.parametrize(("phase", "reason"), DEADLINES)
def test_our_deadline_and_the_kernels_are_one_reason(phase, reason):
    assert reason_of(TimeoutError(), phase) is reason
    assert reason_of(TimeoutError("too late"), phase) is reason
    assert reason_of(TimeoutError(errno.ETIMEDOUT, "too late"), phase) is reason
    assert reason_of(OSError(errno.ETIMEDOUT, "too late"), phase) is reason
    assert classify(OSError(errno.ETIMEDOUT, "too late"), phase).evidence == {"errno": "ETIMEDOUT"}


def test_a_deadline_with_a_foreign_number_is_still_a_deadline():
    exc = TimeoutError(10_060, "WSAETIMEDOUT")
    assert reason_of(exc, "connect") is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (ConnectionRefusedError("no errno"), Reason.CONNECTION_REFUSED),
        (ConnectionResetError("Connection lost"), Reason.CONNECTION_RESET),
        (BrokenPipeError(), Reason.CONNECTION_RESET),
        (EOFError(), Reason.REMOTE_CLOSED),
        (asyncio.IncompleteReadError(b"", 4), Reason.REMOTE_CLOSED),
        (MemoryError(), Reason.NO_MEMORY),
        (OSError("no errno at all"), Reason.HANDSHAKE_ERROR),
        (AddressError("no port"), Reason.INVALID_IPV4_ENDPOINT),
        (DialSkipped("loopback_blocked", "it is"), Reason.LOOPBACK_BLOCKED),
        (DialSkipped("full_moon", "it is"), Reason.OTHER),
        (asyncio.CancelledError(), Reason.CANCELLED),
        (KeyboardInterrupt(), Reason.CANCELLED),
    ],
)
def test_without_an_errno_the_type_decides(exc, reason):
    assert reason_of(exc) is reason


async def test_asyncios_error_for_a_lost_connection_has_no_errno():
    async with FAULT_SERVERS["silent"]() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(ConnectionResetError) as raised:
            await writer.drain()
    assert raised.value.errno is None
    assert reason_of(raised.value) is Reason.CONNECTION_RESET


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (socket.EAI_NONAME, Reason.DNS_NOT_FOUND),
        (socket.EAI_NODATA, Reason.DNS_NOT_FOUND),
        (socket.EAI_AGAIN, Reason.DNS_TEMPORARY),
        (socket.EAI_FAIL, Reason.DNS_TEMPORARY),
        (socket.EAI_SYSTEM, Reason.DNS_TEMPORARY),
        (socket.EAI_ADDRFAMILY, Reason.DNS_NO_USABLE_FAMILY),
        (socket.EAI_MEMORY, Reason.NO_MEMORY),
        (socket.EAI_SERVICE, Reason.DNS_TEMPORARY),
        (None, Reason.DNS_TEMPORARY),
    ],
)
def test_a_resolvers_code_is_not_an_errno(code, reason):
    fault = classify(socket.gaierror(code, "text") if code else socket.gaierror("text"), "resolve")
    assert fault.reason is reason
    assert fault.evidence == {}


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), Reason.HANDSHAKE_ERROR),
        (ssl.SSLCertVerificationError(1, "self-signed"), Reason.HANDSHAKE_ERROR),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), Reason.REMOTE_CLOSED),
        (ssl.SSLZeroReturnError(6, "closed"), Reason.REMOTE_CLOSED),
    ],
)
def test_openssls_numbers_are_not_errnos(exc, reason):
    assert exc.errno in {1, 6, 8}, "as errnos: EPERM, ENXIO, ENOEXEC"
    fault = classify(exc, "secure")
    assert fault.reason is reason
    assert fault.evidence == {}


# ---- wrapped --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 7])
@pytest.mark.parametrize("explicitly", [True, False], ids=["cause", "context"])
def test_the_real_error_is_found_behind_a_librarys_own(times, explicitly):
    fault = classify(wrapped(refused(), times=times, explicitly=explicitly))
    assert fault.reason is Reason.CONNECTION_REFUSED
    assert fault.evidence == {"errno": "ECONNREFUSED"}


def test_a_suppressed_context_says_nothing():
    exc = wrapped(refused(), explicitly=False)
    assert reason_of(exc) is Reason.CONNECTION_REFUSED
    exc.__suppress_context__ = True  # as `raise ... from None` does
    assert reason_of(exc) is Reason.HANDSHAKE_ERROR


def test_the_nearest_error_that_says_something_decides():
    outer = wrapped(refused())
    timeout = TimeoutError()
    timeout.__cause__ = outer
    assert reason_of(wrapped(timeout), "connect") is Reason.TIMEOUT


def test_the_members_of_an_exception_group_are_examined():
    exc = ExceptionGroup("all attempts failed", [LibraryError("?"), ExceptionGroup("more", [refused()])])
    assert reason_of(exc, "connect") is Reason.CONNECTION_REFUSED


async def test_the_exception_group_of_a_task_group_is_examined():
    async def fail():
        raise refused()

    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    assert reason_of(raised.value, "connect") is Reason.CONNECTION_REFUSED


@pytest.mark.parametrize("kind", [list, tuple])
def test_errors_in_a_list_attribute_are_examined(kind):
    class MultiError(Exception):  # like py-libp2p's
        def __init__(self, errors):
            super().__init__("several")
            self.errors = errors

    assert reason_of(MultiError(kind([LibraryError(), refused()])), "connect") is Reason.CONNECTION_REFUSED


def test_anyios_layers_over_several_addresses_do_not_hide_the_error():
    # anyio.connect_tcp: OSError without an errno, from an ExceptionGroup of the error of each address
    outer = OSError("All connection attempts failed")
    outer.__cause__ = ExceptionGroup("multiple connection attempts failed", [refused(), refused()])
    assert outer.errno is None
    assert reason_of(wrapped(outer, times=2), "connect") is Reason.CONNECTION_REFUSED


def test_httpx_and_httpcore_layers_do_not_hide_the_error():
    # httpx.ConnectError from httpcore.ConnectError from OSError
    assert reason_of(wrapped(wrapped(refused()), times=1), "connect") is Reason.CONNECTION_REFUSED


async def test_a_real_timeout_of_asyncio_is_a_timeout_though_a_cancellation_is_its_cause():
    with pytest.raises(TimeoutError) as raised:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    # It is the cause only since 3.11.5; before, it is only the context.
    assert isinstance(raised.value.__context__, asyncio.CancelledError)
    assert reason_of(raised.value, "connect") is Reason.TIMEOUT


# ---- hostile --------------------------------------------------------------------------------------------------------


def test_a_ring_of_causes_ends():
    one, other = LibraryError("one"), LibraryError("other")
    one.__cause__, other.__cause__ = other, one
    assert reason_of(one) is Reason.HANDSHAKE_ERROR


def test_an_endless_chain_is_followed_only_so_far():
    near, far = wrapped(refused(), times=MAX_LINKS - 1), wrapped(refused(), times=MAX_LINKS)
    assert reason_of(near) is Reason.CONNECTION_REFUSED
    assert reason_of(far) is Reason.HANDSHAKE_ERROR


class HostileError(Exception):
    """Its attributes are code, and its text cannot be read."""

    @property
    def errors(self):
        raise RuntimeError("never")

    @property
    def errno(self):
        raise RuntimeError("never")

    def __str__(self):
        raise RuntimeError("never")


class HostileOSError(OSError):
    @property
    def errno(self):
        raise RuntimeError("never")


@pytest.mark.parametrize(
    "exc", [HostileError(), HostileOSError(), wrapped(HostileError()), ExceptionGroup("all", [HostileError()])]
)
def test_an_exception_that_misbehaves_is_still_classified(exc):
    fault = classify(exc, "handshake")
    assert fault.reason is Reason.HANDSHAKE_ERROR
    assert type(exc).__name__ in fault.detail


@pytest.mark.parametrize("reason", [None, 5, [], "no_such_reason", "x" * 1_000_000, "\udcff"])
def test_a_rejection_with_an_unknown_reason_is_other(reason):
    assert reason_of(PeerRejected(reason, "said so")) is Reason.OTHER


@pytest.mark.parametrize("evidence", [{1: 2}, {"loop_lag_s": "x"}, {"ours": object()}, {"decided_by": []}])
def test_a_rejection_with_strange_evidence_keeps_its_reason(evidence):
    fault = classify(PeerRejected("banned", evidence=evidence), "handshake")
    assert (fault.reason, fault.blame) == (Reason.BANNED, Blame.US)
    assert fault.evidence == evidence


@pytest.mark.parametrize("phase", ["lunch", None, 5, [], ""])
def test_an_unknown_phase_means_any_phase(phase):
    assert classify(ConnectionResetError(errno.ECONNRESET, "reset"), phase).phase is Phase.ANY


def test_no_reason_depends_on_the_text_of_a_message():
    liar = LibraryError("[Errno 111] Connection refused; timed out; reset by peer; banned")
    assert reason_of(liar, "connect") is Reason.OTHER
    assert reason_of(liar, "handshake") is Reason.HANDSHAKE_ERROR


def test_known_exceptions_keep_their_fault_and_unrelated_ones_are_skipped():
    known = nocarrier.Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH)
    exc = refused()
    assert explain(wrapped(exc), "handshake", known={id(exc): known}) is known
    assert explain(wrapped(exc), "handshake", known={id(exc): None}).reason is Reason.HANDSHAKE_ERROR


@pytest.mark.parametrize("phase", Phase)
def test_every_errno_of_this_system_gets_a_reason_or_none_and_never_raises(phase):
    for number in errno.errorcode:
        reason = reason_of_errno(number, phase)
        assert reason is None or reason in Reason
