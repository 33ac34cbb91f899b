"""Frames: how messages are laid out in the byte stream.

Each side sends the preamble once and then frames: 4 bytes length (big-endian, of the body alone) and a msgpack body.
The preamble comes first so that another protocol is recognised before anything is decoded.
"""

from __future__ import annotations

from nocarrier.errors import WireError

MAGIC = b"NOCARR"
WIRE_VERSION = 1
"""Version of preamble and framing. What the frames contain is negotiated separately, in Hello."""

PREAMBLE = MAGIC + WIRE_VERSION.to_bytes(2, "big")

LENGTH_BYTES = 4

HANDSHAKE_FRAME_MAX_BYTES = 16 * 1024
"""The limit for a body before the handshake is complete. The largest honest one is a Hello or Welcome of about 6 kB; a
peer that has not proved an identity must not make us hold more."""

SESSION_FRAME_MAX_BYTES = 256 * 1024
"""The limit for a body in a session. The largest one now is a PeerList of about 25 kB; the rest is for later
messages."""


def frame(body: bytes) -> bytes:
    """Prefix `body` with its length."""
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class FrameReader:
    """Cuts a byte stream into frames.

    Holds at most what was fed and not yet read; if the caller reads until None after each feed, that is less than one
    frame. Each byte is moved a constant number of times however small the pieces: a length is read in place, and
    dropping the front of a bytearray takes amortised constant time in CPython.
    """

    def __init__(self) -> None:
        self.max_body_bytes = HANDSHAKE_FRAME_MAX_BYTES
        """Raise it once the other side has proved who it is."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in bytes from the network."""
        self._buffer += data

    def peek(self, count: int) -> bytes:
        """Return at most the next `count` bytes, without taking them."""
        return bytes(self._buffer[:count])

    def read_preamble(self) -> int | None:
        """Take the preamble; returns its wire version, or None while it is incomplete.

        Raises:
            WireError: the bytes so far are not the beginning of a preamble. Nothing is taken.
        """
        start = self.peek(len(PREAMBLE))
        if not MAGIC.startswith(start[: len(MAGIC)]):
            raise WireError("the first bytes are not our preamble")
        if len(start) < len(PREAMBLE):
            return None
        del self._buffer[: len(PREAMBLE)]
        return int.from_bytes(start[len(MAGIC) :], "big")

    def read_frame(self) -> bytes | None:
        """Take the next body; None while it is incomplete.

        Raises:
            WireError: the length is zero or above `max_body_bytes`; raised as soon as the length is known.
        """
        if len(self._buffer) < LENGTH_BYTES:
            return None
        length = int.from_bytes(self._buffer[:LENGTH_BYTES], "big")
        if not 1 <= length <= self.max_body_bytes:
            raise WireError(f"a frame of {length} bytes; allowed are 1 to {self.max_body_bytes}")
        end = LENGTH_BYTES + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[LENGTH_BYTES:end])
        del self._buffer[:end]
        return body

    def clear(self) -> None:
        """Drop what was fed and not yet read."""
        self._buffer.clear()

    def __len__(self) -> int:
        """Bytes that were fed and not yet read."""
        return len(self._buffer)
