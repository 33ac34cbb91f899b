"""What both sides say about themselves, whether it fits together, and what proves it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import msgspec

from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire.messages import HELLO_MIN_BYTES, Hello, Reject, decode, encode, shorten

CLOCK_SKEW_MAX_S = 300.0
"""How far two clocks may differ: what Kerberos recommends (RFC 4120 sections 3.2.3 and 8.2). Enough for any clock that
is set at all, and tickets with an expiry still mean something."""

TICKET_KINDS = frozenset({"missing", "expired", "not_yet_valid", "bad_signature", "wrong_subject"})
"""What can be wrong with a ticket."""

REJECT_CODES: Mapping[str, Reason] = MappingProxyType(
    {
        reason.value: reason
        for reason in (
            Reason.VERSION_MISMATCH,
            Reason.GENESIS_MISMATCH,
            Reason.BANNED,
            Reason.TICKET_INVALID,
            Reason.TOO_MANY_PEERS,
            Reason.DUPLICATE_CONNECTION,
            Reason.CLOCK_SKEW,
            Reason.SELF_DIAL_BLOCKED,
            Reason.PEER_ID_MISMATCH,
            Reason.MALFORMED_HANDSHAKE,
            Reason.HANDSHAKE_ERROR,
        )
    }
)
"""Which reasons a side may state to the other, by their code on the wire. Any other code is recorded as
handshake_error: a peer cannot know how its bytes reached us."""


class Role(Enum):
    """Which side opened the connection."""

    DIALER = "dialer"
    LISTENER = "listener"

    @property
    def other(self) -> Role:
        """The role of the other side."""
        return Role.LISTENER if self is Role.DIALER else Role.DIALER


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPeer:
    """What we say about ourselves.

    Raises:
        WireError: a value that every peer would reject; the text names it.
    """

    node_id: str
    network: str
    genesis: str
    min_version: int
    max_version: int
    boot_id: bytes
    """8 random bytes, drawn once per process."""
    listen_port: int | None = None
    advertised: str | None = None
    http_port: int | None = None
    user_agent: str = ""
    ticket: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        decode(encode(self.hello(nonce=bytes(32), clock_unix=0.0)))

    def hello(self, *, nonce: bytes, clock_unix: float, dial_back: bool = False) -> Hello:
        """Our Hello on one connection, padded."""
        hello = Hello(
            node_id=self.node_id,
            network=self.network,
            genesis=self.genesis,
            min_version=self.min_version,
            max_version=self.max_version,
            nonce=nonce,
            boot_id=self.boot_id,
            listen_port=self.listen_port,
            advertised=self.advertised,
            http_port=self.http_port,
            user_agent=self.user_agent,
            clock_unix=clock_unix,
            ticket=self.ticket,
            dial_back=dial_back,
        )
        return msgspec.structs.replace(hello, padding=bytes(max(0, HELLO_MIN_BYTES - len(encode(hello)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePeer:
    """What the other side says about itself. Its node id is proven once the handshake says so; the rest is claimed."""

    node_id: str
    boot_id: bytes
    min_version: int
    max_version: int
    listen_port: int | None
    advertised: str | None
    http_port: int | None
    user_agent: str
    clock_ahead_s: float
    """How far its clock is ahead of ours, including the time that its Hello took to get here."""
    ticket: str | None = field(repr=False)

    @classmethod
    def from_hello(cls, hello: Hello, now_unix: float) -> RemotePeer:
        """Make the peer that sent `hello`, which arrived at `now_unix`."""
        return cls(
            node_id=hello.node_id,
            boot_id=hello.boot_id,
            min_version=hello.min_version,
            max_version=hello.max_version,
            listen_port=hello.listen_port,
            advertised=hello.advertised,
            http_port=hello.http_port,
            user_agent=hello.user_agent,
            clock_ahead_s=hello.clock_unix - now_unix,
            ticket=hello.ticket,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why we reject the other side. All of it is sent to it.

    Raises:
        ValueError: `reason` may not be stated to a peer, `ticket` is not one of `TICKET_KINDS`, or `until_unix` is not
            a time that a peer would accept.
    """

    reason: Reason
    detail: str = ""
    ticket: str | None = None
    """What is wrong with its ticket."""
    until_unix: float | None = None
    """When the rejection ends; None: not known, or never."""

    def __post_init__(self) -> None:
        if self.reason.value not in REJECT_CODES:
            raise ValueError(f"{self.reason.value} cannot be stated to a peer; allowed are {', '.join(REJECT_CODES)}")
        if self.ticket is not None and self.ticket not in TICKET_KINDS:
            raise ValueError(f"ticket {self.ticket!r}: allowed are {', '.join(sorted(TICKET_KINDS))}")
        decode(encode(self.message()))

    def message(self) -> Reject:
        """The message that states it."""
        return Reject(
            code=self.reason.value, detail=shorten(self.detail), ticket=self.ticket, until_unix=self.until_unix
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A value on which two Hellos must agree."""

    reason: Reason
    agree: Callable[[Hello, Hello], bool]
    facts: Callable[[Hello], dict[str, object]]
    """What one Hello says about it; the evidence if they do not agree."""


CHECKS = (
    Check(
        Reason.SELF_DIAL_BLOCKED,
        lambda ours, theirs: ours.node_id != theirs.node_id,
        lambda hello: {"node_id": hello.node_id, "boot_id": hello.boot_id.hex()},
    ),
    Check(
        Reason.VERSION_MISMATCH,
        lambda ours, theirs: max(ours.min_version, theirs.min_version) <= min(ours.max_version, theirs.max_version),
        lambda hello: {"min": hello.min_version, "max": hello.max_version},
    ),
    Check(
        Reason.GENESIS_MISMATCH,
        lambda ours, theirs: (ours.network, ours.genesis) == (theirs.network, theirs.genesis),
        lambda hello: {"network": hello.network, "genesis": hello.genesis},
    ),
    Check(
        Reason.CLOCK_SKEW,
        lambda ours, theirs: abs(ours.clock_unix - theirs.clock_unix) <= CLOCK_SKEW_MAX_S,
        lambda hello: {"clock_unix": hello.clock_unix},
    ),
)
"""In this order; the first one that fails is the reason."""

_FACTS = {check.reason: check.facts for check in CHECKS}


@dataclass(frozen=True, slots=True)
class HelloPair:
    """Both Hellos."""

    ours: Hello
    """Read from our clock when theirs arrived."""
    theirs: Hello

    @classmethod
    def at(cls, now_unix: float, ours: Hello, theirs: Hello) -> HelloPair:
        """Pair the Hellos; `theirs` arrived at `now_unix`."""
        return cls(msgspec.structs.replace(ours, clock_unix=now_unix), theirs)

    @property
    def version(self) -> int:
        """The newest protocol version that both support."""
        return min(self.ours.max_version, self.theirs.max_version)

    def mismatch(self) -> Reason | None:
        """The first check on which they do not agree, as a reason."""
        return next((check.reason for check in CHECKS if not check.agree(self.ours, self.theirs)), None)

    def evidence(self, reason: Reason) -> Evidence:
        """What both say about the subject of `reason`; empty if Hellos say nothing about it."""
        facts = _FACTS.get(reason)
        return Evidence(ours=facts(self.ours), theirs=facts(self.theirs)) if facts else Evidence()


def proof(role: Role, dialer_hello: bytes, listener_hello: bytes) -> bytes:
    """What the side in `role` signs to prove its node id: 32 bytes.

    It binds the signature to this protocol, to the dialing side and to both nonces, so it is worthless on another
    connection, for the other side of this one, or in another program that uses the same key. The Hellos are hashed as
    they were sent, so no second encoding has to agree with the first. Each part is preceded by its length, so no two
    lists of parts give the same bytes.
    """
    digest = hashlib.sha256()
    for part in (b"nocarrier handshake 1", role.value.encode(), dialer_hello, listener_hello):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()
