"""The settings of the node and of its timing. Users set them by these names, and the docs show their meanings."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from nocarrier.errors import AddressError, ConfigError
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX, Address, parse_ip
from nocarrier.model.bounds import MAX_PROTOCOL_VERSION
from nocarrier.model.listen import is_listen_address, parse_listen
from nocarrier.sources.node.access.identity import node_id_from_b64url
from nocarrier.sources.node.access.tickets import MAX_TICKET_LENGTH

__all__ = ["DEFAULT_P2P_PORT", "Impossible", "NodeOptions", "TimingOptions", "out_of_range"]

_GENESIS = re.compile(r"[0-9a-f]{64}\Z")
DEFAULT_P2P_PORT = 7072

_NETWORK = re.compile(r"[!-~]{1,64}\Z")
"""The range that a Hello can carry."""

Impossible: TypeAlias = tuple[str, str]
"""The key of a value that cannot work, and what is allowed instead."""


class NodeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[node]``."""

    network: Annotated[str, Meta(description="Name of the network; peers of other networks are refused.")] = "main"
    genesis: Annotated[str, Meta(description="64 hex digits that identify the chain or deployment.")] = "0" * 64
    protocol_version: Annotated[int, Meta(description="Newest protocol version that this node speaks.")] = 2
    min_protocol_version: Annotated[int, Meta(description="Oldest protocol version that this node accepts.")] = 1
    p2p_listen: Annotated[str, Meta(description="host:port on which peers are accepted.")] = "0.0.0.0:7072"
    advertise: Annotated[str, Meta(description="host:port that peers are told to dial; empty: learned from peers.")] = (
        ""
    )
    seeds: Annotated[tuple[str, ...], Meta(description="host:port of peers to start from.")] = ()
    ipv4_only: Annotated[bool, Meta(description="Never dial IPv6.")] = True
    lan_mode: Annotated[bool, Meta(description="Allow private and loopback peers.")] = False
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(description="Private or loopback networks to allow without lan_mode, such as 127.0.0.0/8."),
    ] = ()
    target_peers: Annotated[int, Meta(description="How many peers the node tries to stay connected to.")] = 8
    max_peers: Annotated[int, Meta(description="Most sessions at a time, including inbound ones.")] = 64
    max_dials_in_flight: Annotated[int, Meta(description="Most dials at a time.")] = 16
    data_dir: Annotated[
        str,
        Meta(description="Folder for identity, peer book, bans and history; empty: the platform's user data folder."),
    ] = ""
    admission_key: Annotated[
        str,
        Meta(
            description="Ed25519 public key, its 32 bytes in base64url: peers must show a ticket signed by its owner. "
            "Empty: every peer is admitted."
        ),
    ] = ""
    ticket: Annotated[str, Meta(description="The admission ticket that this node shows to its peers.")] = ""
    bans: Annotated[tuple[str, ...], Meta(description="Addresses, networks or node ids to refuse.")] = ()
    netgroup_prefix: Annotated[int, Meta(description="How many leading bits of an IPv4 address make its netgroup.")] = (
        DEFAULT_NETGROUP_PREFIX
    )

    def impossible(self) -> Iterator[Impossible]:
        """Values that cannot work, with what is allowed.

        Seeds and bans are not checked here: a bad seed is recorded as a skip, and the ban list reads its own entries.
        """
        if not _GENESIS.match(self.genesis):
            yield "genesis", "64 lower-case hex digits"
        if not _NETWORK.match(self.network):
            yield "network", "1 to 64 ASCII characters without spaces"
        yield from out_of_range(
            self,
            {
                "protocol_version": (0, MAX_PROTOCOL_VERSION),
                "max_peers": (1, 10_000),
                "max_dials_in_flight": (1, 1_000),
                "netgroup_prefix": (1, 32),
            },
        )
        if not 0 <= self.min_protocol_version <= self.protocol_version:
            yield "min_protocol_version", f"0 to protocol_version ({self.protocol_version})"
        if not 0 <= self.target_peers <= self.max_peers:
            yield "target_peers", f"0 to max_peers ({self.max_peers})"
        if not all(map(_is_network, self.allow_networks)):
            yield "allow_networks", "networks without host bits, like 127.0.0.0/8 or fc00::/7"
        if not (is_listen_address(self.p2p_listen) and parse_ip(parse_listen("p2p_listen", self.p2p_listen)[0])):
            yield "p2p_listen", "an IP address and a port, such as 0.0.0.0:7072 or [::]:7072"
        if self.advertise and not _is_address(self.advertise):
            yield "advertise", "host:port, or empty"
        if self.admission_key and not _is_public_key(self.admission_key):
            yield "admission_key", "an Ed25519 public key as 43 characters of base64url, or empty"
        if len(self.ticket) > MAX_TICKET_LENGTH:
            yield "ticket", f"at most {MAX_TICKET_LENGTH} characters"

    def check(self) -> None:
        """Refuse values that cannot work.

        Raises:
            ConfigError: names key, value and what is allowed.
        """
        _refuse(self, self.impossible())


class TimingOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[timing]``, all in seconds."""

    connect_timeout_s: Annotated[
        float, Meta(description="How long connecting may take, including the name look-up.")
    ] = 10
    handshake_attempt_s: Annotated[float, Meta(description="How long one handshake attempt may take.")] = 12
    handshake_window_s: Annotated[float, Meta(description="How long a handshake is retried on fresh connections.")] = 36
    maintain_interval_s: Annotated[
        float, Meta(description="How often the node checks whether it needs more peers.")
    ] = 30
    gossip_interval_s: Annotated[float, Meta(description="How often connected peers are asked for addresses.")] = 30

    def impossible(self) -> Iterator[Impossible]:
        """Values that cannot work, with what is allowed."""
        yield from out_of_range(self, dict.fromkeys(self.__struct_fields__, (0.01, 86_400)))
        if self.handshake_window_s < self.handshake_attempt_s:
            yield "handshake_window_s", f"at least handshake_attempt_s ({self.handshake_attempt_s:g})"

    def check(self) -> None:
        """Refuse values that cannot work.

        Raises:
            ConfigError: names key, value and what is allowed.
        """
        _refuse(self, self.impossible())


def out_of_range(options: msgspec.Struct, ranges: Mapping[str, tuple[float, float]]) -> Iterator[Impossible]:
    """The keys of `ranges` (lowest and highest allowed value) whose value is outside; NaN is outside every range."""
    for key, (lowest, highest) in ranges.items():
        if not lowest <= getattr(options, key) <= highest:
            yield key, f"{lowest} to {highest}"


def _is_address(text: str) -> bool:
    try:
        Address.parse(text)
    except AddressError:
        return False
    return True


def _is_public_key(text: str) -> bool:
    try:
        node_id_from_b64url(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _refuse(options: NodeOptions | TimingOptions, impossible: Iterator[Impossible]) -> None:
    for key, allowed in impossible:
        raise ConfigError(f"{key} = {getattr(options, key)!r} cannot work; it must be {allowed}")
