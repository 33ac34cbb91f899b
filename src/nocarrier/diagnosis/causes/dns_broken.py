"""The resolver of this machine fails."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.address import parse_ip
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks, Probe
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.model.wording.text import host, listed, say

NAMES = 2
"""How many names must fail: a single one may be the fault of the name servers of that domain."""


_ANSWERED = frozenset({Reason.DNS_NOT_FOUND, Reason.DNS_NO_USABLE_FAMILY})
"""What a working resolver answers for a name that leads nowhere."""


def _was_looked_up(peer: FailingPeer) -> bool:
    is_past_the_resolver = peer.phase not in {Phase.POLICY, Phase.RESOLVE, Phase.ANY}
    return parse_ip(peer.host) is None and (peer.reason in _ANSWERED or is_past_the_resolver)


def _looked_up_unix(peer: FailingPeer) -> float:
    """When the resolver answered: at the end of the dial if its answer ended the dial, otherwise at the beginning."""
    return peer.failed_unix if peer.reason in _ANSWERED else peer.began_unix


def _newest_look_up(facts: Facts, failed: list[FailingPeer]) -> float:
    """When the resolver last answered, for a dial that failed later or for one that worked; 0: never."""
    worked = (peer.worked_unix for peer in facts.working if parse_ip(peer.host) is None)
    return max((*map(_looked_up_unix, failed), *filter(None, worked)), default=0.0)


_SUMMARY = {
    True: "The resolver of this machine does not answer: {count} {count:name|names} could not be looked up ({names}), and "
    "no look-up has worked since.",
    False: "The resolver of this machine fails: {count} {count:name|names} could not be looked up ({names}), and no look-up "
    "has worked since.",
}
"""By whether it is silent."""

_STATEMENT = {
    True: "{count:peer was not dialed, as the resolver did|peers were not dialed, as the resolver did} not answer",
    False: "{count:peer was not dialed, as its name|peers were not dialed, as their names} could not be looked up",
}

_TITLE = {True: "The resolver of this machine does not answer", False: "The resolver of this machine fails"}


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(*signs.RESOLVER)
    names = {peer.host for peer in peers}
    if not peers:
        return None
    since_unix = min(peer.failed_unix for peer in peers)
    others = [peer for peer in facts.all_failing if _was_looked_up(peer)]
    if _newest_look_up(facts, others) >= since_unix:
        return None  # other names can be looked up, so the fault is with this name
    if len(names) < NAMES and facts.is_cut_off is False:
        return None
    is_silent = all(peer.reason is Reason.DNS_TIMEOUT for peer in peers)
    return Case(
        summary=say(_SUMMARY[is_silent], count=len(names), names=listed([host(name) for name in sorted(names)])),
        title=say(_TITLE[is_silent]),
        confidence=confidence(
            KERNEL if len(names) >= NAMES else PATTERN,
            peers,
            is_guessed=any(peer.took_s is None and peer.failed_unix >= since_unix for peer in others),
        ),
        evidence=(evidence_of(_STATEMENT[is_silent], peers),),
        peers=peers,
        values={"name": host(min(names))},
    )


CAUSE = Cause(
    code="dns_broken",
    title="The resolver of this machine fails",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="dns_temporary or dns_timeout for two or more names, or for one if no other peer is reached either, and no "
    "name was looked up since.",
    next_actions=(
        Action(
            text="Look up a name by hand; /etc/resolv.conf names the resolver.",
            command="getent ahosts {name}",
        ),
        Action(
            text="Put a resolver that answers into /etc/resolv.conf, or let port 53 through the firewall.",
            command="cat /etc/resolv.conf",
        ),
        Action(text="Until then, put IP addresses instead of names into seeds under [node].", applies_to=NODE),
        Action(text="Until then, give the program IP addresses instead of names.", applies_to=OTHERS),
    ),
    rule=_rule,
    looks=Looks(frozenset({Probe.ROUTES, Probe.RESOLVER})),
    depends_on=("offline", "outbound_blocked", "local_exhaustion"),
)
