"""Masks what tells who a peer is, so that an answer can be shown to others.

Fields are masked by what they hold, and the values in our own sentences by their kind (`views.findings`). What is left
is free text of peers and systems, keys of objects included: what looks like an IP address, a host name or an identity
there is masked, and only the fixed words of our own tables pass as they are. The same address has the same mask
everywhere, so that patterns stay visible; ports stay, as they tell much about mistakes and nothing about people.

Free text of a peer can hide an address in ways that no program finds. What is masked here is all that is written in a
usual form.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from nocarrier.errors import AddressError
from nocarrier.model.action import DEFAULT_URL
from nocarrier.model.address import Address, parse_ip
from nocarrier.model.text import Mask, ValueKind

_KEY = secrets.token_bytes(32)
"""Of this process only: without it nobody can try all IPv4 addresses against a mask."""

_MASK_DIGITS = 8
"""32 bits: among the few thousand addresses of one answer, two share a mask about once in a thousand answers."""

_ADDRESS_KEYS = frozenset(
    {"addr", "addrs", "via", "peer_addr", "advertised_p2p", "true_addr", "hop", "ip", "gateway", "nameservers"}
)
"""Fields that hold one address, or a list of them, and nothing else, so that all of it is masked even where it is
malformed."""

_MAPPINGS_BY_ADDRESS = frozenset({"by_addr"})

_OPAQUE_KEYS = frozenset({"first_bytes"})
"""Bytes of the wire in hex, in which an address or identity can stand in binary."""

_FIXED_WORDS = (
    frozenset({"reason", "last_reason", "because", "source", "phase", "kind", "blame", "state", "direction", "outcome"})
    | {"code", "title", "severity", "hides", "suggests", "answer", "blocked", "mistake"}
    | {"network", "genesis", "version"}
)
"""Words of our own tables, and what says which network and program this is, not who takes part in it."""

_RUN_KEYS = frozenset({"run", "start_id", "next_after"})
"""What names a run of the program, and its events: random, and of use to whoever asks again."""

_RUN = re.compile(r"[0-9a-f]{32}(?::[0-9]+)?")

_IDENTITY = re.compile(r"(?<![\w-])[\w-]{32,}=*")
"""Hex or base64url of 16 bytes or more: a node id, a key, a ticket."""

_ANY_PORT = 1
"""Whoever records a dial himself may leave the port out."""

_SUSPICIOUS = re.compile(
    rf"""
    [0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?   # IPv6
    | (?<!\d)\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?!\d)          # IPv4
    | {_IDENTITY.pattern}
    | (?<![\w-])(?:[\w-]+\.)+[^\W\d_][\w-]*             # host name with a dot
    | (?<![\w-])[\w-]*[^\W\d_][\w-]*(?=:\d{{1,5}}(?!\w)) # host name before a port
    """,
    re.VERBOSE,
)

_WORD = re.compile(r"(?<![\w-])[\w-]+")


class MadeOfValues:
    """A view of sentences that were made of values. Finished, it cannot be masked any more."""

    __slots__ = ()


class Masked(MadeOfValues):
    """One whose values were masked before, which passes as it is."""

    __slots__ = ()


def redact(view: object) -> Any:
    """`view` as plain lists and dictionaries, ready to encode, with addresses, names and identities masked.

    A name without a dot, such as that of a machine in a LAN, is known as one only from the addresses in `view`.

    Raises:
        TypeError: `view` has sentences that were not made for a reader whose answers are masked.
    """
    plain = _plain(view)
    return _Redactor(_hosts(plain)).mask(plain)


def masks_for(addrs: Iterable[str]) -> Mask:
    """What to show for the values of sentences.

    Args:
        addrs: addresses and hosts that a text among the values may name.
    """
    return _Redactor(host for addr in addrs for host in _host(addr)).value


def _plain(view: Any) -> Any:
    """Lists and dictionaries, with what is masked already in between."""
    if isinstance(view, Masked):
        return view
    if isinstance(view, MadeOfValues):
        raise TypeError(f"a {type(view).__name__} has to be made for a reader whose answers are masked")
    if is_dataclass(view):
        return {each.name: _plain(getattr(view, each.name)) for each in fields(view)}
    if isinstance(view, list | tuple):
        return [_plain(item) for item in view]
    return msgspec.to_builtins(view)


def _hosts(plain: Any, key: str = "") -> Iterator[str]:
    """Hosts of all addresses in `plain`."""
    if isinstance(plain, str) and key in _ADDRESS_KEYS:
        yield from _host(plain)
    elif isinstance(plain, list | tuple):
        for item in plain:
            yield from _hosts(item, key)
    elif isinstance(plain, dict):
        if key in _MAPPINGS_BY_ADDRESS:
            for addr in plain:
                yield from _host(addr)
        for name, value in plain.items():
            yield from _hosts(value, name)


def _host(text: str) -> Iterator[str]:
    try:
        yield Address.parse(text, default_port=_ANY_PORT).host
    except AddressError:
        return


class _Redactor:
    def __init__(self, hosts: Iterable[str]) -> None:
        self._names = {host for host in hosts if "." not in host}

    def value(self, kind: ValueKind, text: str) -> str:
        match kind:
            case ValueKind.ADDRESS:
                return _mask_address(text)
            case ValueKind.HOST:
                return _mask_host(text)
            case ValueKind.NETWORK:
                return _mask_network(text)
            case ValueKind.IDENTITY:
                return _mask("id", text)
            case ValueKind.URL:
                return DEFAULT_URL
            case ValueKind.TEXT:
                return self._free_text(text)
            case ValueKind.NUMBER | ValueKind.WORD:
                return text

    def mask(self, plain: Any, key: str = "") -> Any:
        if isinstance(plain, Masked):
            return msgspec.to_builtins(plain)
        if isinstance(plain, str):
            return self._text(plain, key)
        if isinstance(plain, list | tuple):
            return [self.mask(item, key) for item in plain]
        if isinstance(plain, dict):
            if key in _MAPPINGS_BY_ADDRESS:
                return {_mask_address(addr): value for addr, value in plain.items()}
            return {_mask_key(name): self.mask(value, name) for name, value in plain.items()}
        return plain

    def _text(self, text: str, key: str) -> str:
        if key in _FIXED_WORDS and not _is_ip_network(text):
            return text
        if key in _RUN_KEYS and _RUN.fullmatch(text):
            return text
        if key in _ADDRESS_KEYS:
            return _mask_address(text)
        if key in _OPAQUE_KEYS:
            return _mask("bytes", text)
        return self._free_text(text)

    def _free_text(self, text: str) -> str:
        masked = _SUSPICIOUS.sub(_mask_match, text)
        return _WORD.sub(self._mask_name, masked) if self._names else masked

    def _mask_name(self, word: re.Match[str]) -> str:
        return _mask_host(word[0]) if word[0].lower() in self._names else word[0]


def _is_ip_network(text: str) -> bool:
    """Whether `text`, the name of a network of peers elsewhere, says in a route where that leads."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=1024)  # the same few dozen names stand in every entry
def _mask_key(name: str) -> str:
    """Our own names of fields never look like an address; a key inside evidence may be a peer's text."""
    return _SUSPICIOUS.sub(_mask_match, name)


def _mask_match(match: re.Match[str]) -> str:
    text = match[0]
    bare = text.rstrip(".:") if parse_ip(text) is None else text  # the end of a sentence, or of a clause
    if ":" in bare and parse_ip(bare) is None:
        return _mask("text", text)  # perhaps a time of day, perhaps an address written in a way of its own
    return _mask_host(bare) + text[len(bare) :]


@functools.lru_cache(maxsize=4096)
def _mask_address(text: str) -> str:
    try:
        address = Address.parse(text)
    except AddressError:
        is_whole = parse_ip(text) is not None or _IDENTITY.fullmatch(text)
        return _mask_host(text) if is_whole else _mask("text", text)
    return f"{_mask_host(address.host)}:{address.port}"


def _mask_network(text: str) -> str:
    """Of a netgroup; a host that has a name is one by itself."""
    ip, slash, prefix = text.partition("/")
    return f"{_mask_host(ip)}{slash}{prefix}" if parse_ip(ip) is not None else _mask_host(text)


def _mask_host(text: str) -> str:
    ip = parse_ip(text)
    if ip is not None:
        return _mask(f"ipv{ip.version}", str(ip))
    if _IDENTITY.fullmatch(text):
        return _mask("id", text)
    return _mask("name", text.lower())


def _mask(kind: str, text: str) -> str:
    digest = hmac.new(_KEY, f"{kind} {text}".encode(errors="replace"), hashlib.sha256).hexdigest()
    return f"{kind}-{digest[:_MASK_DIGITS]}"
