"""Single peers and we do not get along, for a reason that the handshake states."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of
from nocarrier.diagnosis.causes.clock_wrong import ahead_s
from nocarrier.diagnosis.causes.version_outdated import is_newer
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.numbers import span
from nocarrier.model.wording.text import Sayable, address, joined, say, word

_WHAT = {
    Reason.BANNED: "it says that we are banned",
    Reason.BANNED_LOCAL: "it is on our own ban list",
    Reason.CLOCK_SKEW: "its clock and ours differ",
    Reason.TICKET_INVALID: "its admission ticket does not satisfy us",
    Reason.VERSION_MISMATCH: "it wants another protocol version",
    Reason.SELF_DIAL_BLOCKED: "it is ourselves",
}

_OFF = {
    True: "is {span} ahead of ours",
    False: "is {span} behind ours",
    None: "differs from ours",
}
"""A peer's clock, by whether it is ahead."""


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(*_WHAT)
    if not peers:
        return None
    examples = {peer.reason: peer for peer in peers}
    values: dict[str, Sayable] = {}
    for example in examples.values():
        values |= _values(example)
    return Case(
        summary=say(
            "{count} {count:peer|peers} ({addrs}) and we do not get along: {why}.",
            count=len(peers),
            addrs=addresses(peers),
            why=joined([say(_WHAT[reason]) for reason in examples], ", "),
        ),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(
            evidence_of(_WHAT[reason], [peer for peer in peers if peer.reason is reason]) for reason in examples
        ),
        peers=peers,
        values=values,
    )


def _values(peer: FailingPeer) -> dict[str, Sayable]:
    addr = address(peer.addr)
    match peer.reason:
        case Reason.BANNED:
            return {"banned": addr}
        case Reason.CLOCK_SKEW:
            off_s = ahead_s(peer)
            is_ahead = None if off_s is None else off_s > 0
            return {"skewed": addr, "off": say(_OFF[is_ahead], span=word(span(off_s or 0.0)))}
        case Reason.VERSION_MISMATCH:
            return {"newer" if is_newer(peer) else "other_version": addr}
        case Reason.TICKET_INVALID:
            return {"unadmitted": addr}
        case Reason.BANNED_LOCAL:
            return {"barred": addr}
        case _:
            return {"own": addr}


CAUSE = Cause(
    code="peer_incompatible",
    title="Single peers and we do not get along",
    severity=Severity.INFO,
    blame=Blame.UNKNOWN,
    evidence_rule="The handshake states a reason that holds for single peers only: one ban, one clock, one version, its "
    "ticket.",
    next_actions=(
        Action(text="Ask the operator of {banned} why it bans us; one ban is one operator's choice."),
        Action(
            text="The clock of {skewed} {off}: compare both with a third one, to see which of them is wrong.",
            command="date -u",
        ),
        Action(text="{newer} wants a newer protocol version than we speak: look for an update."),
        Action(
            text="{other_version} and we have no protocol version in common: see which ones both speak.",
            command="nocarrier failures --addr {other_version} --url {url}",
        ),
        Action(
            text="{unadmitted} shows a ticket that we do not accept: its operator needs a new one from the issuer of the "
            "network."
        ),
        Action(
            text="Do nothing if the ban of {barred} is meant. Otherwise remove it from bans under [node], or wait until it "
            "ends.",
            applies_to=NODE,
        ),
        Action(text="{barred} is banned by this program itself: lift the ban if it is not meant.", applies_to=OTHERS),
        Action(
            text="{own} is this node's own address, which does no harm. Remove it from seeds if it is there.",
            applies_to=NODE,
        ),
        Action(text="{own} is this program's own address, which does no harm.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=(
        "clock_wrong",
        "version_outdated",
        "peers_outdated",
        "ticket_rejected",
        "banned_by_peers",
        "seeds_misconfigured",
    ),
)
