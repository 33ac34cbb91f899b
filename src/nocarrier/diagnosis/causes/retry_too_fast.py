"""We dial again sooner than peers accept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action, ProgramKind
from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Kind
from nocarrier.model.wording.text import decimal, say

THROTTLE_WINDOW_S = 30.0
"""go-ethereum and others refuse a second connection of one IP address within 30 s."""

CLOSED_AT_ONCE_S = 1.0
"""A throttle decides on accept; whoever takes longer has looked at what we said."""

IN_A_ROW = 3
"""Further dials within the window."""


def _too_soon(entries: Sequence[DialFailure]) -> int:
    """How many of the dials to one address, oldest first, came within the window after the one before."""
    return sum(
        later.at_unix - earlier.at_unix < THROTTLE_WINDOW_S
        for earlier, later in pairwise(entries)
        if _closed_at_once(later)
    )


def _closed_at_once(entry: DialFailure) -> bool:
    silent = not entry.evidence.get("bytes_received")
    quick = entry.duration_s is None or entry.duration_s <= CLOSED_AT_ONCE_S
    return entry.reason in signs.HUNG_UP and silent and quick


def _hammered(facts: Facts) -> list[FailingPeer]:
    dials: dict[str, list[DialFailure]] = {}
    for entry in facts.recent:
        if entry.kind is not Kind.SKIP:
            dials.setdefault(entry.addr, []).append(entry)
    # That it worked when we came at leisure is what tells a throttle from a peer that closes on everybody.
    return [
        peer
        for peer in facts.failing_with(*signs.HUNG_UP)
        if peer.worked_unix is not None and _too_soon(dials.get(peer.addr, ())) >= IN_A_ROW
    ]


def _rule(facts: Facts) -> Case | None:
    peers = _hammered(facts)
    if not peers:
        return None
    window = decimal(THROTTLE_WINDOW_S)
    return Case(
        summary=say(
            "{count} {count:peer|peers} that worked before {count:closes|close} on us at once, now that we dial again within "
            "{window} s.",
            count=len(peers),
            window=window,
        ),
        confidence=confidence(PATTERN, peers, is_guessed=any(peer.took_s is None for peer in peers)),
        evidence=(evidence_of("closed before a byte came, soon after the dial before", peers),),
        peers=peers,
        values={"window": window},
    )


CAUSE = Cause(
    code="retry_too_fast",
    title="We dial again sooner than peers accept",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Three or more dials to an address that worked before, each within 30 s after the last one and each "
    "closed before a byte came.",
    next_actions=(
        Action(
            text="Leave at least {window} s between two dials to one address. The node does so by itself: look for a script "
            "that dials by hand.",
            applies_to=NODE,
        ),
        Action(text="Leave at least {window} s between two dials to one address.", applies_to=OTHERS),
        Action(
            text="Ask tracker.standing(addr).next_attempt_unix before each dial.", applies_to=(ProgramKind.EMBEDDED,)
        ),
    ),
    rule=_rule,
    looks=looks.HUNG_UP,
)
