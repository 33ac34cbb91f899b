"""Nothing is wrong: dials only meet peers that are already connected."""

from __future__ import annotations

from collections.abc import Sequence

from nocarrier.diagnosis.cause import Case, Cause, stated, title_about
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
            "Dials reached only {count} {count:peer|peers} that {count:is|are} already connected.", count=len(addrs)
        ),
        title=title_about("Nothing is wrong: {they} {count:is|are} already connected", addrs),
        confidence=0.95,
        evidence=(stated(_STATEMENT, addrs),),
        peers=facts.failing_with(*_DUPLICATES),
        since_unix=entries[0].at_unix,
        severity=Severity.INFO,
    )


_STATEMENT = "{count:peer is|peers are} connected already, or closed a second connection in favor of the first"


def _has_session(facts: Facts) -> bool:
    """Whether a session is alive; without a node also whether a peer said that it keeps another connection."""
    return facts.has_living_session or (facts.node is None and bool(facts.failing_with(Reason.DUPLICATE_CONNECTION)))


def _connected(facts: Facts, entries: Sequence[DialFailure]) -> list[str]:
    """An address of each peer in `entries` that is connected now, the newest first; a peer is counted once."""
    if facts.node is None:  # the program has recorded that there was a session, and never records when one ends
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
    title="Nothing is wrong: dials only meet peers that are already connected",
    severity=Severity.INFO,
    blame=Blame.NONE,
    evidence_rule="All of the newest entries of the record are already_connected, already_dialing or duplicate_connection, "
    "and at least one of these peers is connected now.",
    next_actions=(Action(text="There is nothing to do."),),
    rule=_rule,
    looks=Looks(why_none="nothing is wrong."),
)
