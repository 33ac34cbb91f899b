"""What the kernel knows about an open connection: whether our bytes arrive, and whether large segments do.

This distinguishes a peer whose program hangs (its kernel has acknowledged everything) from one whose host or path is
gone (nothing is acknowledged), and both from a path that silently drops large packets (RFC 2923 section 2.1): there the
end of our Hello arrives and its beginning never does. Source of the layout: linux/tcp.h; what each fault leaves in
these counters was measured in network namespaces.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple, Protocol

from nocarrier.model.fault import Evidence

_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO = struct.Struct("9I")  # linux/sock_diag.h; the first is SK_MEMINFO_RMEM_ALLOC

_TCPI_OPT_SACK = 2  # linux/tcp.h

# struct tcp_info up to tcpi_rcv_ooopack, which came with Linux 5.4; newer kernels return more.
_LAYOUT = struct.Struct("=2xB2xB2xI4xIIII24xI40xI16x8xQ64xQQ8xI")

SENT_IN_VAIN = 3
"""How often the retransmission timer must have fired for one segment before the path is held to drop it and not just to
have bad luck. With the first sending and the fast retransmission that makes five losses in a row: on a path that loses
30 % of its packets in both directions, 6 of 10,800 connections were misjudged, in either direction (measured). The
timer starts at 200 ms or more and doubles (RFC 6298 section 5.5), so this takes 1.4 s."""

_TIMEOUTS_IN_VAIN = 15
"""The peer's retransmission timer takes this many times its first timeout to fire four times: 1 + 2 + 4 + 8. That is
one more than we require of our own, because we cannot see the peer's retransmissions; 3.1 s if round trips are
short."""

_SMALL_BYTES = 536
"""The size that fits through any path (RFC 9293 section 3.7.1), and that Linux assumes for the peer's segments until a
larger one has arrived (tcp_initialize_rcv_mss)."""


class Socket(Protocol):
    """Anything whose socket options can be read: a socket, or asyncio's view of the socket of a transport."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        """Return the value of an option."""


class TcpInfo(NamedTuple):
    """Counters of one connection."""

    retransmits: int
    """How often the retransmission timer fired since anything we sent was last acknowledged."""
    options: int
    retransmission_timeout_us: int
    sent_mss_bytes: int
    """The largest segment that we send."""
    received_mss_bytes: int
    """The largest segment that arrived in order."""
    unacknowledged: int
    """Segments that we sent and that were not acknowledged in order."""
    selectively_acknowledged: int
    """How many of these arrived nevertheless, after others that did not."""
    last_heard_ms: int
    """Milliseconds since the last segment from the peer."""
    total_retransmits: int
    """Retransmitted SYNs included."""
    bytes_received: int
    """Bytes that arrived in order."""
    bytes_sent: int
    bytes_sent_again: int
    out_of_order: int
    """Segments from the peer that arrived before earlier ones."""


def read_tcp_info(sock: Socket) -> TcpInfo | None:
    """The counters of a connection; None if this system does not give them, or the socket is closed."""
    if sys.platform != "linux":
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAYOUT.size)
    except OSError:
        return None
    return TcpInfo(*_LAYOUT.unpack(info)) if len(info) == _LAYOUT.size else None


def handshake_evidence(sock: Socket, bytes_read: int) -> Evidence:
    """What happened to the bytes of a handshake that got no answer.

    Args:
        sock: the connected socket, still open.
        bytes_read: how many of the peer's bytes were read from it.
    """
    info = read_tcp_info(sock)
    if info is None:
        return Evidence()
    evidence = Evidence(
        unacknowledged=info.unacknowledged - info.selectively_acknowledged,
        # If no byte was sent again, it was the SYN that was sent again.
        data_retransmits=info.total_retransmits if info.bytes_sent_again else 0,
    )
    if _loses_large_segments_sent(info):
        evidence["large_segments_lost"] = "sent"
    elif _loses_large_segments_received(info, bytes_read) and _has_unread(sock):
        evidence["large_segments_lost"] = "received"
    return evidence


def _loses_large_segments_sent(info: TcpInfo) -> bool:
    """Whether a full segment was sent again and again in vain, while the smaller one after it has arrived."""
    is_selective = bool(info.options & _TCPI_OPT_SACK)  # without SACK the kernel only guesses what arrived
    is_full = info.bytes_sent_again >= info.retransmits * info.sent_mss_bytes
    return is_selective and is_full and info.selectively_acknowledged > 0 and info.retransmits >= SENT_IN_VAIN


def _loses_large_segments_received(info: TcpInfo, bytes_read: int) -> bool:
    """Whether a peer's segment is missing, nothing large ever came, and the peer had time to send it again in vain.

    The peer's retransmission timeout is about ours: both derive from the round trips of the same path.
    """
    silent_us = info.last_heard_ms * 1000
    return (
        info.out_of_order > 0
        and info.total_retransmits == 0
        and info.bytes_received == bytes_read
        and info.received_mss_bytes <= _SMALL_BYTES
        and silent_us >= _TIMEOUTS_IN_VAIN * info.retransmission_timeout_us
    )


def _has_unread(sock: Socket) -> bool:
    """Whether bytes wait in the kernel. If all bytes that came in order were read, these wait for a missing segment."""
    try:
        memory = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return False
    return len(memory) == _MEMINFO.size and _MEMINFO.unpack(memory)[0] > 0


def last_heard_s(sock: Socket) -> float | None:
    """How many seconds ago the last segment of the peer came, for example its FIN; None if that is not known."""
    info = read_tcp_info(sock)
    return None if info is None else info.last_heard_ms / 1000
