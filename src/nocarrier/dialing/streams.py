"""A connected socket as asyncio streams that count the received bytes and keep the first ones."""

from __future__ import annotations

import asyncio
import socket

from nocarrier.classification.first_bytes import name_protocol
from nocarrier.model.fault import Evidence

FIRST_BYTES = 32
"""How many bytes are kept as evidence; enough to recognise any protocol that greets first."""

OUR_PROTOCOL = "nocarrier"
"""What `name_protocol` calls our own protocol; a peer that speaks it is not evidence of anything."""

_READ_LIMIT = 2**16  # asyncio's own default


class EvidenceReader(asyncio.StreamReader):
    """A StreamReader that counts the bytes it reads.

    Attributes:
        bytes_received: bytes the peer has sent on this connection.
        first_bytes: the first of them, at most 32.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=_READ_LIMIT, loop=loop)
        self.bytes_received = 0
        self.first_bytes = b""

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # the transport gives bytes
        """Take in what the transport read."""
        self.bytes_received += len(data)
        if len(self.first_bytes) < FIRST_BYTES:
            self.first_bytes = (self.first_bytes + data)[:FIRST_BYTES]
        super().feed_data(data)

    def evidence(self) -> Evidence:
        """How many bytes came, and of which protocol if it is not ours."""
        evidence = Evidence(bytes_received=self.bytes_received)
        speaks = name_protocol(self.first_bytes)
        if self.first_bytes and speaks != OUR_PROTOCOL:
            evidence["first_bytes"] = self.first_bytes.hex()
            if speaks is not None:
                evidence["speaks"] = speaks
        return evidence


async def open_streams(sock: socket.socket) -> tuple[EvidenceReader, asyncio.StreamWriter]:
    """Open streams over `sock`; they own it from now on."""
    loop = asyncio.get_running_loop()
    reader = EvidenceReader(loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    try:
        transport, _ = await loop.create_connection(lambda: protocol, sock=sock)
    except BaseException:
        sock.close()
        raise
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
