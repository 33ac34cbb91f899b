"""The node: one object that owns all parts of a running peer and connects them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

from nocarrier.dialing import Resolve, resolve_with_system
from nocarrier.model.listen import parse_listen
from nocarrier.model.node.state import (
    BookPeer,
    ConnectedPeer,
    DialResult,
    Introduction,
    IntroductionCounts,
    NodeInfo,
    NodeState,
    PeerBookCounts,
)
from nocarrier.model.task_state import TaskState
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node import listener, shown
from nocarrier.sources.node.connection_maker import ConnectionMaker
from nocarrier.sources.node.eligibility import Skip
from nocarrier.sources.node.given_address import read_address
from nocarrier.sources.node.gossip import Gossip
from nocarrier.sources.node.local_node import LocalNode
from nocarrier.sources.node.maintainer import Maintainer
from nocarrier.sources.node.neighbourhood import Recorder, neighbourhood_of
from nocarrier.sources.node.node_folder import NodeFolder
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.sources.node.outbound import Outbound
from nocarrier.sources.node.reachability.dial_back import DialBacks
from nocarrier.sources.node.reachability.self_check import ReachabilityCheck
from nocarrier.sources.node.session_keeper import SessionKeeper
from nocarrier.supervision import Supervisor


class Node:
    """A running peer. Use it as ``async with Node(...) as node``.

    Args:
        options: who it is and which peers it wants.
        timing: how long it waits for what.
        data_dir: the folder for its key, peer book and bans.
        recorder: where every dial is recorded.
        version: the version of the program; told to peers and shown.
        resolve: how seed names become addresses.

    Attributes:
        local: this node as its peers see it.
        hood: what its parts share.

    Raises:
        ConfigError: an option cannot work, or it cannot listen on p2p_listen.
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
        self.options = options
        self._timing = timing
        self._ready = False
        self._changes = 0
        self._supervisor = Supervisor()
        self._loops: list[asyncio.Task[None]] = []

        # Whatever can be refused is refused before the first packet.
        self._folder = folder = NodeFolder(data_dir, options)
        try:
            host, port = parse_listen("p2p_listen", options.p2p_listen)
            sock = listener.bind(host, port, setting="p2p_listen")
        except BaseException:
            folder.close()
            raise
        self.local = LocalNode(options, folder.identity, version=version, host=host, port=int(sock.getsockname()[1]))
        self.hood = hood = neighbourhood_of(
            self.local,
            options=options,
            timing=timing,
            bans=folder.bans,
            book=folder.book_keeper.book,
            recorder=recorder,
        )
        self.gossip = Gossip(hood)
        self._make_connection = ConnectionMaker(self.local, self.gossip)
        self.reachability = ReachabilityCheck(options, sessions=hood.sessions, published_port=self.local.published_port)
        self.dial_backs = DialBacks(
            timing,
            policy=hood.policy,
            bans=hood.bans,
            ports=hood.ports,
            make_connection=self._make_connection,
            local_ip=self.local.listen_ip,
        )
        self._keeper = SessionKeeper(
            hood, gossip=self.gossip, reachability=self.reachability, dial_backs=self.dial_backs
        )
        self.outbound = Outbound(
            hood, make_connection=self._make_connection, on_session=self._keeper.begin, resolve=resolve
        )
        self.listener = listener.Listener(
            hood, sock, make_connection=self._make_connection, on_session=self._keeper.begin
        )
        self.maintainer = Maintainer(hood, self.outbound)
        self.identity, self.policy, self.bans = folder.identity, hood.policy, hood.bans
        self.book, self.sessions, self.connectivity = hood.book, hood.sessions, hood.connectivity

    # ---- life -----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Start to listen and to maintain connections."""
        self._make_connection.begin()
        await self.listener.start()
        endless = {
            "loop monitor": self.hood.loop_monitor.run,
            "maintainer": self.maintainer.run,
            "reachability check": self.reachability.run,
            "gossip": self.gossip.run,
            "peer book keeper": self._folder.book_keeper.run,
        }
        self._loops += [self._supervisor.start(name, work) for name, work in endless.items()]
        self._ready = True
        self._changes += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: start no new dials, say goodbye to every peer, and save the peer book."""
        self.outbound.close()
        self._ready = False
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.outbound.stop()
        await self.listener.stop()
        await self.dial_backs.stop()
        await self._keeper.stop()
        await self._folder.book_keeper.stop()
        self._folder.close()

    # ---- commands -------------------------------------------------------------------------------------------------

    async def connect(self, addr: str) -> DialResult:
        """Dial `addr` by hand: source direct, no backoff, no penalty. Continues even if the caller is cancelled."""
        given = read_address(addr)
        started = self.outbound.start(given, Source.DIRECT, is_manual=True)
        return started.result(str(given)) if isinstance(started, Skip) else await asyncio.shield(started)

    def ban(self, target: str, *, until_unix: float | None = None, reason: str = "") -> None:
        """Ban an address, network or node id; ends the sessions with it.

        Raises:
            ConfigError: `target` is none of these.
        """
        self._keeper.ban(target, until_unix=until_unix, reason=reason)

    @property
    def http_port(self) -> int | None:
        """The port of its API; told to peers so that confused ports can be found. Set it before the node starts."""
        return self.local.http_port

    @http_port.setter
    def http_port(self, port: int | None) -> None:
        self.local.http_port = port

    # ---- views ----------------------------------------------------------------------------------------------------

    @property
    def p2p_port(self) -> int:
        """The port this node listens on."""
        return self.local.p2p_port

    @property
    def ready(self) -> bool:
        """Whether the node listens and maintains its connections."""
        return self._ready

    @property
    def revision(self) -> int:
        """Changes whenever what the node shows may have changed."""
        parts = self._keeper.changes + self.sessions.revision + self.book.revision
        return self._changes + parts + self.hood.ports.changes + self.reachability.changes

    def info(self) -> NodeInfo:
        """Who this node is, and its settings."""
        return shown.node_info(
            self.hood,
            gossip=self.gossip,
            keeper=self._keeper,
            listener=self.listener,
            dial_backs=self.dial_backs,
            reachability=self.reachability,
        )

    def connected_peers(self) -> list[ConnectedPeer]:
        """The open sessions, oldest first."""
        return shown.connected_peers(self.sessions)

    def book_counts(self) -> PeerBookCounts:
        """The peer book in numbers."""
        return shown.book_counts(self.hood)

    def book_peers(self) -> list[BookPeer]:
        """The entries of the peer book, hot first."""
        return shown.book_peers(self.hood)

    def state(self) -> NodeState:
        """What a diagnosis needs to know."""
        return shown.node_state(
            self.hood, self.info(), maintainer=self.maintainer, keeper=self._keeper, listener=self.listener
        )

    def tasks(self) -> tuple[TaskState, ...]:
        """The endless tasks of the node, and whether each works."""
        return self._supervisor.states()

    def introduced_by_source(self) -> dict[Source, IntroductionCounts]:
        """What became of the addresses from each source."""
        return self.book.introductions.by_source()

    def introduction_chain(self, addr: str) -> list[Introduction]:
        """How `addr` came to this node, itself first and the root last; empty if that is not known."""
        return self.book.introduction_chain(str(read_address(addr)))
