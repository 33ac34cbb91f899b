"""Both ends of a connection in memory: real keys, no sockets, one clock that never advances."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nocarrier.sources.node.access.identity import Identity, verify
from nocarrier.sources.node.wire import (
    AdmissionRules,
    Connection,
    LocalPeer,
    PeerAddress,
    Rejection,
    RemotePeer,
    Role,
    Terms,
    Welcome,
)
from nocarrier.sources.node.wire.events import HandshakeFailed, WireEvent
from nocarrier.sources.node.wire.frames import PREAMBLE, FrameReader
from nocarrier.sources.node.wire.messages import UnknownType, WireMessage, decode

NOW = 1_700_000_000.0
GENESIS = "ab" * 32

ALICE = Identity(Ed25519PrivateKey.from_private_bytes(b"alice".ljust(32)))
BOB = Identity(Ed25519PrivateKey.from_private_bytes(b"bob".ljust(32)))
MALLORY = Identity(Ed25519PrivateKey.from_private_bytes(b"mallory".ljust(32)))

ALICE_NONCE = b"a" * 32
BOB_NONCE = b"b" * 32


def local_peer(identity: Identity, **changes: object) -> LocalPeer:
    values: dict[str, object] = {
        "node_id": identity.node_id,
        "network": "main",
        "genesis": GENESIS,
        "min_version": 1,
        "max_version": 2,
        "boot_id": identity.node_id[:8].encode(),
        "listen_port": 7072,
        "advertised": "peer.example:7072",
        "http_port": 7070,
        "user_agent": "nocarrier/test",
        "ticket": "ticket of " + identity.node_id[:8],
    }
    return LocalPeer(**(values | changes))


def admit_all(remote: RemotePeer, *, proven: bool) -> Rejection | None:
    return None


def refuse(rejection: Rejection, *, when_proven: bool) -> AdmissionRules:
    """Rejects on the claim, or only on the proof."""

    def admit(remote: RemotePeer, *, proven: bool) -> Rejection | None:
        return rejection if proven is when_proven else None

    return admit


def dialer(identity: Identity = ALICE, *, now_unix: float = NOW, **changes: object) -> Connection:
    """Alice, who dials."""
    return _connection(Role.DIALER, identity, now_unix, {"nonce": ALICE_NONCE} | changes)


def listener(identity: Identity = BOB, *, now_unix: float = NOW, **changes: object) -> Connection:
    """Bob, who listens."""
    return _connection(Role.LISTENER, identity, now_unix, {"nonce": BOB_NONCE} | changes)


def _connection(role: Role, identity: Identity, now_unix: float, changes: dict[str, object]) -> Connection:
    arguments: dict[str, object] = {
        "role": role,
        "sign": identity.sign,
        "verify": verify,
        "admit": admit_all,
        "welcome": Welcome(
            observed_addr=f"192.0.2.{1 if role is Role.LISTENER else 2}:7072",
            peers=[PeerAddress(addr="203.0.113.9:7072", node_id=MALLORY.node_id)],
        ),
    }
    claims = {name: changes.pop(name) for name in list(changes) if name in LocalPeer.__dataclass_fields__}
    if changes["nonce"] is None:
        del changes["nonce"]  # redrawn, as outside of tests
    terms = Terms(**(arguments | {"local": local_peer(identity, **claims)} | changes))
    return Connection(terms, now_unix=now_unix)


@dataclass
class Pair:
    """A dialer and a listener; `play` carries their bytes until neither has more to send."""

    dialer: Connection = field(default_factory=dialer)
    listener: Connection = field(default_factory=listener)
    dialer_now: float = NOW
    listener_now: float = NOW
    to_dialer: bytes = b""
    """All bytes that the dialer has received."""
    to_listener: bytes = b""
    dialer_events: list[WireEvent] = field(default_factory=list)
    listener_events: list[WireEvent] = field(default_factory=list)

    def play(self) -> Pair:
        while True:
            to_listener, to_dialer = self.dialer.data_to_send(), self.listener.data_to_send()
            if not to_listener and not to_dialer:
                return self
            self.to_listener += to_listener
            self.to_dialer += to_dialer
            self.listener_events += self.listener.receive_data(to_listener, self.listener_now)
            self.dialer_events += self.dialer.receive_data(to_dialer, self.dialer_now)

    def failures(self) -> tuple[HandshakeFailed, HandshakeFailed]:
        """How the handshake failed: as seen by the dialer and by the listener."""
        (at_dialer,), (at_listener,) = self.dialer_events, self.listener_events
        assert isinstance(at_dialer, HandshakeFailed)
        assert isinstance(at_listener, HandshakeFailed)
        return at_dialer, at_listener


def session() -> Pair:
    """A pair whose handshake is complete, its events already taken."""
    pair = Pair().play()
    pair.dialer_events.clear()
    pair.listener_events.clear()
    return pair


def messages_of(stream: bytes) -> list[WireMessage | UnknownType]:
    """What one side sent, without its preamble."""
    assert stream.startswith(PREAMBLE)
    reader = FrameReader()
    reader.feed(stream[len(PREAMBLE) :])
    bodies = list(iter(reader.read_frame, None))
    assert not len(reader)
    return [decode(body) for body in bodies]
