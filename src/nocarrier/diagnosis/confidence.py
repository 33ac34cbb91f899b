"""How sure a verdict is: from what kind of evidence it rests on, and how many unrelated peers give it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

KERNEL = 0.1
"""Doubt where this machine's kernel, or the peer itself in our protocol, says so."""

NETWORK = 0.3
"""Doubt where an answer of the network says so, which allows another reading."""

PATTERN = 0.5
"""Doubt where only the pattern over several peers says so."""

GUESSED = 1.5
"""How much the doubt grows where a duration or phase that the verdict rests on is missing and was guessed."""

LEAST_DOUBT = 0.01


class Peer(Protocol):
    """What a doubt is counted in."""

    @property
    def netgroup(self) -> str:
        """The network that counts as one."""

    @property
    def dials(self) -> int:
        """Failed dials in a row."""


def confidence(doubt: float, peers: Collection[Peer], *, is_guessed: bool = False) -> float:
    """How sure a verdict is, from 0 to 1.

    Each further netgroup halves the doubt, as unrelated networks hardly err together. A further peer of a netgroup
    known already takes a tenth off, and so does a peer's second failure in a row: one noisy peer proves little,
    however often it fails.
    """
    netgroups = {peer.netgroup for peer in peers}
    doubt *= 0.5 ** max(0, len(netgroups) - 1) * 0.9 ** max(0, len(peers) - len(netgroups))
    if any(peer.dials > 1 for peer in peers):
        doubt *= 0.9
    if is_guessed:
        doubt *= GUESSED
    return round(1 - max(LEAST_DOUBT, doubt), 2)
