"""Rules of this side keep the program from all or most of the peers that it could dial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, stated, us
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason, Source
from nocarrier.model.wording.text import Sayable, Text, address, joined, listed, quoted, say

MOST = 0.5
"""The cause is found if the rules forbid more than this share of the addresses that could be dialed."""

ENOUGH = 0.5
"""With at least this share of the wanted peers connected, it is only good to know."""

_WHAT = {
    Reason.BANNED_LOCAL: "{count:peer is|peers are} on the ban list of {us}",
    Reason.IPV6_BLOCKED: "{count:address is|addresses are} IPv6, which a setting of {us} forbids",
    Reason.SLOTS_FULL: "{count:peer finds|peers find} no free place: a limit of {us} is reached",
}
"""What follows a number of addresses. Private and loopback addresses are left out, as whoever forbids them seldom loses a
peer: `private_addresses_gossiped` and `seeds_misconfigured` are about them."""

_OPERATOR = frozenset({Source.SEED, Source.DIRECT})
"""If a family of the operator's own choice is forbidden, `seeds_misconfigured` says so."""


class _Kept(NamedTuple):
    """Addresses that a rule of ours forbids, each with the rule, the latest first."""

    addrs: dict[str, Reason]
    rules: dict[str, str]
    """The entry of the ban list or the name of the limit, where it was recorded."""
    peers: list[FailingPeer]
    """Those that were dialed first, and whose identity turned out to be banned."""

    def of(self, reason: Reason) -> list[str]:
        """The addresses that rules of this kind forbid."""
        return [addr for addr, why in self.addrs.items() if why is reason]


def kept(facts: Facts) -> _Kept:
    """What our own rules keep from being dialed now, and what was not reached since by any other way."""
    found = _Kept({}, {}, facts.failing_with(Reason.BANNED_LOCAL))
    reached = {peer.addr for peer in facts.working}
    dialed = {peer.addr for peer in facts.all_failing} | {dial.addr for dial in facts.in_flight}
    for skip in reversed(facts.skips(*_WHAT)):
        if skip.addr in reached or (skip.reason is Reason.IPV6_BLOCKED and skip.source in _OPERATOR):
            continue
        if skip.reason is Reason.SLOTS_FULL and skip.addr in dialed:
            continue  # it had its turn
        found.addrs.setdefault(skip.addr, skip.reason)
        _note_rule(found.rules, skip.addr, skip.evidence)
    for peer in found.peers:
        found.addrs.setdefault(peer.addr, peer.reason)
        _note_rule(found.rules, peer.addr, peer.evidence)
    return found


def _note_rule(rules: dict[str, str], addr: str, evidence: Mapping[str, object]) -> None:
    rule = evidence.get("rule")
    if isinstance(rule, str):
        rules.setdefault(addr, rule)


def _rule(facts: Facts) -> Case | None:
    found = kept(facts)
    if not found.addrs or not _wants_peers(facts):
        return None
    allowed = _allowed(facts, found)
    if len(found.addrs) <= MOST * (len(found.addrs) + allowed):
        return None
    reasons = [reason for reason in _WHAT if reason in found.addrs.values()]
    return Case(
        summary=_summary(facts, found, allowed, reasons),
        title=say(
            "Rules of {us} forbid {count} of the {all} {all:peer|peers} that it could dial",
            count=len(found.addrs),
            all=len(found.addrs) + allowed,
            **us(facts),
        ),
        confidence=confidence(KERNEL, found.peers) if found.peers else 0.95,
        evidence=tuple(_evidence(facts, found, reason) for reason in reasons),
        peers=found.peers,
        addrs=frozenset(found.addrs),
        since_unix=min((skip.at_unix for skip in facts.skips(*_WHAT)), default=None),
        severity=Severity.INFO if _has_enough(facts) else None,
        values=_values(found),
    )


def _wants_peers(facts: Facts) -> bool:
    return not facts.working if facts.node is None else facts.node.dialing.wanted > 0


def _has_enough(facts: Facts) -> bool:
    node = facts.node
    return node is not None and bool(node.connected) and len(node.connected) >= ENOUGH * node.info.target_peers


def _allowed(facts: Facts, found: _Kept) -> int:
    """How many peers our rules let this program dial, or have let it reach."""
    if facts.node is None:
        return len({peer.addr for peer in facts.all_failing} - found.addrs.keys())
    # An address without a free place is known as one that may be dialed later, and so is one banned by its identity.
    waiting = len(found.of(Reason.SLOTS_FULL)) + len(found.peers)
    return max(0, facts.node.dialing.known - waiting) + len(facts.working)


_SUMMARY = "{Us} wants peers, and its own rules forbid {all}: {why}."

_ONLY = "the only one that it could dial"

_ALL = "all {count} that it could dial"

_SOME = "{count} of {all} that it could dial"


def _summary(facts: Facts, found: _Kept, allowed: int, reasons: Iterable[Reason]) -> Text:
    count = len(found.addrs)
    each = [say("{count} " + _WHAT[reason], count=len(found.of(reason)), **us(facts)) for reason in reasons]
    share = _SOME if allowed else _ALL if count > 1 else _ONLY
    return say(_SUMMARY, all=say(share, count=count, all=count + allowed), why=joined(each, ", "), **us(facts))


def _evidence(facts: Facts, found: _Kept, reason: Reason) -> EvidenceItem:
    addrs = found.of(reason)
    rules = Counter(found.rules[addr] for addr in addrs if addr in found.rules)
    named = say(" ({rules})", rules=listed([quoted(rule) for rule, _ in rules.most_common()])) if rules else say("")
    return stated(_WHAT[reason] + "{named}", addrs, named=named, us=us(facts)["us"])


def _values(found: _Kept) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {}
    banned = found.of(Reason.BANNED_LOCAL)
    if banned:
        values["barred"] = address(banned[0])
        rules = Counter(found.rules[addr] for addr in banned if addr in found.rules)
        if rules:
            values["ban"] = quoted(rules.most_common(1)[0][0])
    if ipv6 := found.of(Reason.IPV6_BLOCKED):
        values["ipv6"] = address(ipv6[0])
    limits = Counter(found.rules[addr] for addr in found.of(Reason.SLOTS_FULL) if addr in found.rules)
    if limits:
        values["limit"] = quoted(limits.most_common(1)[0][0])
    return values


CAUSE = Cause(
    code="own_rules",
    title="Rules of this program forbid most of the peers that it could dial",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Peers are wanted, and more than half of the addresses that could be dialed are skipped because of bans, "
    "ipv4_only or a limit of this program. Private and loopback addresses do not count.",
    next_actions=(
        Action(
            text="Remove {ban} from bans under [node] if it is not meant to keep {barred} away, and restart. A ban that the "
            "node set itself is in bans.json in its data folder, with its reason.",
            applies_to=NODE,
        ),
        Action(text="This program itself bans {barred}: lift the ban if it is a mistake.", applies_to=OTHERS),
        Action(
            text="See which peers the bans keep away, and why.",
            command="nocarrier failures --reason banned_local --kind skip --url {url}",
            needs=("barred",),
        ),
        Action(
            text="If IPv6 works on this machine, allow it: {ipv6} is one of the peers with an IPv6 address.",
            settings="[node]\nipv4_only = false",
            applies_to=NODE,
        ),
        Action(
            text="If IPv6 works on this machine, allow it in the program: {ipv6} is one of the peers with an IPv6 address.",
            applies_to=OTHERS,
        ),
        Action(text="Raise {limit} under [node], and restart.", applies_to=NODE),
        Action(text="Raise the limit {limit} of the program.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=looks.OURS,
)
