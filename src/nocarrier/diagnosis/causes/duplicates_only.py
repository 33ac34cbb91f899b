"""Nothing is wrong: the node meets peers it already has."""

from __future__ import annotations

from collections.abc import Sequence

from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import Action
from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame, Kind, Reason
from nocarrier.model.wording.text import say

_DUPLICATES = frozenset({Reason.ALREADY_CONNECTED, Reason.ALREADY_DIALING, Reason.DUPLICATE_CONNECTION})


def _rule(facts: Facts) -> Case | None:
    if not _has_session(facts):
        return None
    entries = [entry for entry in facts.recent if entry.kind is not Kind.CANCELLED]
    if any(entry.reason not in _DUPLICATES for entry in entries):
        return None
    if any(peer.reason not in _DUPLICATES for peer in facts.all_failing):
        return None
    addrs = _connected(facts, entries)
    if not addrs:
        return None
    return Case(
        summary=say(
            "Nothing is wrong: {count} {count:peer|peers} met again {count:is|are} connected already.", count=len(addrs)
        ),
        confidence=0.95,
        evidence=(stated("already connected, or a second connection that gave way", addrs),),
        peers=facts.failing_with(*_DUPLICATES),
        since_unix=entries[0].at_unix,
        severity=Severity.INFO,
    )


def _has_session(facts: Facts) -> bool:
    """Whether a session lives; without a node also where a peer said that the other connection with it stays."""
    return facts.has_living_session or (facts.node is None and bool(facts.failing_with(Reason.DUPLICATE_CONNECTION)))


def _connected(facts: Facts, entries: Sequence[DialFailure]) -> list[str]:
    """An address of each peer in `entries` that is connected now, the newest first; a peer with several counts once."""
    if facts.node is None:  # nobody tells of the end of a session; the program has said that there was one
        node_ids: dict[str, str] = {}
        known = {entry.addr for entry in entries if entry.reason is not Reason.ALREADY_DIALING}
        known |= {peer.addr for peer in facts.working}
    else:
        node_ids = {session.addr: session.node_id for session in facts.node.connected}
        known = {*node_ids, *node_ids.values()}
    addrs: dict[str, str] = {}
    for entry in reversed(entries):
        peer = entry.node_id or node_ids.get(entry.addr, entry.addr)
        if peer in known or entry.addr in known:
            addrs.setdefault(peer, entry.addr)
    return list(addrs.values())


CAUSE = Cause(
    code="duplicates_only",
    title="Nothing is wrong: the node meets peers it already has",
    severity=Severity.INFO,
    blame=Blame.NONE,
    evidence_rule="All newest entries of the record are already_connected, already_dialing or duplicate_connection, "
    "and peers that they name are connected now.",
    next_actions=(Action(text="There is nothing to do."),),
    rule=_rule,
    looks=Looks(why_none="nothing is wrong."),
)
