"""Coverage-guided fuzzing of the wire protocol.

Run ``python -m tests.sources.node.wire.fuzz_wire --seconds 600``. It starts from real conversations and looks for bytes
from a peer that make a connection raise, keep too much, answer too much, or report different events when the same bytes
come in other pieces. Whatever it finds is printed, and the exit status is not 0.

An input is 3 bytes of choices (which connection, whether proofs are believed, how to cut) followed by the stream.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import atheris
import msgspec

import nocarrier  # noqa: F401 - the core first, so that the protocol alone guides the fuzzer

with atheris.instrument_imports():
    from nocarrier.sources.node.wire import Connection, State
    from nocarrier.sources.node.wire.claims import TICKET_KINDS
    from nocarrier.sources.node.wire.events import (
        DialedBack,
        HandshakeCompleted,
        HandshakeFailed,
        PeersReceived,
        ProtocolViolation,
        WireEvent,
    )
    from nocarrier.sources.node.wire.frames import (
        HANDSHAKE_FRAME_MAX_BYTES,
        LENGTH_BYTES,
        PREAMBLE,
        SESSION_FRAME_MAX_BYTES,
        frame,
    )
    from nocarrier.sources.node.wire.messages import PEER_LIST_MAX

from tests.sources.node.wire.conversations import conversations
from tests.sources.node.wire.pair import NOW, dialer, listener, messages_of

CHOICES = 3
MAKERS = (dialer, listener, lambda **changes: dialer(dial_back=True, **changes))
SENT_WITHOUT_SESSION_MAX_BYTES = 16 * 1024
"""Our Preamble, Hello, Auth, Welcome and Reject, generously."""


def check(data: bytes) -> None:
    """Check the property. Raises AssertionError, or whatever the connection should not have raised."""
    if len(data) < CHOICES:
        return
    choices, stream = data[:CHOICES], data[CHOICES:]
    whole, whole_sent = hear(make(choices), [stream])
    pieces, pieces_sent = hear(make(choices), cut(stream, seed=choices[2]))
    assert without_first_bytes(whole) == without_first_bytes(pieces), "pieces give other events than the whole"
    assert whole_sent == pieces_sent, "pieces are answered differently from the whole"


def make(choices: bytes) -> Connection:
    # With real proofs no mutated Hello would ever reach a session.
    believe = {"verify": lambda node_id, signature, data: True} if choices[1] & 1 else {}
    return MAKERS[choices[0] % len(MAKERS)](**believe)


def cut(stream: bytes, seed: int) -> list[bytes]:
    """Pieces of very different sizes; with seed 0 the first thousand bytes one by one."""
    draw = random.Random(seed)
    pieces = []
    while stream:
        size = 1 if seed == 0 and len(pieces) < 1000 else draw.choice((1, 2, 7, 40, 300, 5000))
        pieces.append(stream[:size])
        stream = stream[size:]
    return pieces


def hear(connection: Connection, pieces: list[bytes]) -> tuple[list[WireEvent], bytes]:
    events: list[WireEvent] = []
    sent = connection.data_to_send()
    for piece in pieces:
        events += connection.receive_data(piece, NOW)
        sent += connection.data_to_send()
        limit = SESSION_FRAME_MAX_BYTES if connection.state is State.SESSION else HANDSHAKE_FRAME_MAX_BYTES
        assert len(connection._reader) < LENGTH_BYTES + limit, "more than one frame is kept"
        assert not (connection.ended and len(connection._reader)), "something is kept after the end"
    events += connection.receive_eof()
    assert connection.ended
    assert connection.data_to_send() == b"", "the end of the stream is answered"
    check_events(events, heard_bytes=sum(map(len, pieces)))
    assert len(sent) <= SENT_WITHOUT_SESSION_MAX_BYTES + sum(map(len, pieces)), "more is answered than was received"
    if sent:
        messages_of(sent)
    return events, sent


def check_events(events: list[WireEvent], heard_bytes: int) -> None:
    assert len(events) <= 1 + heard_bytes // LENGTH_BYTES, "more events than frames"
    outcomes = HandshakeCompleted | HandshakeFailed | DialedBack
    assert sum(isinstance(event, outcomes) for event in events) == 1, "one outcome"
    assert isinstance(events[0], outcomes), "nothing comes before the outcome"
    assert isinstance(events[0], HandshakeCompleted) or len(events) == 1, "nothing comes after an end"
    assert all(not isinstance(event, ProtocolViolation) for event in events[:-1]), "nothing comes after a violation"
    for event in events:
        msgspec.json.encode(event)  # every text is valid UTF-8
        if isinstance(event, HandshakeFailed):
            assert len(event.detail) <= 400
            assert len(event.evidence.get("first_bytes", "")) <= 64
            assert event.evidence["stated_by"] in {"us", "remote"}
            assert event.evidence.get("ticket", "missing") in TICKET_KINDS
        if isinstance(event, PeersReceived):
            assert len(event.peers) <= PEER_LIST_MAX


def without_first_bytes(events: list[WireEvent]) -> list[object]:
    """Everything that must not depend on the pieces."""
    plain = msgspec.to_builtins(events)
    for event in plain:
        event.get("evidence", {}).pop("first_bytes", None)
    return plain


INTERESTING = (None, True, 0, -1, 2**63, 2**64 - 1, 0.5, float("nan"), float("inf"), 1e308)
INTERESTING += ("", "word", "expired", "Word\n", "\x1b[2J", "ü", "x" * 300, "x" * 5000, "0a" * 32, "dial_back", "hello")
INTERESTING += (
    b"",
    bytes(32),
    bytes(64),
    bytes(20_000),
    [],
    [[]],
    [{"addr": "192.0.2.1:1"}] * 65,
    {},
    {"a": {"a": []}},
)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change bytes anywhere; or one frame, with its length corrected; or the order of the frames."""
    draw = random.Random(seed)
    bodies = bodies_of(data[CHOICES:])
    if not bodies or draw.random() < 0.3:
        return atheris.Mutate(data, max_size)
    at = draw.randrange(len(bodies))
    match draw.randrange(8):
        case 0:
            bodies.insert(draw.randrange(len(bodies) + 1), bodies[at])
        case 1:
            del bodies[at]
        case 2 | 3:
            bodies[at] = atheris.Mutate(bodies[at], len(bodies[at]) + 64)
        case _:
            bodies[at] = mutate_field(bodies[at], draw)
    return (data[:CHOICES] + PREAMBLE + b"".join(map(frame, bodies)))[:max_size]


def mutate_field(body: bytes, draw: random.Random) -> bytes:
    """The same message with one field changed, left out or added."""
    try:
        message = msgspec.msgpack.decode(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not message:
        return atheris.Mutate(body, len(body) + 64)
    name = draw.choice([*message, "later"])
    if draw.random() < 0.1:
        message.pop(name, None)
    else:
        message[name] = draw.choice(INTERESTING)
    return msgspec.msgpack.encode(message)


def bodies_of(stream: bytes) -> list[bytes]:
    bodies = []
    stream = stream.removeprefix(PREAMBLE)
    while len(stream) > LENGTH_BYTES:
        end = LENGTH_BYTES + int.from_bytes(stream[:LENGTH_BYTES], "big")
        bodies.append(stream[LENGTH_BYTES:end])
        stream = stream[end:]
    return bodies


def write_seeds(folder: Path) -> int:
    seeds = [
        bytes([maker, believe, seed]) + conversation.stream
        for conversation in conversations()
        for maker in range(len(MAKERS))
        for believe in (0, 1)
        for seed in (0, 1)
    ]
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)
        check(seed)
    return len(seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long to fuzz")
    parser.add_argument("--corpus", type=Path, help="folder that keeps interesting inputs for the next run")
    parser.add_argument("--input", type=Path, help="check this one input and end")
    arguments = parser.parse_args()
    if arguments.input:
        check(arguments.input.read_bytes())
        return
    with tempfile.TemporaryDirectory() as scratch:
        corpus = arguments.corpus or Path(scratch)
        print(f"{write_seeds(corpus)} seeds of real conversations", flush=True)
        options = [f"-max_total_time={arguments.seconds}", "-max_len=40000", "-timeout=10", "-rss_limit_mb=1024"]
        options += [f"-artifact_prefix={tempfile.gettempdir()}/fuzz-wire-", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], check, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
