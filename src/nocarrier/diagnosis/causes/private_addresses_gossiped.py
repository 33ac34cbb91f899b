"""Peers behind NAT publish inside addresses."""

from __future__ import annotations

from collections import Counter

from nocarrier.diagnosis.cause import Case, Cause, count_of, some, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason, Source

_OPERATOR = frozenset({Source.SEED, Source.DIRECT})


def _rule(facts: Facts) -> Case | None:
    skips = [
        skip for skip in facts.skips(Reason.PRIVATE_IP_BLOCKED, Reason.LOOPBACK_BLOCKED) if skip.source not in _OPERATOR
    ]
    if not skips:
        return None
    addrs = list(dict.fromkeys(skip.addr for skip in skips))
    introducers = Counter(via for _, via in {(skip.addr, skip.via) for skip in skips} if via)
    evidence = [stated("addresses of private or loopback networks, told by peers", addrs)]
    if introducers:
        evidence.append(stated("peers that told them", [via for via, _ in introducers.most_common()]))
    wants_peers = facts.node is None or facts.node.dialing.wanted > 0
    worst = introducers.most_common(1)[0][0] if introducers else None
    return Case(
        summary=f"{count_of(len(introducers) or 1, 'peer')} told us {len(addrs)} inside "
        f"{'address' if len(addrs) == 1 else 'addresses'} that nobody outside can dial: {some(addrs)}.",
        confidence=0.9,
        evidence=tuple(evidence),
        addrs=frozenset(addrs),
        since_unix=min(skip.at_unix for skip in skips),
        severity=Severity.WARNING if wants_peers else Severity.INFO,
        values={"addr": addrs[0]} | ({"via": worst} if worst else {}),
    )


CAUSE = Cause(
    code="private_addresses_gossiped",
    title="Peers behind NAT publish inside addresses",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="Private or loopback addresses told by peers and skipped by policy, by who told them.",
    next_actions=(
        'Tell who runs the node at {addr} to set advertise = "PUBLIC-ADDRESS:PORT" under [node] and to forward that port.',
        'If these peers share a network with you, allow it: allow_networks = ["NETWORK/PREFIX"] under [node].',
        "It came from {via}: an updated node there does not pass such addresses on.",
    ),
    rule=_rule,
)
