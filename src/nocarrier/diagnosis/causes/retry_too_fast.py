"""This program dials peers again sooner than they accept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about, us
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
"""A throttle decides as it accepts the connection; a peer that takes longer has read the hello."""

IN_A_ROW = 3
"""How many dials must follow the one before within the window."""


def _too_soon(entries: Sequence[DialFailure]) -> int:
    """How many of the dials to one address, oldest first, came within the window and were closed at once."""
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
    # A peer that worked when it was dialed less often throttles; one that never worked may close every connection.
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
            "{count} {count:peer|peers} that worked before {count:closes|close} the connection at once when dialed again "
            "within {window} s.",
            count=len(peers),
            window=window,
        ),
        title=title_about("{Us} dials {they} again too soon", (peer.addr for peer in peers), **us(facts)),
        confidence=confidence(PATTERN, peers, is_guessed=any(peer.took_s is None for peer in peers)),
        evidence=(evidence_of(_STATEMENT, peers, window=window),),
        peers=peers,
        values={"window": window},
    )


_STATEMENT = (
    "{count:peer|peers} closed the connection before a byte came, several times within {window} s of the dial before"
)


CAUSE = Cause(
    code="retry_too_fast",
    title="This program dials peers again too soon",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Three or more dials to an address that worked before, each within 30 s of the one before it, were closed "
    "at once and before a byte came.",
    next_actions=(
        Action(
            text="Wait at least {window} s before you dial an address again. The node does so by itself: look for a script "
            "that dials by hand.",
            applies_to=NODE,
        ),
        Action(text="Let the program wait at least {window} s before it dials an address again.", applies_to=OTHERS),
        Action(
            text="In its code, ask tracker.standing(addr).next_attempt_unix before each dial.",
            applies_to=(ProgramKind.EMBEDDED,),
        ),
    ),
    rule=_rule,
    looks=looks.HUNG_UP,
)
