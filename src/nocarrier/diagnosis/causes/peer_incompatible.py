"""Single peers and this program do not accept each other, for a reason that the handshake states."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about, us
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
    Reason.BANNED: "{count:peer bans|peers ban} {us}",
    Reason.BANNED_LOCAL: "{count:peer is|peers are} on the ban list of {us}",
    Reason.CLOCK_SKEW: "{count:peer has a clock that differs|peers have clocks that differ} from the clock here",
    Reason.TICKET_INVALID: "{count:peer shows a ticket|peers show tickets} that {us} does not accept",
    Reason.VERSION_MISMATCH: "{count:peer has|peers have} no protocol version in common with {us}",
    Reason.SELF_DIAL_BLOCKED: "{count:address belongs|addresses belong} to {us} itself",
}
"""What follows a number of peers."""

_TITLE = {
    Reason.BANNED: "{They} {count:bans|ban} {us}",
    Reason.BANNED_LOCAL: "{They} {count:is|are} on the ban list of {us}",
    Reason.CLOCK_SKEW: "The clocks of {they} and {us} differ",
    Reason.TICKET_INVALID: "{Us} does not accept the {count:ticket|tickets} of {they}",
    Reason.VERSION_MISMATCH: "{They} {count:has|have} no protocol version in common with {us}",
    Reason.SELF_DIAL_BLOCKED: "{They} {count:is|are} {us} itself",
}

_SEVERAL = "{They} and {us} do not accept each other"

_OFF = {
    True: "is {span} ahead of this one",
    False: "is {span} behind this one",
    None: "differs from this one",
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
    whom = us(facts)
    by_reason = {reason: [peer for peer in peers if peer.reason is reason] for reason in examples}
    why = [say("{count} " + _WHAT[reason], count=len(each), **whom) for reason, each in by_reason.items()]
    return Case(
        summary=say(
            "{why} ({addrs})."
            if len(why) == 1
            else "{count} peers and {us} do not accept each other ({addrs}): {why}.",
            count=len(peers),
            addrs=addresses(peers),
            why=joined(why, ", "),
            **whom,
        ),
        title=title_about(
            _TITLE[peers[0].reason] if len(examples) == 1 else _SEVERAL, (peer.addr for peer in peers), **whom
        ),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence_of(_WHAT[reason], each, **whom) for reason, each in by_reason.items()),
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
    title="Single peers and this program do not accept each other",
    severity=Severity.INFO,
    blame=Blame.UNKNOWN,
    evidence_rule="The handshake states a reason that concerns single peers only: a ban, a clock, a protocol version or a "
    "ticket.",
    next_actions=(
        Action(text="Ask the operator of {banned} about the ban; a single ban is that operator's choice."),
        Action(
            text="The clock of {skewed} {off}: compare both with a third clock to see which one is wrong.",
            command="date -u",
        ),
        Action(text="{newer} wants a newer protocol version than this program speaks: look for an update."),
        Action(
            text="See which protocol versions {other_version} and this program speak: they have none in common.",
            command="nocarrier failures --addr {other_version} --url {url}",
        ),
        Action(
            text="This program does not accept the ticket of {unadmitted}: its operator needs a new one from the issuer of "
            "the network."
        ),
        Action(
            text="If you banned {barred} on purpose, do nothing. Otherwise remove it from bans under [node], or wait until the "
            "ban ends.",
            applies_to=NODE,
        ),
        Action(text="This program itself bans {barred}: lift the ban if it is a mistake.", applies_to=OTHERS),
        Action(
            text="{own} is this node's own address, which is harmless. If it is in seeds, you can remove it.",
            applies_to=NODE,
        ),
        Action(text="{own} is this program's own address, which is harmless.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=looks.SAID,
    depends_on=(
        "clock_wrong",
        "version_outdated",
        "peers_outdated",
        "ticket_rejected",
        "banned_by_peers",
        "own_rules",
        "seeds_misconfigured",
    ),
)
