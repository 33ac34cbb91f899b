"""Masks everything that identifies a peer, so that an answer can be shown to others.

Fields are masked by what they contain, and values in nocarrier's sentences by their kind (`views.findings`). The rest
is free text from peers and systems, including keys of objects. There, anything that looks like an IP address, a host
name or an identity is masked; only the fixed words of nocarrier's tables stay as they are. The same address has the
same mask everywhere, so that patterns stay visible. Ports stay, because they say much about mistakes and nothing about
people.

A peer's free text can hide an address in ways that no program finds. Only addresses in a usual form are masked.
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
from nocarrier.model.wording.text import Mask, ValueKind

_KEY = secrets.token_bytes(32)
"""Random for each process. Without the key, nobody can find the address behind a mask by trying all IPv4 addresses."""

_MASK_DIGITS = 8
"""32 bits: with a few thousand addresses in each, about one answer in a thousand has two with the same mask."""

_ADDRESS_KEYS = frozenset(
    {"addr", "addrs", "via", "peer_addr", "advertised_p2p", "true_addr", "hop", "ip", "gateway", "nameservers"}
    | {"resolved_to"}
)
"""Fields that contain one address or a list of addresses and nothing else. All of it is masked, even if malformed."""

_MAPPINGS_BY_ADDRESS = frozenset({"by_addr"})

_OPAQUE_KEYS = frozenset({"first_bytes"})
"""Fields with received bytes in hex, which may contain an address or identity in binary."""

_FIXED_WORDS = (
    frozenset({"reason", "last_reason", "because", "source", "phase", "kind", "blame", "state", "direction", "outcome"})
    | {"code", "severity", "hides", "suggests", "answer", "blocked", "mistake"}
    | {"network", "genesis", "version"}
)
"""Fields with words of nocarrier's tables, and fields that identify the network or the program but not who takes part
in it."""

_RUN_KEYS = frozenset({"run", "start_id", "next_after"})
"""Fields that name a run of the program or its events. These names are random, and readers need them to ask further."""

_RUN = re.compile(r"[0-9a-f]{32}(?::[0-9]+)?")

_IDENTITY = re.compile(r"(?<![\w-])[\w-]{32,}=*")
"""Hex or base64url of 16 bytes or more: a node id, a key, a ticket."""

_ANY_PORT = 1
"""Used for parsing only: a program that records its own dials may leave the port out."""

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
    """A view with sentences made from values. Once it is made, it can no longer be masked."""

    __slots__ = ()


class Masked(MadeOfValues):
    """A view whose values were masked before, so that it is passed on as it is."""

    __slots__ = ()


def redact(view: object) -> Any:
    """Return `view` as plain lists and dictionaries, with addresses, names and identities masked, ready to encode.

    A name without a dot, such as that of a machine in a LAN, is recognized only if an address in `view` contains it.

    Raises:
        TypeError: `view` has sentences made for a reader whose answers are not masked.
    """
    plain = _plain(view)
    return _Redactor(_hosts(plain)).mask(plain)


def masks_for(addrs: Iterable[str]) -> Mask:
    """Return the function that masks the values of sentences.

    Args:
        addrs: addresses and hosts that texts among the values may contain.
    """
    return _Redactor(host for addr in addrs for host in _host(addr)).value


def _plain(view: Any) -> Any:
    """Return lists and dictionaries, and leave views that are already masked as they are."""
    if isinstance(view, Masked):
        return view
    if isinstance(view, MadeOfValues):
        raise TypeError(f"a {type(view).__name__} must be made for a reader whose answers are masked")
    if is_dataclass(view):
        return {each.name: _plain(getattr(view, each.name)) for each in fields(view)}
    if isinstance(view, list | tuple):
        return [_plain(item) for item in view]
    return msgspec.to_builtins(view)


def _hosts(plain: Any, key: str = "") -> Iterator[str]:
    """Yield the hosts of all addresses in `plain`."""
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
    """Whether `text` is an IP network. `network` in a route is one; elsewhere it is the name of a network of peers."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=1024)  # every entry has the same few dozen names
def _mask_key(name: str) -> str:
    """Mask a key. nocarrier's field names never look like an address, but a key in evidence may be a peer's text."""
    return _SUSPICIOUS.sub(_mask_match, name)


def _mask_match(match: re.Match[str]) -> str:
    text = match[0]
    bare = text.rstrip(".:") if parse_ip(text) is None else text  # without the end of a sentence or a clause
    if ":" in bare and parse_ip(bare) is None:
        return _mask("text", text)  # a time of day, or perhaps an address in an unusual form
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
    """Mask a netgroup. A host with a name is a netgroup of its own."""
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
