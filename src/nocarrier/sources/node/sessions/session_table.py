"""The open sessions, one for each peer, and which of two connections with one peer stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from nocarrier.model.node.state import Direction
from nocarrier.sources.node.sessions.session import Session
from nocarrier.sources.node.wire import RemotePeer


class SessionTable:
    """Open sessions by node id.

    Attributes:
        revision: changes with every session that begins or ends.
    """

    def __init__(self, own_node_id: str) -> None:
        self.own_node_id = own_node_id
        self._sessions: dict[str, Session] = {}
        self.revision = 0
        self.changed = asyncio.Event()
        """Set whenever a session begins or ends; the task that waits for it clears it."""

    def stays(self, remote: RemotePeer, direction: Direction) -> bool:
        """Whether a new connection of `direction` with `remote` would stay.

        Both nodes reach the same answer without asking each other:

        - The peer restarted since our session began (its boot id differs): the new connection stays; the old one is
          dead, though TCP has not noticed.
        - Both dialed each other at the same time: the connection dialed by the smaller node id stays.
        - The same side dialed again: it has lost the older connection, so the newer one stays.
        """
        existing = self._sessions.get(remote.node_id)
        if existing is None or existing.remote.boot_id != remote.boot_id or existing.direction is direction:
            return True
        return self._dialer_of(direction, remote.node_id) < self._dialer_of(existing.direction, remote.node_id)

    def _dialer_of(self, direction: Direction, node_id: str) -> str:
        return self.own_node_id if direction is Direction.OUTBOUND else node_id

    def add(self, session: Session) -> Session | None:
        """Add a session for which `stays` is true; returns the session that it replaces, if any."""
        replaced = self._sessions.pop(session.node_id, None)
        self._sessions[session.node_id] = session
        self._note_change()
        return replaced

    def remove(self, session: Session) -> None:
        """Remove a session that ended, unless another one has already replaced it."""
        if self._sessions.get(session.node_id) is session:
            del self._sessions[session.node_id]
        self._note_change()

    def _note_change(self) -> None:
        self.revision += 1
        self.changed.set()

    def get(self, node_id: str) -> Session | None:
        """The session with that node."""
        return self._sessions.get(node_id)

    def at(self, addr: str) -> Session | None:
        """The session with the peer at that address."""
        return next((session for session in self if session.addr == addr), None)

    def addresses(self) -> set[str]:
        """The addresses of all peers with a session."""
        return {session.addr for session in self}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._sessions
