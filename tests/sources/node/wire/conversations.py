"""Complete conversations as one side receives them: for the tests of fragmentation and as seeds of the fuzzer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire import Connection, PeerAddress, Rejection
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import DialBack, DialBackOutcome, Goodbye, Reject, encode
from tests.sources.node.wire.pair import ALICE, BOB, MALLORY, NOW, Pair, dialer, listener, refuse


@dataclass(frozen=True)
class Conversation:
    """What a connection receives, and how to make that connection."""

    name: str
    make: Callable[[], Connection]
    stream: bytes


def conversations() -> list[Conversation]:
    """Every kind of handshake and session, received by the dialer and by the listener; and foreign protocols."""
    found: list[Conversation] = []
    for name, make_dialer, make_listener in PAIRS:
        pair = Pair(dialer=make_dialer(), listener=make_listener()).play()
        if name == "session":
            _talk(pair)
        found.append(Conversation(f"{name}, heard by the dialer", make_dialer, pair.to_dialer))
        found.append(Conversation(f"{name}, heard by the listener", make_listener, pair.to_listener))
    for name, stream in FOREIGN + BROKEN:
        found.append(Conversation(f"{name}, heard by the dialer", dialer, stream))
        found.append(Conversation(f"{name}, heard by the listener", listener, stream))
    return found


def _talk(pair: Pair) -> None:
    peers = [PeerAddress(addr=f"198.51.100.{number}:7072", node_id=BOB.node_id) for number in range(64)]
    for side, other in ((pair.dialer, pair.listener), (pair.listener, pair.dialer)):
        side.send_ping(2**64 - 1)
        side.send_get_peers()
        side.send_peer_list(peers)
        pair.play()
        side.send_dial_back(2**64 - 1, 7072)
        side.send_dial_back_result(0, DialBackOutcome.NOT_REACHED, "connection_refused")
        pair.play()
        later = msgspec.msgpack.encode({"type": "later", "addr": "192.0.2.2:7072"})
        other.receive_data(frame(later), NOW)
        if other is pair.listener:
            pair.to_listener += frame(later)
        else:
            pair.to_dialer += frame(later)
    goodbye = frame(encode(Goodbye(code="shutting_down", detail="bye")))
    pair.to_dialer += goodbye + b"never read"
    pair.to_listener += goodbye + b"never read"


_BANNED = Rejection(reason=Reason.BANNED, detail="spam", until_unix=NOW + 60)
_TICKET = Rejection(reason=Reason.TICKET_INVALID, detail="too old", ticket="expired")

PAIRS: list[tuple[str, Callable[[], Connection], Callable[[], Connection]]] = [
    ("session", dialer, listener),
    ("version mismatch", dialer, lambda: listener(min_version=3, max_version=4)),
    ("genesis mismatch", dialer, lambda: listener(genesis="cd" * 32)),
    ("self", dialer, lambda: listener(ALICE)),
    ("peer id mismatch", lambda: dialer(expected_node_id=MALLORY.node_id), listener),
    ("listener refuses the claim", dialer, lambda: listener(admit=refuse(_BANNED, when_proven=False))),
    ("listener refuses the proof", dialer, lambda: listener(admit=refuse(_TICKET, when_proven=True))),
    ("dialer refuses the claim", lambda: dialer(admit=refuse(_BANNED, when_proven=False)), listener),
    ("dialer refuses the proof", lambda: dialer(admit=refuse(_TICKET, when_proven=True)), listener),
    ("false proof", lambda: dialer(sign=MALLORY.sign), listener),
    ("dial-back", lambda: dialer(dial_back=True), listener),
]

FOREIGN = [
    ("http", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    ("tls alert", b"\x15\x03\x01\x00\x02\x02\x46"),
    ("ssh", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ("multistream", b"\x13/multistream/1.0.0\n"),
    ("bitcoin", b"\xf9\xbe\xb4\xd9version\x00\x00\x00\x00\x00\x65\x00\x00\x00"),
    ("nothing known", b"\x00\x01\x02\x03 hello there, this is a long text of no protocol"),
    ("half a magic", b"NOCAX"),
    ("another wire version", b"NOCARR\x00\x02" + b"?" * 40),
]

BROKEN = [
    ("nothing", b""),
    ("half a preamble", PREAMBLE[:5]),
    ("preamble only", PREAMBLE),
    ("empty frame", PREAMBLE + b"\x00\x00\x00\x00"),
    ("huge frame", PREAMBLE + b"\xff\xff\xff\xff"),
    ("no msgpack", PREAMBLE + frame(b"\xc1")),
    ("deep nesting", PREAMBLE + frame(b"\x82\xa4type\xa4ping\xa1x" + b"\x91" * 2000 + b"\xc0")),
    ("unknown message", PREAMBLE + frame(msgspec.msgpack.encode({"type": "later"}))),
    ("dial-back asked for at once", PREAMBLE + frame(encode(DialBack(nonce=1, port=7072)))),
    ("unknown rejection", PREAMBLE + frame(encode(Reject(code="full_moon", detail="awoo")))),
    ("goodbye at once", PREAMBLE + frame(encode(Goodbye(code="bye")))),
]
