"""What is known about the ports of one host, and what that says about one of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from nocarrier.model.node.state import PortMistake

MAX_PORTS = 16
"""How many ports of one kind are remembered for one host; a peer that reconnects all day leaves that many source
ports."""

_WEB = frozenset({"http", "http2"})


class Proof(NamedTuple):
    """Which node was met on a port. A process keeps its port, so a proof is valid for one boot."""

    node_id: str
    boot_id: bytes


class Mistake(NamedTuple):
    """What is wrong with a port, and for which node it was published."""

    kind: PortMistake
    node_id: str


@dataclass(slots=True)
class HostPorts:
    """Evidence about one host: what was met on its ports, and what its nodes say about them. The newest is last."""

    proven: dict[int, Proof] = field(default_factory=dict)
    """Where a node was met."""
    http: dict[int, str] = field(default_factory=dict)
    """Which node publishes it as its HTTP port."""
    dialed_from: dict[int, str] = field(default_factory=dict)
    """Which node dialed us from it."""
    foreign: dict[int, str | None] = field(default_factory=dict)
    """Where another protocol was met, and which one, if known."""
    closed: dict[int, str] = field(default_factory=dict)
    """Which node publishes it, but was not there while it was connected with us."""

    def prove(self, port: int, proof: Proof) -> None:
        """Note that a node was met on `port`."""
        remember(self.proven, port, proof, MAX_PORTS)
        self.foreign.pop(port, None)
        self.closed.pop(port, None)

    def publish_http(self, port: int, node_id: str) -> None:
        """Note that a node says `port` is the port of its HTTP API."""
        remember(self.http, port, node_id, MAX_PORTS)

    def dial_from(self, port: int, node_id: str) -> None:
        """Note that a node dialed us from `port`."""
        remember(self.dialed_from, port, node_id, MAX_PORTS)

    def meet_other_protocol(self, port: int, speaks: str | None) -> None:
        """Note that another protocol answered on `port`; `speaks` names it, if known."""
        remember(self.foreign, port, speaks, MAX_PORTS)

    def find_closed(self, port: int, node_id: str) -> None:
        """Note that a node that is connected with us publishes `port`, but is not there."""
        remember(self.closed, port, node_id, MAX_PORTS)

    def port_of(self, node_id: str) -> int | None:
        """Where that node was last met."""
        return next((port for port in reversed(self.proven) if self.proven[port].node_id == node_id), None)

    def mistake(self, port: int, said: frozenset[str], publisher: str | None) -> Mistake | None:
        """What is wrong with `port`; None if nothing is, as far as is known.

        Args:
            port: a port that was published and has never worked.
            said: the nodes that are said to be there.
            publisher: the connected node that publishes it.
        """
        if port in self.proven:
            return None
        for kind, owners in ((PortMistake.HTTP_PORT, self.http), (PortMistake.SOURCE_PORT, self.dialed_from)):
            if port in owners and said <= {owners[port]}:
                return Mistake(kind, owners[port])
        met = {proof.node_id for proof in self.proven.values()}
        # Another protocol's port on a host with one node: it can only have been published for that node.
        meant = said or (met if port in self.foreign else frozenset())
        if len(meant) == 1 and meant <= met:
            is_web = self.foreign.get(port) in _WEB
            return Mistake(PortMistake.HTTP_PORT if is_web else PortMistake.OTHER_PORT, *meant)
        if port in self.closed:
            return Mistake(PortMistake.NOT_REACHED, self.closed[port])
        if port in self.foreign and publisher is not None:
            return Mistake(PortMistake.NOT_REACHED, publisher)
        return None


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def remember(table: dict[_Key, _Value], key: _Key, value: _Value, limit: int) -> None:
    """Put `value` last; beyond `limit` entries, remove the first."""
    table.pop(key, None)
    table[key] = value
    if len(table) > limit:
        del table[next(iter(table))]
