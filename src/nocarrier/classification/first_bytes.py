"""Names the protocol that the first bytes of a peer belong to, where those bytes decide it.

A published port that is not the P2P port most often belongs to an HTTP, TLS or SSH server, or to another P2P network;
saying which turns "it does not work" into "you published the wrong port". Bytes that several protocols could begin with
get no name: unknown is an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

FIRST_BYTES_MAX = 32
"""How many first bytes are looked at and kept as evidence. No signature is longer."""

_Pattern: TypeAlias = tuple[frozenset[int], ...]
"""For each position the bytes that may stand there."""

_ANY = frozenset(range(256))
_DIGIT = frozenset(b"0123456789")


@dataclass(frozen=True, slots=True)
class Signature:
    """How the bytes of one protocol begin.

    No two signatures of different protocols can match the same bytes, so a name never changes when more bytes come.
    """

    protocol: str
    pattern: _Pattern
    source: str
    """Where the bytes are defined."""

    def allows(self, first_bytes: bytes) -> bool:
        """Whether the bytes so far agree with the pattern, as far as both go."""
        return all(byte in allowed for byte, allowed in zip(first_bytes, self.pattern, strict=False))


def _bytes(*parts: bytes | Iterable[int]) -> _Pattern:
    """A pattern of literal bytes, and of sets of bytes for one position each."""
    pattern: list[frozenset[int]] = []
    for part in parts:
        pattern += [frozenset({byte}) for byte in part] if isinstance(part, bytes) else [frozenset(part)]
    return tuple(pattern)


SIGNATURES = (
    Signature("nocarrier", _bytes(b"NOCARR"), "nocarrier.sources.node.wire.frames"),
    Signature("http", _bytes(b"HTTP/"), "RFC 9112 section 4: the status line of an answer"),
    *(
        Signature("http", _bytes(method + b" "), "RFC 9110 section 9, RFC 5789: a request")
        for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
    ),
    Signature("http2", _bytes(b"PRI * HTTP/2.0\r\n"), "RFC 9113 section 3.4: the client's preface"),
    Signature(
        "http2",
        _bytes(b"\x00\x00", _ANY, b"\x04\x00\x00\x00\x00\x00"),
        "RFC 9113 sections 3.4, 4.1 and 6.5: the server's preface, SETTINGS without flags on stream 0",
    ),
    Signature(
        "tls",
        _bytes({0x15, 0x16}, b"\x03", range(5)),
        "RFC 8446 section 5.1: a record of type alert or handshake, version 3.0 to 3.4",
    ),
    Signature("ssh", _bytes(b"SSH-"), "RFC 4253 section 4.2"),
    *(
        Signature("bitcoin", _bytes(magic), f"Bitcoin Core, kernel/chainparams.cpp: message start of {network}")
        for network, magic in (
            ("main", b"\xf9\xbe\xb4\xd9"),
            ("testnet3", b"\x0b\x11\x09\x07"),
            ("testnet4", b"\x1c\x16\x3f\x28"),
            ("signet", b"\x0a\x03\xcf\x40"),
            ("regtest", b"\xfa\xbf\xb5\xda"),
        )
    ),
    Signature(
        "multistream", _bytes(b"\x13/multistream/1.0.0\n"), "libp2p specifications, connections: multistream-select"
    ),
    Signature("bittorrent", _bytes(b"\x13BitTorrent protocol"), "BEP 3: the handshake of the peer protocol"),
    # Mail and file transfer greet alike; nothing in these four bytes tells which.
    *(
        Signature("smtp_or_ftp", _bytes(b"220", separator), "RFC 5321 section 4.2, RFC 959 section 5.4: service ready")
        for separator in (b" ", b"-")
    ),
    Signature("pop3", _bytes(b"+OK "), "RFC 1939 section 4: the greeting"),
    Signature("imap", _bytes(b"* OK"), "RFC 9051 section 7.1: the greeting"),
    # Only whole texts of Redis: POP3 knows "-ERR " too.
    Signature("redis", _bytes(b"-ERR unknown command"), "Redis, server.c: the answer to what is no command"),
    Signature("redis", _bytes(b"-ERR Protocol error"), "Redis, networking.c: the answer to what is not RESP"),
    Signature("redis", _bytes(b"-DENIED Redis"), "Redis, networking.c: protected mode"),
    Signature("redis", _bytes(b"-NOAUTH "), "Redis, server.c: a password is wanted"),
    Signature(
        "mysql",
        _bytes(_ANY, b"\x00\x00\x00\x0a", _DIGIT),
        "MySQL manual, Protocol::HandshakeV10: length under 256, sequence 0, version 10, server version as text",
    ),
    Signature("rfb", _bytes(b"RFB 00", _DIGIT, b"."), "RFC 6143 section 7.1.1: the server's ProtocolVersion"),
    Signature("amqp", _bytes(b"AMQP"), "AMQP 0-9-1 section 4.2.2, AMQP 1.0 section 2.2: the protocol header"),
    Signature("nats", _bytes(b"INFO {"), "NATS client protocol: the server's INFO"),
)
"""The one table of protocols that can be told by their first bytes."""


def name_protocol(first_bytes: bytes) -> str | None:
    """The protocol that `first_bytes` belong to, or None where they do not decide it.

    Args:
        first_bytes: what came first on a connection; `FIRST_BYTES_MAX` of them are enough.
    """
    for signature in SIGNATURES:
        if len(first_bytes) >= len(signature.pattern) and signature.allows(first_bytes):
            return signature.protocol
    return None


def may_get_a_name(first_bytes: bytes) -> bool:
    """Whether more bytes could complete a signature that `first_bytes` only begin."""
    return any(len(first_bytes) < len(each.pattern) and each.allows(first_bytes) for each in SIGNATURES)
