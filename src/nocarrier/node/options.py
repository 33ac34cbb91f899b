"""Settings of the node and its timing: names and defaults are the contract's."""

from __future__ import annotations

import ipaddress
import re

import msgspec

from nocarrier.errors import AddressError, ConfigError
from nocarrier.model.address import Address

_GENESIS = re.compile(r"[0-9a-f]{64}\Z")
_NETWORK = re.compile(r"[!-~]{1,64}\Z")
DEFAULT_P2P_PORT = 7072


class NodeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[node]``."""

    network: str = "main"
    genesis: str = "0" * 64
    """64 hex digits that say which chain or deployment this is."""
    protocol_version: int = 2
    min_protocol_version: int = 1
    p2p_listen: str = "0.0.0.0:7072"
    advertise: str = ""
    """host:port told to peers; empty: learned from peers."""
    seeds: tuple[str, ...] = ()
    ipv4_only: bool = True
    lan_mode: bool = False
    """Allow private and loopback peers."""
    allow_networks: tuple[str, ...] = ()
    """Or allow just these among them."""
    target_peers: int = 8
    max_peers: int = 64
    max_dials_in_flight: int = 16
    data_dir: str = ""
    """Empty: the platform's user data folder."""
    admission_key: str = ""
    """Ed25519 public key, base64url of its 32 bytes: peers must show a ticket signed by it."""
    ticket: str = ""
    bans: tuple[str, ...] = ()
    """Addresses, networks or node ids."""
    netgroup_prefix: int = 16
    """IPv4 bits that count as one network."""

    def check(self) -> None:
        """Refuse values that cannot work.

        Raises:
            ConfigError: names key, value and what is allowed. Seeds are not checked: a bad one is recorded as a skip.
        """
        _require("genesis", self.genesis, bool(_GENESIS.match(self.genesis)), "64 lower-case hex digits")
        _require(
            "network",
            self.network,
            0 < len(self.network) <= 64 and self.network.isprintable(),
            "1 to 64 printable characters",
        )
        _require(
            "min_protocol_version",
            self.min_protocol_version,
            0 <= self.min_protocol_version <= self.protocol_version,
            f"0 to protocol_version ({self.protocol_version})",
        )
        _require("protocol_version", self.protocol_version, self.protocol_version <= 65535, "at most 65535")
        _require(
            "target_peers",
            self.target_peers,
            0 <= self.target_peers <= self.max_peers,
            f"0 to max_peers ({self.max_peers})",
        )
        _require("max_peers", self.max_peers, 1 <= self.max_peers <= 10_000, "1 to 10000")
        _require("max_dials_in_flight", self.max_dials_in_flight, 1 <= self.max_dials_in_flight <= 1_000, "1 to 1000")
        _require("netgroup_prefix", self.netgroup_prefix, 1 <= self.netgroup_prefix <= 32, "1 to 32")
        for text in self.allow_networks:
            try:
                ipaddress.ip_network(text)
            except ValueError as exc:
                raise ConfigError(
                    f"allow_networks: {text!r} is not a network; write it like 192.168.0.0/16 ({exc})"
                ) from None
        for key, text in (("p2p_listen", self.p2p_listen), ("advertise", self.advertise)):
            if text or key == "p2p_listen":
                parse_listen(key, text)


class TimingOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[timing]``, all in seconds."""

    connect_timeout_s: float = 10
    handshake_attempt_s: float = 12
    handshake_window_s: float = 36
    """Attempts on fresh connections until the window ends."""
    maintain_interval_s: float = 30
    gossip_interval_s: float = 30

    def check(self) -> None:
        """Refuse values that cannot work.

        Raises:
            ConfigError: names key, value and what is allowed.
        """
        for key in self.__struct_fields__:
            value = getattr(self, key)
            _require(key, value, 0.01 <= value <= 86_400, "0.01 to 86400 seconds")
        _require(
            "handshake_window_s",
            self.handshake_window_s,
            self.handshake_window_s >= self.handshake_attempt_s,
            f"at least handshake_attempt_s ({self.handshake_attempt_s:g})",
        )


def parse_listen(key: str, text: str) -> tuple[str, int]:
    """Host and port of a setting to listen on; port 0 lets the kernel choose.

    Raises:
        ConfigError: not host:port.
    """
    host, _, port = text.rpartition(":")
    try:
        if port == "0":
            return Address.parse(f"{host}:1").host, 0
        address = Address.parse(text)
    except AddressError as exc:
        raise ConfigError(f"{key} = {text!r} is not host:port ({exc})") from None
    return address.host, address.port


def _require(key: str, value: object, holds: bool, allowed: str) -> None:
    if not holds:
        raise ConfigError(f"{key} = {value!r} cannot work; allowed is {allowed}")
