"""The protocol version of this program is too old for most peers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about, us
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.bounds import MAX_PROTOCOL_VERSION
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Text, say

MOST = 0.5
"""If at least this share of the peers that answered a hello speaks newer versions, this program is the old one."""


class Mismatched(NamedTuple):
    """Peers that have no protocol version in common with this program."""

    newer: list[FailingPeer]
    older: list[FailingPeer]
    untold: list[FailingPeer]
    """The versions were not recorded."""


def mismatched(facts: Facts) -> Mismatched:
    """The peers that have no protocol version in common with this program, by whether theirs is newer."""
    found = Mismatched([], [], [])
    for peer in facts.failing_with(Reason.VERSION_MISMATCH):
        newer = is_newer(peer)
        (found.untold if newer is None else found.newer if newer else found.older).append(peer)
    return found


def is_newer(peer: FailingPeer) -> bool | None:
    """Whether the peer wants a newer version than this program speaks; None: the versions were not recorded."""
    if peer.blame in {Blame.US, Blame.THEM}:
        return peer.blame is Blame.US  # the classifier has compared the ranges
    ours, theirs = signs.values(peer)
    if isinstance(ours.get("wire"), int) and isinstance(theirs.get("wire"), int):
        return bool(theirs["wire"] > ours["wire"])
    our_newest, our_oldest = ours.get("max"), ours.get("min")
    if isinstance(our_newest, int) and isinstance(theirs.get("min"), int) and theirs["min"] > our_newest:
        return True
    if isinstance(our_oldest, int) and isinstance(theirs.get("max"), int) and theirs["max"] < our_oldest:
        return False
    return None


def versions(end: str, ranges: Iterable[Mapping[str, object]]) -> Iterator[int]:
    """One end of each of `ranges` that has it."""
    for each in ranges:
        if isinstance(version := each.get(end), int):
            yield version


def _rule(facts: Facts) -> Case | None:
    known, _, untold = mismatched(facts)
    peers = known + untold
    if not peers or facts.share_of_judges(peers) < MOST:
        return None
    if not known and len(peers) == 1:
        return None  # if versions just differ, either side may be the old one
    oldest_wanted = min(versions("min", (signs.values(peer)[1] for peer in known)), default=None)
    ours = max(versions("max", (signs.values(peer)[0] for peer in known)), default=None)
    is_possible = oldest_wanted is not None and 0 <= oldest_wanted <= MAX_PROTOCOL_VERSION
    return Case(
        summary=_summary(facts, len(peers), oldest_wanted, ours),
        title=title_about(
            "{Us} speaks too old a protocol version for {they}", (peer.addr for peer in peers), **us(facts)
        ),
        confidence=confidence(KERNEL if len(known) > 1 else PATTERN, peers),
        evidence=tuple(
            evidence_of(says, each)
            for says, each in (
                ("{count:peer accepts|peers accept} only newer protocol versions", known),
                (
                    "{count:peer has|peers have} no protocol version in common with this program, and most peers are like that",
                    untold,
                ),
            )
            if each
        ),
        peers=peers,
        values={"wanted": oldest_wanted}
        if oldest_wanted is not None and is_possible
        else {"not_recorded": len(untold)},
    )


_SUMMARY = "{Us} speaks too old a protocol version for {count} of the peers that answered."

_SUMMARY_WITH_THEIRS = "{Us} speaks too old a protocol version for {count} of the peers that answered: {count:it wants|they want} at least version {wanted}."

_SUMMARY_WITH_BOTH = (
    "{Us} speaks protocol versions up to {ours}, which is too old for {count} of the peers that answered: {count:it wants|they want} at least "
    "version {wanted}."
)


def _summary(facts: Facts, count: int, wanted: int | None, ours: int | None) -> Text:
    template = _SUMMARY if wanted is None else _SUMMARY_WITH_THEIRS if ours is None else _SUMMARY_WITH_BOTH
    return say(template, count=count, wanted=wanted or 0, ours=ours or 0, **us(facts))


CAUSE = Cause(
    code="version_outdated",
    title="This program speaks too old a protocol version",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="version_mismatch with at least half of the distinct peers that answered a hello, and the oldest version that "
    "they accept is above the newest that this program speaks.",
    next_actions=(
        Action(text="Update this program to a release that speaks protocol version {wanted}."),
        Action(
            text="If this program already speaks that version, raise protocol_version.",
            settings="[node]\nprotocol_version = {wanted}",
            applies_to=NODE,
        ),
        Action(
            text="If this program already speaks that version, let it offer that version.",
            applies_to=OTHERS,
            needs=("wanted",),
        ),
        Action(text="Update this program to a release that speaks their protocol version.", needs=("not_recorded",)),
        Action(
            text="See which versions the peers speak.",
            command="nocarrier failures --reason version_mismatch --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
)
