"""`/api/p2p/connect` without waiting: the dial has begun."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectStarted:
    """A dial goes on in the background; its outcome is recorded like that of any dial."""

    dial_id: str
    peer_addr: str
