"""What the kernel knows about a connection that stands: whether our bytes arrive, and whether large segments do.

Tells a peer whose program hangs (its kernel has confirmed everything) from one whose host or path is gone (nothing is
confirmed), and both from a path that swallows large packets without a word (RFC 2923 section 2.1): there the end of our
Hello arrives and its beginning never does. Source of the layout: linux/tcp.h; what each fault leaves in these counters
was measured in network namespaces.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple, Protocol

from nocarrier.model.fault import Evidence

_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO = struct.Struct("9I")  # linux/sock_diag.h; first SK_MEMINFO_RMEM_ALLOC

_TCPI_OPT_SACK = 2  # linux/tcp.h

# struct tcp_info up to tcpi_rcv_ooopack, which came with Linux 5.4; newer kernels give more.
_LAYOUT = struct.Struct("=2xB2xB2xI4xIIII24xI40xI16x8xQ64xQQ8xI")

SENT_IN_VAIN = 3
"""So often the retransmission timer must have fired for one segment before it counts as swallowed and not as unlucky.
With the first sending and the fast retransmission that makes five losses in a row: on a path that loses 30 % of its
packets either way, 6 of 10,800 connections were taken for swallowed, in either direction (measured). The timer begins
at 200 ms or more and doubles (RFC 6298 section 5.5), so this takes 1.4 s."""

_TIMEOUTS_IN_VAIN = 15
"""So many times its first timeout the peer's retransmission timer takes to fire four times: 1 + 2 + 4 + 8. Once more
than we ask of our own, as that it sent again cannot be seen from here; 3.1 s where round trips are short."""

_SMALL_BYTES = 536
"""What fits through any path (RFC 9293 section 3.7.1), and what Linux takes for the size of the peer's segments until a
larger one has arrived (tcp_initialize_rcv_mss)."""


class Socket(Protocol):
    """What can be asked for its options: a socket, or the one that asyncio shows of a transport."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        """The value of an option."""


class TcpInfo(NamedTuple):
    """Counters of one connection."""

    retransmits: int
    """How often the retransmission timer fired since anything we sent was confirmed."""
    options: int
    retransmission_timeout_us: int
    sent_mss_bytes: int
    """The largest segment that we send."""
    received_mss_bytes: int
    """The largest segment that arrived in its turn."""
    unacknowledged: int
    """Segments that we sent and that were not confirmed in their turn."""
    selectively_acknowledged: int
    """Of these, those that arrived all the same: later than others that did not."""
    last_heard_ms: int
    """Since the last segment of the peer."""
    total_retransmits: int
    """SYNs that were sent again among them."""
    bytes_received: int
    """In their turn."""
    bytes_sent: int
    bytes_sent_again: int
    out_of_order: int
    """Segments of the peer that arrived before others that were due."""


def read_tcp_info(sock: Socket) -> TcpInfo | None:
    """The counters of a connection; None where this system does not give them, or the socket is closed."""
    if sys.platform != "linux":
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAYOUT.size)
    except OSError:
        return None
    return TcpInfo(*_LAYOUT.unpack(info)) if len(info) == _LAYOUT.size else None


def handshake_evidence(sock: Socket, bytes_read: int) -> Evidence:
    """What became of the bytes of a handshake that got no answer.

    Args:
        sock: the connected socket, still open.
        bytes_read: how many bytes of the peer were taken from it.
    """
    info = read_tcp_info(sock)
    if info is None:
        return Evidence()
    evidence = Evidence(
        unacknowledged=info.unacknowledged - info.selectively_acknowledged,
        # Without a byte sent again, what was sent again was the SYN.
        data_retransmits=info.total_retransmits if info.bytes_sent_again else 0,
    )
    if _swallows_what_we_send(info):
        evidence["large_segments_lost"] = "sent"
    elif _swallows_what_we_receive(info, bytes_read) and _has_unread(sock):
        evidence["large_segments_lost"] = "received"
    return evidence


def _swallows_what_we_send(info: TcpInfo) -> bool:
    """Whether a full segment was sent in vain again and again while the smaller one after it has arrived."""
    is_selective = bool(info.options & _TCPI_OPT_SACK)  # without SACK the kernel guesses what arrived
    is_full = info.bytes_sent_again >= info.retransmits * info.sent_mss_bytes
    return is_selective and is_full and info.selectively_acknowledged > 0 and info.retransmits >= SENT_IN_VAIN


def _swallows_what_we_receive(info: TcpInfo, bytes_read: int) -> bool:
    """Whether a segment of the peer is missing, nothing large ever came, and it had the time to send it again in vain.

    Its retransmission timeout is about ours: both are taken from the round trips of the same path.
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
    """Whether bytes wait in the kernel. Where all that came in its turn was read, they wait for one that is missing."""
    try:
        memory = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return False
    return len(memory) == _MEMINFO.size and _MEMINFO.unpack(memory)[0] > 0


def last_heard_s(sock: Socket) -> float | None:
    """How many seconds ago the last segment of the peer came, its FIN for instance; None where that is not known."""
    info = read_tcp_info(sock)
    return None if info is None else info.last_heard_ms / 1000
