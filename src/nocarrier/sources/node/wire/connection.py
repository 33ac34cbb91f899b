"""One connection to a peer: bytes in, events out. No I/O, no clock.

The owner of the socket feeds `receive_data` and `receive_eof`, writes the result of `data_to_send` after each call, and
closes when `ended` is true and everything is written. Nothing that a peer sends makes a method raise.
"""

from __future__ import annotations

from collections.abc import Sequence

from nocarrier.classification.first_bytes import FIRST_BYTES_MAX, may_get_a_name, name_protocol
from nocarrier.errors import WireError
from nocarrier.model.fault import Evidence
from nocarrier.model.node.session_end import SessionEndCode
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire import events
from nocarrier.sources.node.wire.claims import Rejection, Role
from nocarrier.sources.node.wire.frames import (
    MAGIC,
    PREAMBLE,
    SESSION_FRAME_MAX_BYTES,
    WIRE_VERSION,
    FrameReader,
    frame,
)
from nocarrier.sources.node.wire.handshake import Handshake, HandshakeOutcome, Terms
from nocarrier.sources.node.wire.messages import (
    PEER_LIST_MAX,
    DialBack,
    DialBackOutcome,
    DialBackResult,
    GetPeers,
    Goodbye,
    PeerAddress,
    PeerList,
    Ping,
    Pong,
    UnknownType,
    WireMessage,
    decode,
    encode,
    shorten,
)
from nocarrier.sources.node.wire.state import TRANSITIONS, Preamble, State


class Connection:
    """The protocol on one byte stream, from the first byte to the last."""

    def __init__(self, terms: Terms, *, now_unix: float) -> None:
        """Start; a dialer has its preamble and Hello to send at once. `now_unix`: Unix seconds."""
        self.state = State.AWAIT_PREAMBLE
        self.bytes_received = 0
        """All bytes received so far, read or not: evidence if the handshake does not complete."""
        self._role = terms.role
        self._reader = FrameReader()
        self._outgoing = bytearray()
        self._events: list[events.WireEvent] = []
        self._handshake = Handshake(terms, self._send_body)
        if terms.role is Role.DIALER:
            self._outgoing += PREAMBLE
            self._handshake.introduce(now_unix)

    @property
    def ended(self) -> bool:
        """Whether nothing more will be read: send what is left, then close."""
        return self.state is State.ENDED

    # ---- for the owner --------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now_unix: float) -> list[events.WireEvent]:
        """Take in bytes from the peer; returns the events they cause, in order.

        However the bytes are split, the events are the same. (One difference remains: `first_bytes` of a foreign
        protocol holds what had arrived when the protocol was recognised.)
        """
        self.bytes_received += len(data)
        if not self.ended:
            self._reader.feed(data)
            try:
                self._read(now_unix)
            except WireError as error:
                self._refuse_bytes(str(error), now_unix)
        return self._take_events()

    def receive_eof(self) -> list[events.WireEvent]:
        """Note that the peer ended the stream properly. In a session this makes no event: the owner knows already."""
        if self.state is State.AWAIT_PREAMBLE and not MAGIC.startswith(self._reader.peek(len(MAGIC))):
            self._fail_foreign()
        elif self.state not in {State.SESSION, State.ENDED}:
            received = Evidence(bytes_received=self.bytes_received)
            self._fail(Reason.REMOTE_CLOSED, f"closed while we were {self.state.value}", received)
        self._end()
        return self._take_events()

    def data_to_send(self) -> bytes:
        """The bytes to write now; each is returned once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def send_ping(self, nonce: int) -> None:
        """Ask whether the peer is there (`nonce` from 0 to 2**64 - 1).

        For this and every other `send_`: once the session has ended nothing is sent, because the owner may learn of the
        end a moment later.

        Raises:
            RuntimeError: there is no session yet.
        """
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
            raise ValueError(f"{len(peers)} peers; one list can hold at most {PEER_LIST_MAX}")
        self._send_in_session(PeerList(peers=list(peers)))

    def send_dial_back(self, nonce: int, port: int) -> None:
        """Ask the peer to dial our `port` (`nonce` from 0 to 2**64 - 1)."""
        self._send_in_session(DialBack(nonce=nonce, port=port))

    def send_dial_back_result(self, nonce: int, outcome: DialBackOutcome, reason: str | None = None) -> None:
        """Tell the peer what became of its DialBack. `reason`: a code, as in `send_goodbye`."""
        self._send_in_session(DialBackResult(nonce=nonce, outcome=outcome, reason=reason))

    def send_goodbye(self, code: str, detail: str = "") -> None:
        """End the session and say why. `code`: at most 40 lower-case letters, digits and underscores."""
        self._send_in_session(Goodbye(code=code, detail=shorten(detail)))
        self._end()

    # ---- reading --------------------------------------------------------------------------------------------------

    def _read(self, now_unix: float) -> None:
        if self.state is State.AWAIT_PREAMBLE:
            self._read_preamble()
        # Each frame may change the state, and with it the limit for the next frame: so read one at a time.
        while self.state not in {State.AWAIT_PREAMBLE, State.ENDED} and (body := self._reader.read_frame()) is not None:
            message = decode(body)
            if isinstance(message, UnknownType):
                self._receive_unknown(message)
            else:
                self._step(type(message))
                self._receive(message, body, now_unix)

    def _step(self, incoming: type[Preamble | WireMessage]) -> None:
        """Move to the state that the table gives.

        Raises:
            WireError: the message is out of turn.
        """
        following = TRANSITIONS[self.state].get(incoming)
        if following is None:
            raise WireError(f"{incoming.__name__} out of turn while we were {self.state.value}")
        self.state = following

    def _read_preamble(self) -> None:
        first_bytes = self._reader.peek(FIRST_BYTES_MAX)
        if not MAGIC.startswith(first_bytes[: len(MAGIC)]):
            # It is foreign. More bytes may still show what it is, so wait while they could, but never for long.
            if name_protocol(first_bytes) or not may_get_a_name(first_bytes):
                self._fail_foreign()
            return
        wire_version = self._reader.read_preamble()
        if wire_version is None:
            return
        self._step(Preamble)
        if self._role is Role.LISTENER:
            self._outgoing += PREAMBLE
        if wire_version != WIRE_VERSION:
            # Our preamble is the only thing that the other side can read.
            versions = Evidence(ours={"wire": WIRE_VERSION}, theirs={"wire": wire_version})
            self._fail(Reason.VERSION_MISMATCH, "the framing differs, so no Hello can be read", versions)

    def _receive_unknown(self, message: UnknownType) -> None:
        if self.state is not State.SESSION:
            raise WireError(f"unknown message {message.type} while we were {self.state.value}")
        self._events.append(events.UnknownMessage(type=message.type))

    def _receive(self, message: WireMessage, body: bytes, now_unix: float) -> None:
        match message:
            case Ping():
                self._send_body(encode(Pong(nonce=message.nonce)))
                self._events.append(events.PingReceived(nonce=message.nonce))
            case Pong():
                self._events.append(events.PongReceived(nonce=message.nonce))
            case GetPeers():
                self._events.append(events.PeersRequested())
            case PeerList():
                self._events.append(events.PeersReceived(peers=tuple(message.peers)))
            case DialBack():
                self._events.append(events.DialBackRequested(nonce=message.nonce, port=message.port))
            case DialBackResult():
                self._events.append(
                    events.DialBackAnswered(nonce=message.nonce, outcome=message.outcome, reason=message.reason)
                )
            case Goodbye():
                self._events.append(events.GoodbyeReceived(code=message.code, detail=message.detail))
                self._end()
            case _:
                outcome = self._handshake.receive(message, body, now_unix)
                if outcome is not None:
                    self._conclude(outcome)

    # ---- ends -----------------------------------------------------------------------------------------------------

    def _conclude(self, outcome: HandshakeOutcome) -> None:
        self._events.append(outcome)
        if isinstance(outcome, events.HandshakeCompleted):
            self._reader.max_body_bytes = SESSION_FRAME_MAX_BYTES
        else:
            self._end()

    def _refuse_bytes(self, detail: str, now_unix: float) -> None:
        """The peer broke the protocol: tell it, and end."""
        if self.state is State.SESSION:
            self._events.append(events.ProtocolViolation(detail=detail))
            self.send_goodbye(SessionEndCode.PROTOCOL_VIOLATION, detail)
        else:
            rejection = Rejection(reason=Reason.MALFORMED_HANDSHAKE, detail=detail)
            self._conclude(self._handshake.reject(rejection, now_unix))

    def _fail_foreign(self) -> None:
        """The other side uses another protocol. Tell it nothing: it would not understand."""
        first_bytes = self._reader.peek(FIRST_BYTES_MAX)
        evidence = Evidence(first_bytes=first_bytes.hex())
        speaks = name_protocol(first_bytes)
        if speaks is not None:
            evidence["speaks"] = speaks
        self._fail(Reason.NOT_OUR_PROTOCOL, "", evidence)

    def _fail(self, reason: Reason, detail: str, evidence: Evidence) -> None:
        self._conclude(self._handshake.fail(reason, detail, evidence))

    def _end(self) -> None:
        self.state = State.ENDED
        self._reader.clear()

    # ---- sending --------------------------------------------------------------------------------------------------

    def _send_body(self, body: bytes) -> None:
        self._outgoing += frame(body)

    def _send_in_session(self, message: WireMessage) -> None:
        if self.state not in {State.SESSION, State.ENDED}:
            raise RuntimeError(f"{type(message).__name__} before the handshake is complete: {self.state.value}")
        if not self.ended:
            self._send_body(encode(message))

    def _take_events(self) -> list[events.WireEvent]:
        taken, self._events = self._events, []
        return taken
