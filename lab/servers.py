"""Fault servers that speak our protocol badly; pass them to `Stage.add_server` as ``lab.servers:NAME``."""

from __future__ import annotations

from functools import partial

from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.wire.claims import LocalPeer
from nocarrier.sources.node.wire.frames import HANDSHAKE_FRAME_MAX_BYTES, LENGTH_BYTES, PREAMBLE, frame
from nocarrier.sources.node.wire.messages import BOOT_ID_BYTES, NONCE_BYTES, encode
from nocarrier.testing.fault_servers import Starter, dribble, greet, serve

BYTE_EVERY_S = 0.2
"""Slower than any timeout in the lab allows: our Hello has some 300 bytes."""

_local = LocalPeer(
    node_id=Identity.generate().node_id,
    network="lab",
    genesis="0" * 64,
    min_version=1,
    max_version=2,
    boot_id=bytes(BOOT_ID_BYTES),
)
_HELLO = PREAMBLE + frame(encode(_local.hello(nonce=bytes(NONCE_BYTES), clock_unix=0.0)))
_OVERSIZED = PREAMBLE + (HANDSHAKE_FRAME_MAX_BYTES + 1).to_bytes(LENGTH_BYTES, "big")

SLOW_HELLO: Starter = partial(serve, partial(dribble, content=_HELLO, interval_s=BYTE_EVERY_S))
"""A correct handshake, one byte at a time."""

OVERSIZED_FRAME: Starter = partial(serve, partial(greet, greeting=_OVERSIZED))
"""Announces a message that is longer than allowed."""
