"""One entry of the peer book: what is known of an address, and how promising that makes it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

import msgspec

from nocarrier.model import bounds
from nocarrier.model.address import Address
from nocarrier.model.node.state import BookState, book_state
from nocarrier.model.ports import StandingBook
from nocarrier.model.taxonomy import Source

LOST_AFTER_S = 7 * 86_400.0
LOST_AFTER_FAILURES = 10
"""A proven address that failed for longer than the one, in at least so many dials without a success between them, is no
better than one that never worked. Bitcoin Core's address manager gives up at the same two numbers (ADDRMAN_MIN_FAIL,
ADDRMAN_MAX_FAILURES), but counts the days from the last success; we count them from the first failure, so that a node
that was itself switched off for a week condemns nobody with its first ten dials."""


class Stage(StrEnum):
    """What dialing an entry has brought."""

    UNTRIED = "untried"
    FAILED = "failed"
    """Never worked, or not for long."""
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
    """When a dial ended last that worked, or that failed through no fault of ours."""
    successes_total: Annotated[int, msgspec.Meta(ge=0)] = 0
    last_dial_unix: float | None = None
    """When a dial to it began last, whatever came of it."""
    failing_since_unix: float | None = None
    """When the first dial since its last success failed, through no fault of ours; None: it is not failing."""
    failures_since_success: Annotated[int, msgspec.Meta(ge=0)] = 0
    is_dead: bool = False
    """Whether no peer answered when it was dialed last, through no fault of ours."""

    def __post_init__(self) -> None:
        """Make sure that an entry read from a file is one that can be dialed."""
        if str(Address.parse(self.addr)) != self.addr:
            raise ValueError(f"{bounds.text(self.addr)!r} is not in normal form")

    @property
    def dialed_unix(self) -> float | None:
        """When it was dialed last; None: never, as far as is known."""
        return self.last_attempt_unix if self.last_dial_unix is None else self.last_dial_unix

    @property
    def is_lost(self) -> bool:
        """Whether it fails so long that a success before says nothing any more."""
        if self.failing_since_unix is None or self.last_attempt_unix is None:
            return False
        failed_for_s = self.last_attempt_unix - self.failing_since_unix
        return self.failures_since_success >= LOST_AFTER_FAILURES and failed_for_s > LOST_AFTER_S


def stage_of(entry: PeerEntry) -> Stage:
    """The stage of `entry`."""
    if entry.last_success_unix is not None and not entry.is_lost:
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
