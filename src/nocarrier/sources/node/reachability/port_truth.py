"""Which ports peers really listen on: compares what they publish and name with what was met there.

There are few ways to publish a wrong port: the port of the HTTP API instead of the P2P port, the port that a peer dials
*from* taken for the one it listens on, an old port, or one that a router does not forward. Each leaves its own trace in
what sessions, gossip and dials say about a host. Pure: `now_unix` is passed in, and nothing is dialed.

A peer is believed only about its own host, the one that its connection comes from. A peer that shares that host with
others (behind a NAT, for example) can make an address of it look mistaken until it works; it can have the address
removed from the book only if that address has never worked, and only while nobody says that another node is there.
"""

from __future__ import annotations

from typing import NamedTuple

from nocarrier.model.address import Address
from nocarrier.model.fault import Fault
from nocarrier.model.node.state import Direction, PortClaim
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.sources.node.book.peer_book import AddOutcome, PeerBook, PeerEntry
from nocarrier.sources.node.reachability.host_ports import HostPorts, Proof, remember
from nocarrier.sources.node.sessions.session import Session
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire import RemotePeer

MAX_HOSTS = 1024
"""Hosts with evidence, at most 5.5 MB (measured); the one longest without news leaves first."""

MAX_TOLD = 2048
"""Named addresses that are remembered with the peers that named them: as many as the peer book holds."""

MAX_CLAIMS = 256
"""Far more than anybody will read."""

KEPT_S = 3600.0
"""How long a claim lasts after it was last confirmed, and how long an address counts as named."""

_SOMEBODY_ELSE = frozenset({Reason.CONNECTION_REFUSED, Reason.NOT_OUR_PROTOCOL, Reason.PEER_ID_MISMATCH})
"""Answers that show that the expected node is not there. Silence does not: a NAT or firewall can silence any port."""


class _Told(NamedTuple):
    """What peers said about an address."""

    node_ids: frozenset[str]
    """Which nodes are said to be there; at most two, if peers contradict each other."""
    source: Source
    via: str | None
    at_unix: float


class PortTruth:
    """Claims about wrong ports, and the corrections to the peer book that follow from them.

    Attributes:
        changes: increases with every claim that is made, confirmed or dropped.
    """

    def __init__(self, *, book: PeerBook, sessions: SessionTable) -> None:
        self._book = book
        self._sessions = sessions
        self._hosts: dict[str, HostPorts] = {}
        self._told: dict[str, _Told] = {}
        self._claims: dict[str, PortClaim] = {}
        self.changes = 0

    # ---- evidence -------------------------------------------------------------------------------------------------

    def session_began(self, session: Session, now_unix: float) -> None:
        """Note that a peer has proved who it is, says which ports it uses, and shows which port it dials from."""
        remote, tcp_port = session.remote, session.tcp_address.port
        for name in {session.address.host, session.tcp_address.host}:
            host = self._evidence_of(name, remote)
            if remote.http_port is not None:
                host.publish_http(remote.http_port, session.node_id)
            if session.direction is Direction.INBOUND:
                host.dial_from(tcp_port, session.node_id)
            if remote.listen_port is not None:
                host.dialed_from.pop(remote.listen_port, None)  # some programs dial from the port they listen on
            if session.direction is Direction.OUTBOUND:
                self._prove(Address(name, tcp_port), remote, now_unix)
            else:
                self._judge_host(name, now_unix)

    def met(self, address: Address, remote: RemotePeer, now_unix: float) -> None:
        """Note that a handshake on a dial to `address` proved that `remote` listens there, whatever follows."""
        self._prove(address, remote, now_unix)

    def told(self, address: Address, node_id: str | None, source: Source, via: str | None, now_unix: float) -> None:
        """Note that a peer named an address, and perhaps the node there."""
        addr = str(address)
        before = self._told.get(addr)
        known = before.node_ids if before is not None else frozenset()
        node_ids = known | {node_id} if node_id is not None and len(known) <= 1 else known
        remember(self._told, addr, _Told(node_ids, source, via, now_unix), MAX_TOLD)
        self._judge(address, now_unix)

    def dial_failed(self, address: Address, fault: Fault, source: Source, via: str | None, now_unix: float) -> None:
        """Note that a dial to `address` failed; that says something about its port only if another program answered."""
        if fault.reason not in _SOMEBODY_ELSE:
            return
        self._disprove(address)
        if fault.reason is Reason.NOT_OUR_PROTOCOL:
            self._evidence_of(address.host).meet_other_protocol(address.port, fault.evidence.get("speaks"))
        session = self._sessions.at(str(address))
        if session is not None:
            self._evidence_of(address.host).find_closed(address.port, session.node_id)
        self._judge(address, now_unix, source, via)

    def dialed_back(self, session: Session, port: int, reason: str | None, now_unix: float) -> None:
        """Note that the peer asked us to dial its `port`; `reason` says why it was not reached, None that it was."""
        address = Address(session.tcp_address.host, port)
        if reason is None:
            self._prove(address, session.remote, now_unix)
        elif reason in _SOMEBODY_ELSE and port == session.remote.listen_port:
            self._disprove(address)
            self._evidence_of(address.host).find_closed(port, session.node_id)
            self._judge(address, now_unix)

    def _evidence_of(self, name: str, remote: RemotePeer | None = None) -> HostPorts:
        """The evidence about a host, without what an earlier process of `remote` left there."""
        host = self._hosts.get(name) or HostPorts()
        remember(self._hosts, name, host, MAX_HOSTS)
        for port, proof in list(host.proven.items()):
            if remote is not None and proof.node_id == remote.node_id and proof.boot_id != remote.boot_id:
                self._disprove(Address(name, port))
        return host

    def _prove(self, address: Address, remote: RemotePeer, now_unix: float) -> None:
        self._evidence_of(address.host, remote).prove(address.port, Proof(remote.node_id, remote.boot_id))
        self._drop_claim(str(address))
        self._judge_host(address.host, now_unix)

    def _disprove(self, address: Address) -> None:
        """Note that nobody is proven to listen on `address` any more; conclusions from that proof are dropped."""
        host = self._hosts.get(address.host)
        if host is not None and host.proven.pop(address.port, None) is not None:
            for claim in [claim for claim in self._claims.values() if claim.true_addr == str(address)]:
                self._drop_claim(claim.addr)

    # ---- verdicts -------------------------------------------------------------------------------------------------

    def claims(self, now_unix: float) -> tuple[PortClaim, ...]:
        """The published addresses whose port is wrong, as far as is known; the newest last."""
        for claim in [claim for claim in self._claims.values() if now_unix - claim.at_unix > KEPT_S]:
            self._drop_claim(claim.addr)
        return tuple(self._claims.values())

    def __contains__(self, addr: str) -> bool:
        """Whether the port of `addr` is claimed to be wrong."""
        return addr in self._claims

    def is_corrected(self, addr: str) -> bool:
        """Whether the book has the right address in place of `addr`."""
        claim = self._claims.get(addr)
        return claim is not None and claim.corrected

    def _judge_host(self, name: str, now_unix: float) -> None:
        """Check all addresses of a host again, because there is new evidence about it."""
        prefix = str(Address(name, 1)).removesuffix("1")
        addrs = {entry.addr for entry in self._book if entry.addr.startswith(prefix)}
        for addr, told in self._told.items():
            if addr.startswith(prefix) and now_unix - told.at_unix <= KEPT_S:
                addrs.add(addr)
        for addr in addrs:
            self._judge(Address.parse(addr), now_unix)

    def _judge(self, address: Address, now_unix: float, source: Source | None = None, via: str | None = None) -> None:
        """Claim what is wrong with the port of `address`, and correct the book; or withdraw an earlier claim."""
        addr = str(address)
        host, entry, told = self._hosts.get(address.host), self._book.get(addr), self._told.get(addr)
        if host is None or (entry is not None and entry.last_success_unix is not None):
            return  # nothing is known; or it was right once, and is outdated rather than mistaken
        publisher = self._sessions.at(addr)
        mistake = host.mistake(address.port, _inhabitants(entry, told), publisher.node_id if publisher else None)
        if mistake is None:
            self._drop_claim(addr)
            return
        true_port = host.port_of(mistake.node_id)
        true_address = Address(address.host, true_port) if true_port is not None else None
        first = entry or told or self._claims.get(addr)
        claim = PortClaim(
            addr=addr,
            mistake=mistake.kind,
            true_addr=str(true_address) if true_address is not None else None,
            node_id=mistake.node_id,
            source=first.source if first else source,
            via=first.via if first else via,
            corrected=true_address is not None and self._correct(entry, true_address, mistake.node_id, now_unix),
            at_unix=now_unix,
        )
        remember(self._claims, addr, claim, MAX_CLAIMS)
        self.changes += 1

    def _drop_claim(self, addr: str) -> None:
        if self._claims.pop(addr, None) is not None:
            self.changes += 1

    # ---- correction -----------------------------------------------------------------------------------------------

    def _correct(self, wrong: PeerEntry | None, true: Address, node_id: str, now_unix: float) -> bool:
        """Put `true` into the book in place of `wrong`, which has never worked; returns whether it is there now."""
        if not self._lives_there_now(true, node_id):
            return False
        if wrong is not None:
            if wrong.source is Source.SEED:
                return False  # only the operator can fix it
            self._book.remove(wrong.addr)
            if self._book.add(true, wrong.source, wrong.via, now_unix) is AddOutcome.ADDED:
                self._book.set_node_id(str(true), node_id)
        return str(true) in self._book

    def _lives_there_now(self, address: Address, node_id: str) -> bool:
        """Whether the process met at `address` is connected with us: after a restart it may listen elsewhere."""
        session = self._sessions.get(node_id)
        proof = self._hosts[address.host].proven[address.port]
        return session is not None and session.remote.boot_id == proof.boot_id


def _inhabitants(entry: PeerEntry | None, told: _Told | None) -> frozenset[str]:
    """The nodes that are said to be at an address; their own sessions take precedence over gossip."""
    if entry is not None and entry.node_id is not None:
        return frozenset({entry.node_id})
    return told.node_ids if told is not None else frozenset()
