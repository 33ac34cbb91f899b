"""Peers hand out private addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from nocarrier.diagnosis.cause import Case, Cause, stated, title_about, us
from nocarrier.diagnosis.causes.seeds_misconfigured import local_network
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame, Reason, Source
from nocarrier.model.wording.text import Sayable, Text, address, listed, network, say

_OPERATOR = frozenset({Source.SEED, Source.DIRECT})


def _rule(facts: Facts) -> Case | None:
    skips = [
        skip for skip in facts.skips(Reason.PRIVATE_IP_BLOCKED, Reason.LOOPBACK_BLOCKED) if skip.source not in _OPERATOR
    ]
    if not skips:
        return None
    addrs = list(dict.fromkeys(skip.addr for skip in skips))
    introducers = Counter(via for _, via in {(skip.addr, skip.via) for skip in skips} if via)
    evidence = [stated("private or loopback {count:address|addresses} came from peers", addrs)]
    if introducers:
        evidence.append(stated("{count:peer|peers} handed them out", [via for via, _ in introducers.most_common()]))
    wants_peers = facts.node is None or facts.node.dialing.wanted > 0
    return Case(
        summary=say(
            _SUMMARY if introducers else _SUMMARY_ANY,
            peers=len(introducers),
            count=len(addrs),
            addrs=listed([address(addr) for addr in addrs]),
            **us(facts),
        ),
        title=_title(addrs, introducers),
        confidence=0.9,
        evidence=tuple(evidence),
        addrs=frozenset(addrs),
        since_unix=min(skip.at_unix for skip in skips),
        severity=Severity.WARNING if wants_peers else Severity.INFO,
        values=_values(addrs, introducers),
    )


_SUMMARY = (
    "{peers} {peers:peer|peers} gave {us} {count} private {count:address|addresses}, which cannot be dialed from outside: "
    "{addrs}."
)

_SUMMARY_ANY = (
    "{count} private {count:address|addresses}, which cannot be dialed from outside, came from peers: {addrs}."
)


def _title(addrs: Collection[str], introducers: Collection[str]) -> Text:
    template = "{They} {count:hands|hand} out {private} private {private:address|addresses}"
    if introducers:
        return title_about(template, introducers, private=len(addrs))
    return say("{count} private {count:address|addresses} came from peers", count=len(addrs))


def _values(addrs: list[str], introducers: Counter[str]) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {"addr": address(addrs[0])}
    local = local_network(addrs[0])
    if local is not None:
        values["network"] = network(local)
    if introducers:
        values["via"] = address(introducers.most_common(1)[0][0])
    return values


CAUSE = Cause(
    code="private_addresses_gossiped",
    title="Peers hand out private addresses",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="Policy skipped private or loopback addresses that came from peers; counted by the peer that handed them out.",
    next_actions=(
        Action(
            text="Ask the operator of the node at {addr} to publish its public address (advertise under [node]), and to "
            "forward that port."
        ),
        Action(
            text="If these peers share a network with this node, allow that network.",
            settings="[node]\nallow_networks = [{network}]",
            applies_to=NODE,
        ),
        Action(
            text="If these peers share a network with this program, let its policy allow that network.",
            applies_to=OTHERS,
        ),
        Action(
            text="Ask the operator of {via}, which handed out such addresses, to update: a current node does not pass them on."
        ),
    ),
    rule=_rule,
    looks=Looks(why_none="policy forbids dialing these addresses, and probes obey it."),
)
