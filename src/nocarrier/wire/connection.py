"""One connection to a peer: bytes in, events out. No I/O, no clock.

Whoever owns the socket feeds `receive_data` and `receive_eof`, writes what `data_to_send` gives after each call, and
closes when `ended` is true and all is written. Nothing that a peer sends makes a method raise.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

from nocarrier.classify.first_bytes import FIRST_BYTES_MAX, may_get_a_name, name_protocol
from nocarrier.errors import WireError
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Reason
from nocarrier.wire.events import (
    Event,
    GoodbyeReceived,
    HandshakeCompleted,
    HandshakeFailed,
    PeersReceived,
    PeersRequested,
    PingReceived,
    PongReceived,
    ProtocolViolation,
    UnknownMessage,
)
from nocarrier.wire.frames import MAGIC, PREAMBLE, SESSION_FRAME_MAX_BYTES, WIRE_VERSION, FrameReader, frame
from nocarrier.wire.handshake import (
    REJECT_CODES,
    TICKET_KINDS,
    Introduction,
    LocalPeer,
    Rejection,
    RemotePeer,
    Role,
    proof,
)
from nocarrier.wire.messages import (
    NONCE_BYTES,
    PEER_LIST_MAX,
    WELCOME_PEERS_MAX,
    Auth,
    GetPeers,
    Goodbye,
    Hello,
    Message,
    PeerAddress,
    PeerList,
    Ping,
    Pong,
    Reject,
    UnknownType,
    Welcome,
    decode,
    encode,
    shorten,
)
from nocarrier.wire.state import TRANSITIONS, Preamble, State

PROTOCOL_VIOLATION = "protocol_violation"
"""Code of the Goodbye to a peer that broke the protocol within the session."""


class Admission(Protocol):
    """Decides whether we want a peer."""

    def __call__(self, remote: RemotePeer, *, proven: bool) -> Rejection | None:
        """Say why not, or None to go on.

        Asked twice on either side: after Hello with `proven` false, for what is known without proof (a ban on the
        address or on the claimed id, no free place), and after Auth with `proven` true.
        """


class Connection:
    """The protocol on one byte stream, from the first byte to the last."""

    def __init__(
        self,
        *,
        role: Role,
        local: LocalPeer,
        now_unix: float,
        sign: Callable[[bytes], bytes],
        verify: Callable[[str, bytes, bytes], bool],
        admit: Admission,
        expected_node_id: str | None = None,
        observed_addr: str | None = None,
        peers_to_share: Sequence[PeerAddress] = (),
        nonce: bytes | None = None,
    ) -> None:
        """Begin; a dialer has its preamble and Hello to send at once.

        Args:
            role: whether we dialed or listen.
            local: what we say of ourselves.
            now_unix: Unix seconds.
            sign: makes a signature of 64 bytes with the key of our node id.
            verify: whether (node id, signature, data) belong together. Must not raise.
            admit: whether we want the peer; see `Admission`.
            expected_node_id: who must be at the other end, if that is known.
            observed_addr: where we see the other side; it is told in Welcome.
            peers_to_share: at most 16, told in Welcome.
            nonce: 32 bytes, never used before; drawn where not given.

        Raises:
            ValueError: more than 16 peers to share.
        """
        if len(peers_to_share) > WELCOME_PEERS_MAX:
            raise ValueError(f"{len(peers_to_share)} peers to share; at most {WELCOME_PEERS_MAX} fit into Welcome")
        self.role = role
        self.state = State.AWAIT_PREAMBLE
        self.bytes_received = 0
        """All bytes since the beginning, read or not: evidence where the handshake does not end."""
        self.unknown_messages_total = 0
        self._local = local
        self._sign = sign
        self._verify = verify
        self._admit = admit
        self._expected_node_id = expected_node_id
        self._welcome = Welcome(observed_addr=observed_addr, peers=list(peers_to_share))
        self._nonce = secrets.token_bytes(NONCE_BYTES) if nonce is None else nonce
        self._reader = FrameReader()
        self._outgoing = bytearray()
        self._events: list[Event] = []
        self._our_hello: Hello | None = None
        self._our_hello_body = b""
        self._introduction: Introduction | None = None
        self._remote: RemotePeer | None = None
        self._proofs: dict[Role, bytes] = {}
        if role is Role.DIALER:
            self._introduce(now_unix)

    @property
    def ended(self) -> bool:
        """Whether nothing more will be read: send what is left, then close."""
        return self.state is State.ENDED

    # ---- the owner's side -----------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now_unix: float) -> list[Event]:
        """Take in bytes from the peer; returns what they mean, in order.

        However the bytes are cut into pieces, the events are the same. (One difference remains: `first_bytes` of a
        foreign protocol holds what had arrived when the protocol was clear.)
        """
        self.bytes_received += len(data)
        if not self.ended:
            self._reader.feed(data)
            try:
                self._read(now_unix)
            except WireError as error:
                self._refuse_bytes(str(error), now_unix)
        return self._take_events()

    def receive_eof(self) -> list[Event]:
        """The peer ended the stream in order. Within a session that has no event: the owner knows it already."""
        if self.state is State.AWAIT_PREAMBLE and not MAGIC.startswith(self._reader.peek(len(MAGIC))):
            self._fail_foreign()
        elif self.state not in {State.SESSION, State.ENDED}:
            self._fail(
                Reason.REMOTE_CLOSED,
                f"closed while we were {self.state.value}",
                Evidence(bytes_received=self.bytes_received),
            )
        self._end()
        return self._take_events()

    def data_to_send(self) -> bytes:
        """The bytes to write now; they are given once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def send_ping(self, nonce: int) -> None:
        """Ask whether the peer is there (`nonce` from 0 to 2**64 - 1). Like every `send_`: see `_send_in_session`."""
        self._send_in_session(Ping(nonce=nonce))

    def send_get_peers(self) -> None:
        """Ask for a peer list."""
        self._send_in_session(GetPeers())

    def send_peer_list(self, peers: Sequence[PeerAddress]) -> None:
        """Name peers, asked or not.

        Raises:
            ValueError: more than 64 of them.
        """
        if len(peers) > PEER_LIST_MAX:
            raise ValueError(f"{len(peers)} peers; at most {PEER_LIST_MAX} fit into one list")
        self._send_in_session(PeerList(peers=list(peers)))

    def send_goodbye(self, code: str, detail: str = "") -> None:
        """End the session and say why. `code`: lower case letters, digits and underscores, at most 40."""
        self._send_in_session(Goodbye(code=code, detail=shorten(detail)))
        self._end()

    # ---- reading --------------------------------------------------------------------------------------------------

    def _read(self, now_unix: float) -> None:
        if self.state is State.AWAIT_PREAMBLE:
            self._read_preamble()
        # The state may change with each frame, and the limit on the next one with it: so one at a time.
        while self.state not in {State.AWAIT_PREAMBLE, State.ENDED} and (body := self._reader.read_frame()) is not None:
            message = decode(body)
            if isinstance(message, UnknownType):
                self._receive_unknown(message)
                continue
            self._step(type(message))
            self._receive(message, body, now_unix)

    def _step(self, incoming: type[Preamble] | type[Message]) -> None:
        """Go where the table says.

        Raises:
            WireError: it is not this one's turn.
        """
        following = TRANSITIONS[self.state].get(incoming)
        if following is None:
            raise WireError(f"{incoming.__name__} out of turn while we were {self.state.value}")
        self.state = following

    def _read_preamble(self) -> None:
        first_bytes = self._reader.peek(FIRST_BYTES_MAX)
        if not MAGIC.startswith(first_bytes[: len(MAGIC)]):
            # It is foreign. More bytes may still tell what it is, so wait while they could, and never for long.
            if name_protocol(first_bytes) or len(first_bytes) == FIRST_BYTES_MAX or not may_get_a_name(first_bytes):
                self._fail_foreign()
            return
        wire_version = self._reader.read_preamble()
        if wire_version is None:
            return
        self._step(Preamble)
        if wire_version != WIRE_VERSION:
            # Our preamble goes back all the same: it is the one thing that the other side can read.
            self._outgoing += b"" if self._our_hello else PREAMBLE
            self._fail(
                Reason.VERSION_MISMATCH,
                "the framing differs, so no Hello can be read",
                Evidence(ours={"wire": WIRE_VERSION}, theirs={"wire": wire_version}),
            )

    def _receive_unknown(self, message: UnknownType) -> None:
        if self.state is not State.SESSION:
            raise WireError(f"unknown message {message.type} while we were {self.state.value}")
        self.unknown_messages_total += 1
        self._events.append(UnknownMessage(type=message.type, total=self.unknown_messages_total))

    def _receive(self, message: Message, body: bytes, now_unix: float) -> None:
        match message:
            case Hello():
                self._receive_hello(message, body, now_unix)
            case Auth():
                self._receive_auth(message, now_unix)
            case Welcome():
                self._receive_welcome(message)
            case Reject():
                self._receive_reject(message)
            case Ping():
                self._send(Pong(nonce=message.nonce))
                self._events.append(PingReceived(nonce=message.nonce))
            case Pong():
                self._events.append(PongReceived(nonce=message.nonce))
            case GetPeers():
                self._events.append(PeersRequested())
            case PeerList():
                self._events.append(PeersReceived(peers=tuple(message.peers)))
            case Goodbye():
                self._events.append(GoodbyeReceived(code=message.code, detail=message.detail))
                self._end()

    # ---- the handshake --------------------------------------------------------------------------------------------

    def _receive_hello(self, hello: Hello, body: bytes, now_unix: float) -> None:
        if body == self._our_hello_body:  # our nonce was drawn for this connection: an echo service, not ourselves
            self._fail(Reason.NOT_OUR_PROTOCOL, "it sends our own bytes back", Evidence(speaks="echo"))
            return
        # Before any verdict: the other side shall see the facts that it rests on.
        ours = self._introduce(now_unix)
        hellos = (self._our_hello_body, body) if self.role is Role.DIALER else (body, self._our_hello_body)
        self._proofs = {role: proof(role, *hellos) for role in Role}
        self._introduction = Introduction.at(now_unix, ours, hello)
        self._remote = RemotePeer.from_hello(hello, now_unix)
        mismatch = self._introduction.mismatch()
        if mismatch is not None:
            self._reject(Rejection(reason=mismatch), now_unix, self._introduction.evidence(mismatch))
        elif (rejection := self._admit(self._remote, proven=False)) is not None:
            self._reject(rejection, now_unix)
        elif self.role is Role.DIALER:
            self._send_auth()

    def _receive_auth(self, auth: Auth, now_unix: float) -> None:
        remote = self._remote
        assert remote is not None, "the table lets no Auth come before Hello"
        if not self._verify(remote.node_id, auth.signature, self._proofs[self.role.other]):
            raise WireError("the signature in Auth does not prove the node id")
        if self._expected_node_id not in {None, remote.node_id}:
            ids = Evidence(ours={"node_id": self._expected_node_id}, theirs={"node_id": remote.node_id})
            self._reject(Rejection(reason=Reason.PEER_ID_MISMATCH), now_unix, ids)
        elif (rejection := self._admit(remote, proven=True)) is not None:
            self._reject(rejection, now_unix)
        elif self.role is Role.LISTENER:
            self._send_auth()
            self._send(self._welcome)

    def _receive_welcome(self, welcome: Welcome) -> None:
        assert self._remote is not None, "the table lets no Welcome come before Hello"
        assert self._introduction is not None
        if self.role is Role.DIALER:
            self._send(self._welcome)
        self._reader.max_body_bytes = SESSION_FRAME_MAX_BYTES
        self._events.append(
            HandshakeCompleted(remote=self._remote, version=self._introduction.version, welcome=welcome)
        )

    def _receive_reject(self, reject: Reject) -> None:
        reason = REJECT_CODES.get(reject.code, Reason.HANDSHAKE_ERROR)
        evidence = self._introduction.evidence(reason) if self._introduction else Evidence()
        evidence["stated_by"] = "remote"
        if reason is Reason.TICKET_INVALID and reject.ticket in TICKET_KINDS:
            evidence["ticket"] = reject.ticket
        if reject.until_unix is not None:
            evidence["until_unix"] = reject.until_unix
        detail = reject.detail
        if reject.code not in REJECT_CODES:
            detail = f"rejected with the unknown code {reject.code}" + (f": {detail}" if detail else "")
        self._fail(reason, detail, evidence)

    # ---- verdicts -------------------------------------------------------------------------------------------------

    def _refuse_bytes(self, detail: str, now_unix: float) -> None:
        """The peer broke the protocol: tell it, and end."""
        if self.state is State.SESSION:
            self._events.append(ProtocolViolation(detail=detail))
            self.send_goodbye(PROTOCOL_VIOLATION, detail)
        else:
            self._reject(Rejection(reason=Reason.MALFORMED_HANDSHAKE, detail=detail), now_unix)

    def _reject(self, rejection: Rejection, now_unix: float, evidence: Evidence | None = None) -> None:
        """We do not want the peer: tell it, and end."""
        self._introduce(now_unix)
        self._send(rejection.message())
        evidence = Evidence() if evidence is None else evidence
        if rejection.ticket is not None:
            evidence["ticket"] = rejection.ticket
        if rejection.until_unix is not None:
            evidence["until_unix"] = rejection.until_unix
        self._fail(rejection.reason, rejection.detail, evidence)

    def _fail_foreign(self) -> None:
        """Whoever answers speaks another protocol. It is told nothing: it would not understand."""
        first_bytes = self._reader.peek(FIRST_BYTES_MAX)
        evidence = Evidence(first_bytes=first_bytes.hex())
        speaks = name_protocol(first_bytes)
        if speaks is not None:
            evidence["speaks"] = speaks
        self._fail(Reason.NOT_OUR_PROTOCOL, "", evidence)

    def _fail(self, reason: Reason, detail: str, evidence: Evidence) -> None:
        evidence.setdefault("stated_by", "us")
        self._events.append(HandshakeFailed(reason=reason, detail=detail, evidence=evidence, remote=self._remote))
        self._end()

    def _end(self) -> None:
        self.state = State.ENDED
        self._reader.clear()

    # ---- sending --------------------------------------------------------------------------------------------------

    def _introduce(self, now_unix: float) -> Hello:
        """Send preamble and Hello, if that is not done yet."""
        if self._our_hello is None:
            self._our_hello = self._local.hello(nonce=self._nonce, clock_unix=now_unix)
            self._our_hello_body = encode(self._our_hello)
            self._outgoing += PREAMBLE + frame(self._our_hello_body)
        return self._our_hello

    def _send_auth(self) -> None:
        self._send(Auth(signature=self._sign(self._proofs[self.role])))

    def _send(self, message: Message) -> None:
        self._outgoing += frame(encode(message))

    def _send_in_session(self, message: Message) -> None:
        """Send within the session. After its end nothing is sent: the owner may learn of the end a moment later.

        Raises:
            RuntimeError: there is no session yet.
        """
        if self.state not in {State.SESSION, State.ENDED}:
            raise RuntimeError(f"{type(message).__name__} before the handshake is complete: {self.state.value}")
        if not self.ended:
            self._send(message)

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events
