"""Peers speak a protocol version that is too old for this program."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about
from nocarrier.diagnosis.causes.version_outdated import MOST, mismatched, versions
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Sayable, Text, address, say

_SUMMARY = "{count} {count:peer|peers} ({addrs}) {count:speaks|speak} too old a protocol version."

_SUMMARY_WITH_THEIRS = (
    "{count} {count:peer|peers} ({addrs}) {count:speaks|speak} too old a protocol version: version {newest} at most."
)

_SUMMARY_WITH_BOTH = (
    "{count} {count:peer|peers} ({addrs}) {count:speaks|speak} too old a protocol version: version {newest} at most; this "
    "program wants at least {ours}."
)


def _rule(facts: Facts) -> Case | None:
    _, known, untold = mismatched(facts)
    if facts.share_of_judges(untold) >= MOST:
        untold = []  # without recorded versions, the side in the minority is the old one
    peers = known + untold
    if not peers:
        return None
    are_most = facts.share_of_judges(peers) >= MOST
    newest = max(versions("max", (signs.values(peer)[1] for peer in known)), default=None)
    values: dict[str, Sayable] = {"addr": address(peers[0].addr)}
    if are_most:
        values["are_most"] = len(peers)
        values |= {"newest": newest} if newest is not None and newest >= 0 else {"not_recorded": len(untold)}
    return Case(
        summary=_summary(peers, newest, min(versions("min", (signs.values(peer)[0] for peer in known)), default=None)),
        title=title_about("{They} {count:speaks|speak} too old a protocol version", (peer.addr for peer in peers)),
        confidence=confidence(KERNEL if known else PATTERN, peers),
        evidence=tuple(
            evidence_of(says, each)
            for says, each in (
                ("{count:peer speaks|peers speak} only versions that are older than the oldest accepted here", known),
                ("{count:peer has|peers have} no version in common with this program, while most others do", untold),
            )
            if each
        ),
        peers=peers,
        severity=Severity.WARNING if are_most and not facts.is_cut_off else None,
        values=values,
    )


def _summary(peers: list[FailingPeer], newest: int | None, ours: int | None) -> Text:
    count, addrs = len(peers), addresses(peers)
    if newest is None:
        return say(_SUMMARY, count=count, addrs=addrs)
    template = _SUMMARY_WITH_THEIRS if ours is None else _SUMMARY_WITH_BOTH
    return say(template, count=count, addrs=addrs, newest=newest, ours=ours or 0)


CAUSE = Cause(
    code="peers_outdated",
    title="Peers speak too old a protocol version",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="version_mismatch, and the oldest version that this program accepts is above the newest that the peers speak.",
    next_actions=(
        Action(text="Ask the operator of {addr} to update."),
        Action(
            text="Most peers are that old: accept their version if this program still speaks it.",
            settings="[node]\nmin_protocol_version = {newest}",
            applies_to=NODE,
        ),
        Action(
            text="Most peers are that old: lower min_protocol_version under [node] if this program still speaks their "
            "version.",
            applies_to=NODE,
            needs=("not_recorded",),
        ),
        Action(
            text="Most peers are that old: let the program accept their version if it still speaks it.",
            applies_to=OTHERS,
            needs=("are_most",),
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=("version_outdated",),
)
