"""Peers behind NAT publish private addresses."""

from __future__ import annotations

from collections import Counter

from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.causes.seeds_misconfigured import local_network
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame, Reason, Source
from nocarrier.model.wording.text import Sayable, address, listed, network, say

_OPERATOR = frozenset({Source.SEED, Source.DIRECT})


def _rule(facts: Facts) -> Case | None:
    skips = [
        skip for skip in facts.skips(Reason.PRIVATE_IP_BLOCKED, Reason.LOOPBACK_BLOCKED) if skip.source not in _OPERATOR
    ]
    if not skips:
        return None
    addrs = list(dict.fromkeys(skip.addr for skip in skips))
    introducers = Counter(via for _, via in {(skip.addr, skip.via) for skip in skips} if via)
    evidence = [stated("{count:address|addresses} of private or loopback networks, told by peers", addrs)]
    if introducers:
        evidence.append(stated("{count:peer|peers} that told them", [via for via, _ in introducers.most_common()]))
    wants_peers = facts.node is None or facts.node.dialing.wanted > 0
    return Case(
        summary=say(
            _SUMMARY,
            peers=len(introducers) or 1,
            count=len(addrs),
            addrs=listed([address(addr) for addr in addrs]),
        ),
        confidence=0.9,
        evidence=tuple(evidence),
        addrs=frozenset(addrs),
        since_unix=min(skip.at_unix for skip in skips),
        severity=Severity.WARNING if wants_peers else Severity.INFO,
        values=_values(addrs, introducers),
    )


_SUMMARY = "{peers} {peers:peer|peers} told us {count} private {count:address|addresses} that nobody outside can dial: {addrs}."


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
    title="Peers behind NAT publish private addresses",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="Private or loopback addresses told by peers and skipped by policy, by the peer that told them.",
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
        Action(text="It came from {via}: an updated node there does not pass such addresses on."),
    ),
    rule=_rule,
    looks=Looks(why_none="policy forbids to dial these addresses, and probes obey it."),
)
