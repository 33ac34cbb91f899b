"""That peer and we do not get along, for a reason that the handshake states."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.causes.clock_wrong import ahead_s
from nocarrier.diagnosis.causes.version_outdated import is_newer
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

_WHAT = {
    Reason.BANNED: "it says that we are banned",
    Reason.BANNED_LOCAL: "it is on our own ban list",
    Reason.CLOCK_SKEW: "its clock and ours differ",
    Reason.TICKET_INVALID: "its admission ticket does not satisfy us",
    Reason.VERSION_MISMATCH: "it wants another protocol version",
    Reason.SELF_DIAL_BLOCKED: "it is ourselves",
}


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(*_WHAT)
    if not peers:
        return None
    examples = {peer.reason: peer for peer in peers}
    values: dict[str, object] = {}
    for example in examples.values():
        values |= _values(example)
    return Case(
        summary=f"{count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}) and we do not get along: "
        f"{', '.join(_WHAT[reason] for reason in examples)}.",
        confidence=confidence(KERNEL, peers),
        evidence=tuple(
            evidence_of(_WHAT[reason], [peer for peer in peers if peer.reason is reason]) for reason in examples
        ),
        peers=peers,
        values=values,
    )


def _values(peer: FailingPeer) -> dict[str, object]:
    if peer.reason is Reason.BANNED:
        return {"banned": peer.addr}
    if peer.reason is Reason.CLOCK_SKEW:
        off_s = ahead_s(peer)
        return {"skewed": peer.addr, "off": "differs from" if off_s is None else f"is {off_s:+.0f} s off"}
    if peer.reason is Reason.VERSION_MISMATCH:
        return {"newer" if is_newer(peer) else "other_version": peer.addr}
    if peer.reason is Reason.TICKET_INVALID:
        return {"unadmitted": peer.addr}
    return {"barred" if peer.reason is Reason.BANNED_LOCAL else "own": peer.addr}


CAUSE = Cause(
    code="peer_incompatible",
    title="That peer and we do not get along",
    severity=Severity.INFO,
    blame=Blame.UNKNOWN,
    evidence_rule="The handshake states a reason that holds for single peers only: one ban, one clock, one version, its "
    "ticket.",
    next_actions=(
        "Ask who runs {banned} why it bans us; one ban is one operator's choice.",
        "Compare the clocks: that of {skewed} {off} ours; date -u on both machines shows which one is wrong.",
        "{newer} wants a newer protocol version than we speak: look for an update.",
        "{other_version} and we speak no common protocol version: compare both with nocarrier diff http://127.0.0.1:7070 "
        "http://PEER:7070",
        "{unadmitted} shows a ticket that we do not accept: whoever runs it needs a new one from the network's issuer.",
        "Nothing, where the ban of {barred} is meant; else take it out of bans under [node], or wait until it ends.",
        "{own} leads back to this node itself: take it out of seeds where it stands there; else there is nothing to do.",
    ),
    rule=_rule,
    depends_on=(
        "clock_wrong",
        "version_outdated",
        "peers_outdated",
        "ticket_rejected",
        "banned_by_peers",
        "seeds_misconfigured",
    ),
)
