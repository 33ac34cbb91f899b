"""Performs a handshake of `wire` over a stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nocarrier.errors import PeerRejected
from nocarrier.model.address import Address
from nocarrier.sources.node.wire import AdmissionRules, Connection, Role
from nocarrier.sources.node.wire.events import DialedBack, HandshakeCompleted, HandshakeFailed, WireEvent

_READ_BYTES = 65536

FAREWELL_TIMEOUT_S = 2.0
"""How long a rejected peer may take to read why. To close with unread bytes would send a RST and lose the reason."""


class MakeConnection(Protocol):
    """Makes a wire connection. The node implements it, because it knows what it says about itself."""

    def __call__(
        self,
        *,
        role: Role,
        remote: Address,
        admit: AdmissionRules,
        expected_node_id: str | None = None,
        dial_back: bool = False,
    ) -> Connection:
        """Return a connection to `remote`, ready for its first bytes.

        Args:
            role: who dialed.
            remote: the address of the peer as this node sees it.
            admit: says whether the peer is accepted.
            expected_node_id: the node id that the peer has to prove; None: any.
            dial_back: whether the dial only answers a request for a dial-back.
        """


@dataclass(frozen=True, slots=True)
class Established:
    """A complete handshake, and the streams it was made on."""

    connection: Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    completed: HandshakeCompleted
    early_events: Sequence[WireEvent]
    """Events that came together with the end of the handshake."""


async def shake_hands(
    connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Established | DialedBack:
    """Exchange messages until the handshake is complete, or a dial-back is over. Put a deadline around it.

    Raises:
        PeerRejected: it failed, by our verdict or by the peer's (`evidence["stated_by"]`).
        OSError: the connection broke.
    """
    while True:
        await _send(connection, writer)
        data = await reader.read(_READ_BYTES)
        events = connection.receive_data(data, time.time()) if data else connection.receive_eof()
        for index, event in enumerate(events):
            match event:
                case HandshakeCompleted():
                    await _send(connection, writer)
                    return Established(connection, reader, writer, event, events[index + 1 :])
                case DialedBack():
                    await _send(connection, writer)
                    return event
                case HandshakeFailed():
                    await _send(connection, writer)
                    raise PeerRejected(event.reason, event.detail or None, evidence=event.evidence)
                case _:
                    pass


async def _send(connection: Connection, writer: asyncio.StreamWriter) -> None:
    data = connection.data_to_send()
    if data and not writer.is_closing():
        writer.write(data)
        await writer.drain()


async def part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close a connection so that our last bytes arrive: end our side, then wait for the peer to end its side."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(FAREWELL_TIMEOUT_S):
            if writer.can_write_eof():
                writer.write_eof()
            while await reader.read(_READ_BYTES):
                pass
    writer.transport.abort()
