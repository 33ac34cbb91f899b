"""The answer of `/api/p2p/connect` with `"wait": false`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectStarted:
    """The dial has begun. Its outcome is recorded as for every dial."""

    dial_id: str
    peer_addr: str
