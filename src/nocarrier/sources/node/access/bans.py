"""The peers that this node refuses: bans by address, network or node id, for dials and inbound connections alike."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import msgspec

from nocarrier.errors import AddressError, ConfigError
from nocarrier.model import bounds
from nocarrier.model.address import Address, IPAddress, parse_ip
from nocarrier.sources.node import state_files

MAX_RUNTIME_BANS = 10_000
"""A peer that keeps changing addresses must not fill memory and disk. Measured with this many bans: a file of 1.5 MB, 8
to 20 ms per change, 5 us per match."""

ALLOWED = (
    "allowed are an IP address (192.0.2.1), an address with port (192.0.2.1:7072, [2001:db8::1]:7072), "
    "a network without host bits (192.0.2.0/24) or a node id (64 hex digits)"
)

_NODE_ID = re.compile(r"[0-9a-f]{64}\Z")
_MAPPED_IPV4 = ipaddress.IPv6Network("::ffff:0:0/96")

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Target: TypeAlias = str | Address | _Network
"""A node id, an IP address with port, or a network; one IP address is a network of full prefix length."""


class Origin(StrEnum):
    """Where a ban comes from."""

    CONFIG = "config"
    RUNTIME = "runtime"


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """One ban. `target` is in normal form."""

    target: str
    reason: str
    banned_unix: float
    until_unix: float | None
    """None: forever."""
    origin: Origin

    def __post_init__(self) -> None:
        """Make sure that a ban read from a file can be matched."""
        if self.target != _text_of(_parse_target(self.target)):
            raise ValueError(f"{bounds.text(self.target)!r} is not in normal form")

    def active(self, now_unix: float) -> bool:
        """Whether the ban is active at `now_unix`."""
        return self.until_unix is None or now_unix < self.until_unix


class _BanFile(msgspec.Struct, tag_field="schema", tag=1):
    bans: list[Ban]


class _BanTable:
    """Bans of one origin, the oldest first, found with a few look-ups however many there are."""

    def __init__(self) -> None:
        self.by_target: dict[str, Ban] = {}
        self._by_identity: dict[str | Address, Ban] = {}
        self._by_network: dict[tuple[int, int], dict[int, Ban]] = {}
        """From (IP version, prefix length) to the first bits of an address: one look-up for each length in use."""

    def put(self, ban: Ban) -> None:
        self.drop(ban.target)
        self.by_target[ban.target] = ban
        target = _parse_target(ban.target)
        if isinstance(target, str | Address):
            self._by_identity[target] = ban
        else:
            key = target.version, target.prefixlen
            self._by_network.setdefault(key, {})[_first_bits(target.network_address, target.prefixlen)] = ban

    def drop(self, text: str) -> bool:
        if self.by_target.pop(text, None) is None:
            return False
        target = _parse_target(text)
        if isinstance(target, str | Address):
            del self._by_identity[target]
        else:
            key = target.version, target.prefixlen
            del self._by_network[key][_first_bits(target.network_address, target.prefixlen)]
        return True

    def find(self, ip: IPAddress | None, port: int | None, node_id: str | None) -> Iterator[Ban]:
        keys: list[str | Address] = [node_id] if node_id else []
        if ip is not None:
            if port is not None:
                keys.append(Address(str(ip), port))
            for (version, prefix_length), bans in self._by_network.items():
                if version == ip.version and (ban := bans.get(_first_bits(ip, prefix_length))):
                    yield ban
        for key in keys:
            if ban := self._by_identity.get(key):
                yield ban


class BanList:
    """All bans. Bans of the settings last as long as the settings have them; runtime bans survive restarts and kill -9.

    Not thread-safe. `add` and `remove` block until the file is forced to disk.

    Attributes:
        evicted_total: runtime bans that made room for newer ones before they ended.
    """

    def __init__(
        self, config: Iterable[str] = (), *, path: Path | None = None, max_runtime_bans: int = MAX_RUNTIME_BANS
    ) -> None:
        """Make a list with the bans of the settings; call `load` for those of the file.

        Args:
            config: the targets of the setting ``bans``.
            path: the file of the runtime bans; None keeps them only in memory.
            max_runtime_bans: one more runtime ban evicts the oldest one.

        Raises:
            ConfigError: an entry of `config` cannot be banned.
        """
        self.evicted_total = 0
        self._path = path
        self._max_runtime_bans = max_runtime_bans
        self._config, self._runtime = _BanTable(), _BanTable()
        for text in config:
            target = _text_of(_parse_target(text))
            self._config.put(
                Ban(
                    target=target,
                    reason="banned in the settings",
                    banned_unix=0,
                    until_unix=None,
                    origin=Origin.CONFIG,
                )
            )

    def load(self, now_unix: float) -> str | None:
        """Read the runtime bans from the file. Returns a warning to log if the file could not be used.

        Raises:
            StateFileError: the file cannot be read at all.
        """
        if self._path is None:
            return None
        loaded = state_files.load(self._path, _BanFile, now_unix=now_unix)
        for ban in loaded.state.bans if loaded.state else ():
            self._runtime.put(ban)
        self._make_room(now_unix)
        return loaded.warning

    def add(self, target: str, *, now_unix: float, until_unix: float | None = None, reason: str = "") -> Ban:
        """Ban `target` until `until_unix` (None: forever); replaces an earlier runtime ban of it.

        Once this returns, the ban survives kill -9 and power cuts.

        Raises:
            ConfigError: `target` cannot be banned, or `until_unix` is not a time.
            StateFileError: the ban is active, but could not be written and ends with this process.
        """
        if until_unix is not None and math.isnan(until_unix):
            raise ConfigError("the end of a ban is a time in Unix seconds, not NaN")
        ban = Ban(
            target=_text_of(_parse_target(target)),
            reason=bounds.text(reason),
            banned_unix=now_unix,
            until_unix=None if until_unix == math.inf else until_unix,
            origin=Origin.RUNTIME,
        )
        self._runtime.put(ban)
        self._make_room(now_unix)
        self._save()
        return ban

    def remove(self, target: str) -> bool:
        """Lift the runtime ban of `target`; False if there is none. Bans of the settings are lifted in the settings.

        Raises:
            ConfigError: `target` cannot be banned.
            StateFileError: the ban is lifted, but that could not be written, so it is back after a restart.
        """
        found = self._runtime.drop(_text_of(_parse_target(target)))
        if found:
            self._save()
        return found

    def match(
        self, *, ip: IPAddress | None = None, port: int | None = None, node_id: str | None = None, now_unix: float
    ) -> Ban | None:
        """The ban that applies to this peer, or None. Of several, the one that ends last: only then is the peer free.

        Args:
            ip: where the peer is; an IPv4-mapped IPv6 address counts as the IPv4 address.
            port: the port it listens on; leave it out for an inbound connection, whose port means nothing.
            node_id: 64 hex digits, if known.
            now_unix: Unix seconds; bans that have ended do not match.
        """
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip
        found = [
            ban
            for table in (self._config, self._runtime)
            for ban in table.find(ip, port, node_id)
            if ban.active(now_unix)
        ]
        return max(found, key=lambda ban: math.inf if ban.until_unix is None else ban.until_unix, default=None)

    def entries(self, now_unix: float) -> list[Ban]:
        """All bans that are active at `now_unix`: first those of the settings, then the runtime bans, oldest first."""
        bans = [*self._config.by_target.values(), *self._runtime.by_target.values()]
        return [ban for ban in bans if ban.active(now_unix)]

    def _make_room(self, now_unix: float) -> None:
        bans = self._runtime.by_target
        if len(bans) > self._max_runtime_bans:
            for ban in [ban for ban in bans.values() if not ban.active(now_unix)]:
                self._runtime.drop(ban.target)
        while len(bans) > self._max_runtime_bans:
            self._runtime.drop(next(iter(bans)))
            self.evicted_total += 1

    def _save(self) -> None:
        if self._path is not None:
            state_files.save(self._path, _BanFile(list(self._runtime.by_target.values())))


def _first_bits(ip: IPAddress, count: int) -> int:
    return int(ip) >> (ip.max_prefixlen - count)


def _parse_target(text: str) -> _Target:
    if _NODE_ID.match(text.lower()):
        return text.lower()
    try:
        if "/" in text or parse_ip(text):
            return _without_mapping(ipaddress.ip_network(text))
        address = Address.parse(text)
    except (AddressError, ValueError) as error:
        raise ConfigError(f"bans: {bounds.text(text)!r} cannot be banned; {ALLOWED}") from error
    if address.ip is None:
        raise ConfigError(f"bans: {bounds.text(text)!r} is a host name, which can change its addresses; {ALLOWED}")
    return address


def _without_mapping(network: _Network) -> _Network:
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED_IPV4):
        return ipaddress.ip_network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _text_of(target: _Target) -> str:
    if isinstance(target, str | Address):
        return str(target)
    return str(target.network_address) if target.prefixlen == target.max_prefixlen else str(target)
