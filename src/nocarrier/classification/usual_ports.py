"""On which ports the peers of well-known P2P networks usually listen: the one table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class P2PProtocol:
    """One family of P2P networks."""

    name: str
    """For people."""
    speaks: str | None
    """What `first_bytes` calls it; None: its peers say nothing that tells it, or wait for the other side."""
    ports: frozenset[int]
    source: str
    """Where the ports are defined."""


def _row(name: str, ports: Collection[int], source: str, speaks: str | None = None) -> P2PProtocol:
    return P2PProtocol(name, speaks, frozenset(ports), source)


P2P_PROTOCOLS = (
    _row(
        "Bitcoin", (8333, 18333, 48333, 38333, 18444), "Bitcoin Core, kernel/chainparams.cpp: nDefaultPort", "bitcoin"
    ),
    _row("Litecoin", (9333, 19335), "Litecoin Core, chainparams.cpp: nDefaultPort"),
    _row("Dogecoin", (22556, 44556), "Dogecoin Core, chainparams.cpp: nDefaultPort"),
    _row("Dash", (9999, 19999), "Dash Core, chainparams.cpp: nDefaultPort"),
    _row("Zcash", (8233, 18233), "Zcash, chainparams.cpp: nDefaultPort"),
    _row("Ethereum", (30303,), "go-ethereum, node/defaults.go: ListenAddr"),
    _row(
        "libp2p", (4001, 30333, 13000), "kubo, Addresses.Swarm; Substrate, --port; Prysm, --p2p-tcp-port", "multistream"
    ),
    _row("BitTorrent", range(6881, 6890), "BEP 3: the ports that clients try", "bittorrent"),
    _row("Monero", (18080, 28080, 38080), "Monero, cryptonote_config.h: P2P_DEFAULT_PORT"),
    _row("CometBFT", (26656,), "CometBFT, config.toml: [p2p] laddr"),
    _row("Chia", (8444,), "chia-blockchain, initial-config.yaml: full_node port"),
    _row("Lightning", (9735,), "BOLT 1: the default TCP port"),
    _row("NEAR", (24567,), "nearcore, config.json: network.addr"),
    _row("Avalanche", (9651,), "avalanchego, --staking-port"),
    _row("Stellar", (11625,), "stellar-core, PEER_PORT"),
    _row("Syncthing", (22000,), "Syncthing, Block Exchange Protocol: the default listen address"),
)

_BY_PORT = {port: protocol for protocol in P2P_PROTOCOLS for port in protocol.ports}
_BY_FIRST_BYTES = {protocol.speaks: protocol for protocol in P2P_PROTOCOLS if protocol.speaks is not None}


def usual_on(port: int) -> P2PProtocol | None:
    """The protocol whose peers usually listen on `port`; None if the table has none."""
    return _BY_PORT.get(port)


def spoken_as(speaks: object) -> P2PProtocol | None:
    """The P2P protocol that `first_bytes` calls `speaks`; None if that is none, or not one of a P2P network."""
    return _BY_FIRST_BYTES.get(speaks) if isinstance(speaks, str) else None
