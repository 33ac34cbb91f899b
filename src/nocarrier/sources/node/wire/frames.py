"""Frames: how messages lie in the byte stream.

Each side sends the preamble once and then frames: 4 bytes length (big-endian, of the body alone) and a msgpack body.
The preamble comes first so that whoever speaks something else is told apart before anything is decoded.
"""

from __future__ import annotations

from nocarrier.errors import WireError

MAGIC = b"NOCARR"
WIRE_VERSION = 1
"""Version of preamble and framing. What is said within frames is negotiated apart, in Hello."""

PREAMBLE = MAGIC + WIRE_VERSION.to_bytes(2, "big")

LENGTH_BYTES = 4

HANDSHAKE_FRAME_MAX_BYTES = 16 * 1024
"""A body before the handshake is complete. The largest honest one is a Hello or Welcome of about 6 kB; whoever has not
proven an identity shall not make us hold more."""

SESSION_FRAME_MAX_BYTES = 256 * 1024
"""A body within a session. The largest one now is a PeerList of about 25 kB; the rest is room for later messages."""


def frame(body: bytes) -> bytes:
    """`body` with its length before it."""
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class FrameReader:
    """Cuts a byte stream into frames.

    Holds at most what was fed and not yet read; when the caller reads until None after each feed, that is less than
    one frame. Each byte is moved a constant number of times however small the pieces: a length is looked at in place,
    and dropping the front of a bytearray is amortised constant time in CPython.
    """

    def __init__(self) -> None:
        self.max_body_bytes = HANDSHAKE_FRAME_MAX_BYTES
        """Raise it when the other side has proven who it is."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in what came from the network."""
        self._buffer += data

    def peek(self, count: int) -> bytes:
        """The next bytes, at most `count` of them, without taking them."""
        return bytes(self._buffer[:count])

    def read_preamble(self) -> int | None:
        """Take the preamble; returns its wire version, or None while it is not whole.

        Raises:
            WireError: the bytes so far are not how a preamble begins. Nothing is taken.
        """
        start = self.peek(len(PREAMBLE))
        if not MAGIC.startswith(start[: len(MAGIC)]):
            raise WireError("the first bytes are not our preamble")
        if len(start) < len(PREAMBLE):
            return None
        del self._buffer[: len(PREAMBLE)]
        return int.from_bytes(start[len(MAGIC) :], "big")

    def read_frame(self) -> bytes | None:
        """Take the next body, or None while it is not whole.

        Raises:
            WireError: the length is zero or above `max_body_bytes`; told as soon as the length is known.
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
        """Drop what was fed and not read."""
        self._buffer.clear()

    def __len__(self) -> int:
        """Bytes that were fed and not yet read."""
        return len(self._buffer)
