"""One entry of the peer book: what is known about an address, and how promising that makes it."""

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
"""A proven address that failed for longer than the one, in at least as many dials as the other and without a success in
between, is no better than one that never worked. Bitcoin Core's address manager gives up at the same two numbers
(ADDRMAN_MIN_FAIL, ADDRMAN_MAX_FAILURES), but counts the days from the last success. We count them from the first
failure, so that a node that was itself off for a week does not condemn peers with its first ten dials."""


class Stage(StrEnum):
    """What dialing an entry has led to."""

    UNTRIED = "untried"
    FAILED = "failed"
    """Never worked, or not for a long time."""
    PROVEN = "proven"


class PeerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the book knows about one address. A value: the book replaces it when something changes."""

    addr: str
    """In the normal form of `Address`."""
    source: Source
    via: str | None
    """The peer that named it first; an address or a node id."""
    first_seen_unix: float
    node_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")] | None = None
    last_success_unix: float | None = None
    last_attempt_unix: float | None = None
    """When a dial last ended that worked, or that failed through no fault of ours."""
    successes_total: Annotated[int, msgspec.Meta(ge=0)] = 0
    last_dial_unix: float | None = None
    """When the last dial to it began, however it ended."""
    failing_since_unix: float | None = None
    """When the first dial since its last success failed, through no fault of ours; None if it is not failing."""
    failures_since_success: Annotated[int, msgspec.Meta(ge=0)] = 0
    is_dead: bool = False
    """Whether no peer answered at its last dial, through no fault of ours."""

    def __post_init__(self) -> None:
        """Make sure that an entry read from a file can be dialed."""
        if str(Address.parse(self.addr)) != self.addr:
            raise ValueError(f"{bounds.text(self.addr)!r} is not in normal form")

    @property
    def dialed_unix(self) -> float | None:
        """When it was last dialed; None: never, as far as is known."""
        return self.last_attempt_unix if self.last_dial_unix is None else self.last_dial_unix

    @property
    def is_lost(self) -> bool:
        """Whether it has failed for so long that its last success no longer counts."""
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
    """How promising `entry` is.

    Args:
        entry: of the peer book.
        connected: addresses with a live session.
        standings: says whether it failed since its last success.
        now_unix: Unix seconds; a success from the future (a clock that was set back) is not recent.
    """
    return book_state(
        connected=entry.addr in connected,
        last_success_unix=entry.last_success_unix,
        # Most entries of a large book never succeeded, and are cold whatever their streak.
        streak=0 if entry.last_success_unix is None else standings.standing(entry.addr).streak,
        now_unix=now_unix,
    )
