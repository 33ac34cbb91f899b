"""One entry of the peer book: what is known of an address, and how promising that makes it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

import msgspec

from nocarrier.model import bounds
from nocarrier.model.address import Address
from nocarrier.model.node_state import BookState, book_state
from nocarrier.model.ports import StandingBook
from nocarrier.model.taxonomy import Source


class Stage(StrEnum):
    """What dialing an entry has brought."""

    UNTRIED = "untried"
    FAILED = "failed"
    PROVEN = "proven"


class PeerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the book knows of one address. A value: the book replaces it when something changes."""

    addr: str
    """In the normal form of `Address`."""
    source: Source
    via: str | None
    """Who told us first; an address or a node id."""
    first_seen_unix: float
    node_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")] | None = None
    last_success_unix: float | None = None
    last_attempt_unix: float | None = None
    successes_total: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Make sure that an entry read from a file is one that can be dialed."""
        if str(Address.parse(self.addr)) != self.addr:
            raise ValueError(f"{bounds.text(self.addr)!r} is not in normal form")


def stage_of(entry: PeerEntry) -> Stage:
    """The stage of `entry`."""
    if entry.last_success_unix is not None:
        return Stage.PROVEN
    return Stage.UNTRIED if entry.last_attempt_unix is None else Stage.FAILED


def state_of(entry: PeerEntry, *, connected: Collection[str], standings: StandingBook, now_unix: float) -> BookState:
    """How good the prospect of dialing `entry` is.

    Args:
        entry: of the peer book.
        connected: addresses with a live session.
        standings: tells whether it failed since its last success.
        now_unix: Unix seconds; a success from the future (a clock that was set back) is not recent.
    """
    return book_state(
        connected=entry.addr in connected,
        last_success_unix=entry.last_success_unix,
        # Most of a large book never succeeded, and is cold whatever its streak.
        streak=0 if entry.last_success_unix is None else standings.standing(entry.addr).streak,
        now_unix=now_unix,
    )
