"""Messages: what a frame can contain, as one tagged union whose schema bounds everything that a peer can send.

A body is a msgpack map; its ``type`` names the message. Unknown fields of a known message are skipped, and an unknown
type is reported as `UnknownType`, so that later versions can add both. No field holds anything deeper than a list of
`PeerAddress`; deeper nesting can only hide in skipped fields, where it costs time linear in the frame.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias, get_args

import msgspec
from msgspec import Meta

from nocarrier.errors import WireError
from nocarrier.model.address import MAX_ADDRESS_LENGTH, MAX_PORT

NODE_ID_BYTES = 32
"""An Ed25519 public key (RFC 8032 section 5.1.5)."""

SIGNATURE_BYTES = 64
"""RFC 8032 section 5.1.6."""

NONCE_BYTES = 32
BOOT_ID_BYTES = 8

HELLO_MIN_BYTES = 1_600
"""A shorter Hello is padded to this size, so that its frame takes one full Ethernet segment (1,460 bytes: MTU 1500 less
the headers of IPv4 and TCP, RFC 9293 section 3.7.1) and a small one. A path that drops large packets then reveals
itself in the handshake and not in the middle of a session, as with QUIC's padded Initial (RFC 9000 section 14.1). The
small segment, of 150 to 190 bytes, passes if anything does, and its SACK says that only the full one was lost.

That a stranger gets this many bytes for a few is not an amplification worth abusing: TCP has already verified that the
stranger is where it says."""

DETAIL_MAX_LENGTH = 256
"""Characters of a text for people; our own texts are cut to that."""

WELCOME_PEERS_MAX = 16
PEER_LIST_MAX = 64

LAST_UNIX_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that `datetime` can represent."""

# \Z instead of the usual $, because $ also matches before a final newline.
NodeId: TypeAlias = Annotated[str, Meta(max_length=2 * NODE_ID_BYTES, pattern=r"^[0-9a-f]{64}\Z")]
Genesis: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{64}\Z")]
Network: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"^[!-~]+\Z")]
UserAgent: TypeAlias = Annotated[str, Meta(max_length=256, pattern=r"^[ -~]*\Z")]
"""Printable ASCII. 256 is what Bitcoin Core allows (net.h, MAX_SUBVERSION_LENGTH)."""
Code: TypeAlias = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_]*\Z")]
"""A word for programs, such as the name of a reason."""
Detail: TypeAlias = Annotated[str, Meta(max_length=DETAIL_MAX_LENGTH)]
Ticket: TypeAlias = Annotated[str, Meta(max_length=4096)]
Version: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_PORT)]
UnixTime: TypeAlias = Annotated[float, Meta(ge=0, le=LAST_UNIX_SECOND)]
"""Seconds. NaN satisfies neither bound, so it is rejected along with the infinities."""
AddressText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH)]
"""Text that may be an address; its user parses it."""
PingNonce: TypeAlias = Annotated[int, Meta(ge=0)]
"""msgpack has no integer above 2**64 - 1."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class PeerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address that a peer names, and the node that it says is there."""

    addr: AddressText
    node_id: NodeId | None = None


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """Who I am. The first message of each side."""

    node_id: NodeId
    network: Network
    genesis: Genesis
    min_version: Version
    max_version: Version
    nonce: Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    """Random for each connection, so that a signature is worthless on another one."""
    boot_id: Annotated[bytes, Meta(min_length=BOOT_ID_BYTES, max_length=BOOT_ID_BYTES)]
    """Random for each process: distinguishes a dial to oneself from two nodes with one key."""
    listen_port: Port | None = None
    advertised: AddressText | None = None
    """host:port at which the sender says it can be dialed, if that differs from where it is seen."""
    http_port: Port | None = None
    user_agent: UserAgent = ""
    clock_unix: UnixTime
    ticket: Ticket | None = None
    dial_back: bool = False
    """Set by a dialer: I only check whether you answer here, as you asked me to. The other side answers with its Hello,
    and that is all."""
    padding: Annotated[bytes, Meta(max_length=8192)] = b""
    """Means nothing; see `HELLO_MIN_BYTES`. There is room to fill jumbo frames one day."""

    def __post_init__(self) -> None:
        if self.min_version > self.max_version:
            raise ValueError(f"min_version {self.min_version} is above max_version {self.max_version}")


class Auth(_Message, frozen=True, kw_only=True, tag="auth"):
    """Proof that I hold the key of my node id."""

    signature: Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome"):
    """You are accepted. The last message of each side's handshake."""

    observed_addr: AddressText | None = None
    """Where the sender sees the receiver."""
    peers: Annotated[list[PeerAddress], Meta(max_length=WELCOME_PEERS_MAX)] = []


class Reject(_Message, frozen=True, kw_only=True, tag="reject"):
    """You are rejected, and why. Ends the handshake."""

    code: Code
    detail: Detail = ""
    ticket: Code | None = None
    """What is wrong with the ticket, one of `claims.TICKET_KINDS`."""
    until_unix: UnixTime | None = None
    """When it makes sense to ask again."""


class Ping(_Message, frozen=True, kw_only=True, tag="ping"):
    """Are you there?"""

    nonce: PingNonce


class Pong(_Message, frozen=True, kw_only=True, tag="pong"):
    """I am here; the nonce is the one in the Ping."""

    nonce: PingNonce


class GetPeers(_Message, frozen=True, kw_only=True, tag="get_peers"):
    """Please name some peers."""


class PeerList(_Message, frozen=True, kw_only=True, tag="peer_list"):
    """Some peers, requested or not."""

    peers: Annotated[list[PeerAddress], Meta(max_length=PEER_LIST_MAX)]


class DialBackOutcome(StrEnum):
    """What became of a DialBack."""

    REACHED = "reached"
    """The very process that asked answered on that port."""
    NOT_REACHED = "not_reached"
    """Nobody answered there, or another process did."""
    REFUSED = "refused"
    """Not tried, or not possible from here: says nothing about the port."""


class DialBack(_Message, frozen=True, kw_only=True, tag="dial_back"):
    """Please dial this port of mine.

    It contains no address, so that nobody can be made to dial others: the port is tried on the IP address at which
    this very connection ends.
    """

    nonce: PingNonce
    port: Port


class DialBackResult(_Message, frozen=True, kw_only=True, tag="dial_back_result"):
    """What became of the DialBack with this nonce."""

    nonce: PingNonce
    outcome: DialBackOutcome
    reason: Code | None = None
    """Why it was not reached or is refused: the name of a reason, or another code."""


class Goodbye(_Message, frozen=True, kw_only=True, tag="goodbye"):
    """The session ends, and why."""

    code: Code
    detail: Detail = ""


WireMessage: TypeAlias = (
    Hello | Auth | Welcome | Reject | Ping | Pong | GetPeers | PeerList | DialBack | DialBackResult | Goodbye
)

MESSAGE_TYPES: tuple[type[WireMessage], ...] = get_args(WireMessage)


class UnknownType(msgspec.Struct, frozen=True):
    """Represents a well-formed message of a type that this version does not know."""

    type: Code


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(WireMessage)
_type_decoder = msgspec.msgpack.Decoder(UnknownType)
_KNOWN_TYPES = frozenset(str(each.__struct_config__.tag) for each in MESSAGE_TYPES)


def encode(message: WireMessage) -> bytes:
    """Encode a message as the body of a frame. Bounds are not checked; `decode` the result to check them."""
    return _encoder.encode(message)


def decode(body: bytes) -> WireMessage | UnknownType:
    """Decode the message in a body.

    Raises:
        WireError: not msgpack, not a map with a type, or a value outside its bounds. The text may quote the peer.
    """
    try:
        message: WireMessage = _decoder.decode(body)
    except msgspec.ValidationError as error:
        unknown = _unknown_type(body)
        if unknown is None:
            raise _wire_error(error) from error
        return unknown
    # RecursionError: nesting in a skipped field reached the interpreter's limit, which msgspec respects.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wire_error(error) from error
    return message


def _unknown_type(body: bytes) -> UnknownType | None:
    try:
        message = _type_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if message.type in _KNOWN_TYPES else message


def _wire_error(error: Exception) -> WireError:
    # msgspec quotes a value that it does not know, however long it is.
    return WireError(shorten(f"undecodable message: {error}"))


def shorten(text: str) -> str:
    """`text` as a Detail: at most `DETAIL_MAX_LENGTH` characters, valid UTF-8, a cut marked with an ellipsis."""
    if len(text) > DETAIL_MAX_LENGTH:
        text = text[: DETAIL_MAX_LENGTH - 1] + "…"
    return text.encode(errors="replace").decode()
