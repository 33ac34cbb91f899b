"""The node: one object that owns all parts of a running peer and introduces them to each other."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from pathlib import Path
from typing import Protocol, Self

from nocarrier.dialing import AddressPolicy, Resolve, resolve_with_system
from nocarrier.errors import StateFileError
from nocarrier.host.loop_monitor import LoopMonitor
from nocarrier.model.address import Address, parse_ip
from nocarrier.model.listen import parse_listen
from nocarrier.model.node_state import (
    BookPeer,
    ConnectedPeer,
    DialOutcome,
    DialResult,
    Introduction,
    IntroductionCounts,
    NodeInfo,
    NodeState,
    PeerBookCounts,
)
from nocarrier.model.ports import DialRecorder, StandingBook
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import Phase, Source
from nocarrier.sources.node import listener, shown, state_files
from nocarrier.sources.node.access.admission import Admission
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.access.identity import Identity, verify
from nocarrier.sources.node.book.book_keeper import BookKeeper
from nocarrier.sources.node.connectivity import Connectivity
from nocarrier.sources.node.gossip import Gossip
from nocarrier.sources.node.maintainer import Maintainer
from nocarrier.sources.node.options import DEFAULT_P2P_PORT, NodeOptions, TimingOptions
from nocarrier.sources.node.outbound import Outbound, Skip, normal_form
from nocarrier.sources.node.reachability.dial_back import DialBacks
from nocarrier.sources.node.reachability.port_truth import PortTruth
from nocarrier.sources.node.reachability.self_check import ReachabilityCheck
from nocarrier.sources.node.session_keeper import SessionKeeper
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire import AdmissionRules, Connection, LocalPeer, Role, Terms, Welcome
from nocarrier.sources.node.wire.messages import WELCOME_PEERS_MAX
from nocarrier.supervision import Supervisor

_log = logging.getLogger("nocarrier.node")


class Recorder(DialRecorder, StandingBook, Protocol):
    """What the node needs of a tracker."""

    def forgive_own_faults(self) -> None:
        """Let addresses that only wait because of a fault of ours be dialed now."""


class Node:
    """A running peer. Use it as ``async with Node(...) as node``.

    Args:
        options: who it is and whom it wants.
        timing: how patient it is.
        data_dir: folder for its key, peer book and bans.
        recorder: where every dial is recorded.
        version: told to peers and shown.
        resolve: how seed names become addresses.

    Raises:
        ConfigError: an option cannot work, or p2p_listen cannot be listened on.
        StateFileError: the data folder cannot be used.
    """

    def __init__(
        self,
        options: NodeOptions,
        timing: TimingOptions,
        *,
        data_dir: Path,
        recorder: Recorder,
        version: str,
        resolve: Resolve = resolve_with_system,
    ) -> None:
        options.check()
        timing.check()
        _make_folder(data_dir)
        self.options = options
        self._timing = timing
        self._recorder = recorder
        self._version = version
        self.http_port: int | None = None
        """Told to peers, so that port mix-ups can be found; set it before the node starts."""
        self._started_at_unix = time.time()
        self._stopping = False
        self._ready = False
        self._changes = 0
        self._rng = random.Random(secrets.randbits(64))  # noqa: S311 - spreads load, guards nothing
        self._supervisor = Supervisor()
        self._loops: list[asyncio.Task[None]] = []

        self.policy = AddressPolicy(
            ipv4_only=options.ipv4_only, lan_mode=options.lan_mode, allow_networks=options.allow_networks
        )
        # Everything that can be refused is refused before the first packet.
        self._lock = state_files.lock(data_dir)
        try:
            self._load_state(data_dir)
            self._listen()
        except BaseException:
            self._lock.close()
            raise
        self._learn_own_addresses()
        self._add_seeds()
        self.sessions = SessionTable(self.identity.node_id)
        self.connectivity = Connectivity()
        self.loop_monitor = LoopMonitor()
        self.ports = PortTruth(book=self.book, sessions=self.sessions)
        self.reachability = ReachabilityCheck(options, sessions=self.sessions, published_port=self._published_port())
        self.dial_backs = DialBacks(
            timing,
            policy=self.policy,
            bans=self.bans,
            ports=self.ports,
            make_connection=self._make_connection,
            local_ip=parse_ip(self._listen_host),
        )
        admission = Admission(
            network=options.network,
            admission_key=options.admission_key,
            max_peers=options.max_peers,
            bans=self.bans,
            sessions=self.sessions,
        )
        self.gossip = Gossip(
            book=self.book,
            sessions=self.sessions,
            policy=self.policy,
            recorder=recorder,
            ports=self.ports,
            interval_s=timing.gossip_interval_s,
            on_learned=self._wake,
            rng=self._rng,
        )
        self._keeper = SessionKeeper(
            options,
            sessions=self.sessions,
            admission=admission,
            connectivity=self.connectivity,
            policy=self.policy,
            book=self.book,
            bans=self.bans,
            gossip=self.gossip,
            ports=self.ports,
            reachability=self.reachability,
            dial_backs=self.dial_backs,
            recorder=recorder,
            on_end=self._wake,
        )
        self.outbound = Outbound(
            options,
            timing,
            recorder=recorder,
            standings=recorder,
            policy=self.policy,
            bans=self.bans,
            book=self.book,
            sessions=self.sessions,
            admission=admission,
            connectivity=self.connectivity,
            ports=self.ports,
            make_connection=self._make_connection,
            on_session=self._keeper.begin,
            on_dial_ended=self._wake,
            is_stopping=lambda: self._stopping,
            stalled_s=self.loop_monitor.stalled_s,
            local_ip=parse_ip(self._listen_host),
            resolve=resolve,
        )
        self.listener = listener.Listener(
            self._socket,
            handshake_timeout_s=timing.handshake_attempt_s,
            admission=admission,
            make_connection=self._make_connection,
            on_session=self._keeper.begin,
            stalled_s=self.loop_monitor.stalled_s,
        )
        self.maintainer = Maintainer(
            options,
            timing.maintain_interval_s,
            book=self.book,
            sessions=self.sessions,
            outbound=self.outbound,
            connectivity=self.connectivity,
            standings=recorder,
            forgive_own_faults=recorder.forgive_own_faults,
            rng=self._rng,
        )

    def _wake(self) -> None:
        self.maintainer.wake()

    def _load_state(self, data_dir: Path) -> None:
        self.identity = Identity.load_or_create(data_dir / "node_key.pem")
        self.bans = BanList(self.options.bans, path=data_dir / "bans.json")
        warning = self.bans.load(self._started_at_unix)
        if warning:
            _log.warning("%s", warning)
        self._book_keeper = BookKeeper(
            data_dir / "peers.json", netgroup_prefix=self.options.netgroup_prefix, now_unix=self._started_at_unix
        )
        self.book = self._book_keeper.book

    def _listen(self) -> None:
        self._listen_host, port = parse_listen("p2p_listen", self.options.p2p_listen)
        self._socket = listener.bind(self._listen_host, port, setting="p2p_listen")
        self.p2p_port = int(self._socket.getsockname()[1])
        """The port this node listens on."""

    # ---- life -----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Listen, and begin to maintain connections."""
        self._local = self._local_peer()
        await self.listener.start()
        endless = {
            "loop monitor": self.loop_monitor.run,
            "maintainer": self.maintainer.run,
            "reachability check": self.reachability.run,
            "gossip": self._gossip_regularly,
            "peer book keeper": self._book_keeper.run,
        }
        self._loops += [self._supervisor.start(name, work) for name, work in endless.items()]
        self._ready = True
        self._changes += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: no new dials, goodbye to everyone, and the peer book saved."""
        self._stopping = True
        self._ready = False
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.outbound.stop()
        await self.listener.stop()
        await self.dial_backs.stop()
        await self._keeper.stop()
        await self._book_keeper.stop()
        self._lock.close()

    async def _gossip_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._timing.gossip_interval_s * self._rng.uniform(0.8, 1.2))
            self.gossip.broadcast()

    def _add_seeds(self) -> None:
        """Take the seeds into the book that may be dialed; the maintainer records what is wrong with the others."""
        for text in self.options.seeds:
            if self.policy.check_text(text, DEFAULT_P2P_PORT) is None:
                seed = Address.parse(text, default_port=DEFAULT_P2P_PORT)
                self.book.add(seed, Source.SEED, None, self._started_at_unix)

    # ---- who we are -----------------------------------------------------------------------------------------------

    def _local_peer(self) -> LocalPeer:
        options = self.options
        advertised = Address.parse(options.advertise) if options.advertise else None
        return LocalPeer(
            node_id=self.identity.node_id,
            network=options.network,
            genesis=options.genesis,
            min_version=options.min_protocol_version,
            max_version=options.protocol_version,
            boot_id=secrets.token_bytes(8),
            listen_port=self._published_port(),
            advertised=str(advertised) if advertised else None,
            http_port=self.http_port,
            user_agent=f"nocarrier/{self._version}",
            ticket=options.ticket or None,
        )

    def _published_port(self) -> int:
        return Address.parse(self.options.advertise).port if self.options.advertise else self.p2p_port

    def _learn_own_addresses(self) -> None:
        host, port = self._listen_host, self.p2p_port
        self.policy.own_addresses.add(Address(host, port))
        if self.options.advertise:
            self.policy.own_addresses.add(Address.parse(self.options.advertise))

    @property
    def advertised(self) -> str | None:
        """Where others can dial us: the setting, or where peers of different networks agree that they see us."""
        host = self._keeper.observed.agreed()
        return self.options.advertise or (str(Address(host, self.p2p_port)) if host else None)

    def _make_connection(
        self,
        *,
        role: Role,
        remote: Address,
        admit: AdmissionRules,
        expected_node_id: str | None = None,
        dial_back: bool = False,
    ) -> Connection:
        peers = self.gossip.peers_to_share(WELCOME_PEERS_MAX, receiver=str(remote))
        terms = Terms(
            role=role,
            local=self._local,
            sign=self.identity.sign,
            verify=verify,
            admit=admit,
            expected_node_id=expected_node_id,
            welcome=Welcome(observed_addr=str(remote), peers=peers),
            dial_back=dial_back,
        )
        return Connection(terms, now_unix=time.time())

    # ---- for others -----------------------------------------------------------------------------------------------

    async def connect(self, addr: str) -> DialResult:
        """Dial `addr` by hand: source direct, backoff passed, not penalised. Goes on when the caller is cancelled."""
        addr = normal_form(addr)
        started = self.outbound.start(addr, Source.DIRECT, is_manual=True)
        if isinstance(started, Skip):
            return DialResult(
                peer_addr=addr,
                outcome=DialOutcome.SKIPPED,
                reason=started.reason,
                phase=Phase.POLICY,
                detail=started.detail,
                duration_s=None,
                node_id=None,
            )
        return await asyncio.shield(started)

    def ban(self, target: str, *, until_unix: float | None = None, reason: str = "") -> None:
        """Keep away from an address, network or node id; ends the sessions it covers.

        Raises:
            ConfigError: `target` is none of these.
        """
        self._keeper.ban(target, until_unix=until_unix, reason=reason)

    @property
    def ready(self) -> bool:
        """Whether the node listens and maintains its connections."""
        return self._ready

    @property
    def revision(self) -> int:
        """Changes whenever what the node shows may have changed."""
        parts = self._keeper.changes + self.sessions.revision + self.book.revision
        return self._changes + parts + self.ports.changes + self.reachability.changes

    def info(self) -> NodeInfo:
        """Who this node is and how it is set."""
        outage = self.connectivity.outage
        options = self.options
        return NodeInfo(
            node_id=self.identity.node_id,
            version=self._version,
            network=options.network,
            genesis=options.genesis,
            protocol_version=options.protocol_version,
            min_protocol_version=options.min_protocol_version,
            p2p_port=self.p2p_port,
            http_port=self.http_port,
            advertised_p2p=self.advertised,
            ipv4_only=options.ipv4_only,
            lan_mode=options.lan_mode,
            target_peers=options.target_peers,
            max_peers=options.max_peers,
            started_at_unix=self._started_at_unix,
            offline=outage is not None,
            offline_because=outage.because if outage else None,
            inbound_rejections=dict(self.listener.rejections),
            refusals=shown.refusals(
                book=self.book, bans=self.bans, gossip=self.gossip, keeper=self._keeper, dial_backs=self.dial_backs
            ),
            dial_backs=shown.dial_back_counts(
                dial_backs=self.dial_backs, reachability=self.reachability, listener=self.listener
            ),
            reachability=self.reachability.state(),
        )

    def connected_peers(self) -> list[ConnectedPeer]:
        """The live sessions, oldest first."""
        return shown.connected_peers(self.sessions)

    def book_counts(self) -> PeerBookCounts:
        """The peer book in numbers."""
        return PeerBookCounts(
            **self.book.counts(connected=self.sessions.addresses(), standings=self._recorder, now_unix=time.time())
        )

    def state(self) -> NodeState:
        """What a diagnosis wants to know."""
        return NodeState(
            info=self.info(),
            connected=tuple(self.connected_peers()),
            dialing=self.maintainer.state(),
            netgroup_prefix=self.options.netgroup_prefix,
            proven=self.book.proven(),
            lost=self._keeper.lost(time.time()),
            port_claims=self.ports.claims(time.time()),
            introducers=self.book.introductions.introducers(),
            loop_lag_s=self.loop_monitor.worst_s(),
            inbound_handshakes=self.listener.pending,
        )

    def tasks(self) -> tuple[TaskState, ...]:
        """The endless tasks of the node, whether each works."""
        return self._supervisor.states()

    def introduced_by_source(self) -> dict[Source, IntroductionCounts]:
        """What became of the addresses of each source."""
        return self.book.introductions.by_source()

    def introduction_chain(self, addr: str) -> list[Introduction]:
        """How `addr` came to us, itself first and the root last; empty where it is not known."""
        return self.book.introduction_chain(normal_form(addr))

    def book_peers(self) -> list[BookPeer]:
        """The peer book, hot first."""
        return shown.book_peers(self.book, self.sessions.addresses(), self._recorder, time.time())


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise StateFileError(
            f"data_dir {path} cannot be used: {exc.strerror}; choose a folder that this user may write"
        ) from exc
