"""The seed list holds what cannot be dialed."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source

_WHAT = {
    Reason.PRIVATE_IP_BLOCKED: "private",
    Reason.LOOPBACK_BLOCKED: "loopback",
    Reason.SELF_DIAL_BLOCKED: "our own",
    Reason.INVALID_IPV4_ENDPOINT: "no valid endpoint",
    Reason.IPV6_BLOCKED: "IPv6, and ipv4_only is on",
    Reason.DNS_NO_USABLE_FAMILY: "names of IPv6 addresses only, and ipv4_only is on",
    Reason.DNS_NOT_FOUND: "names that do not exist",
}

_HARMLESS = frozenset({Reason.SELF_DIAL_BLOCKED})
"""One list of seeds for all nodes holds each seed's own address too."""


def _configured(facts: Facts) -> dict[Reason, list[str]]:
    """Seeds by what is wrong with them: what the node says of its list, or without a node what was skipped."""
    wrong: dict[Reason, list[str]] = {}
    if facts.node is not None:
        pairs = [(seed.addr, seed.reason) for seed in facts.node.dialing.seeds]
    else:
        pairs = [(skip.addr, skip.reason) for skip in facts.skips(*_WHAT) if skip.source is Source.SEED]
    for addr, reason in dict.fromkeys(pairs):
        if reason in _WHAT:
            wrong.setdefault(reason, []).append(addr)
    return wrong


def _rule(facts: Facts) -> Case | None:
    wrong = _configured(facts)
    resolved = facts.failing_where(lambda peer: peer.is_seed and peer.phase is Phase.RESOLVE and peer.reason in _WHAT)
    duplicates = [seed.addr for seed in facts.node.dialing.seeds if seed.is_duplicate] if facts.node else []
    if not (wrong or resolved or duplicates):
        return None
    evidence: list[EvidenceItem] = [stated(f"seeds that are {_WHAT[reason]}", addrs) for reason, addrs in wrong.items()]
    evidence += [
        evidence_of(f"seeds whose names are, or lead to, {_WHAT[reason]}", [p for p in resolved if p.reason is reason])
        for reason in dict.fromkeys(peer.reason for peer in resolved)
    ]
    if duplicates:
        evidence.append(stated("seeds that stand twice in the list", duplicates))
    addrs = {addr for addrs in wrong.values() for addr in addrs}
    useless = addrs | {peer.addr for peer in resolved}
    kinds = {*wrong, *(peer.reason for peer in resolved)}
    return Case(
        summary=_summary(facts, useless, duplicates),
        confidence=confidence(KERNEL, resolved) if resolved else 0.99,
        evidence=tuple(evidence),
        peers=resolved,
        addrs=frozenset(addrs),
        since_unix=facts.node.info.started_at_unix if facts.node else None,
        severity=None if kinds - _HARMLESS else Severity.INFO,
        values=_values(wrong, resolved, duplicates),
    )


def _summary(facts: Facts, useless: set[str], duplicates: list[str]) -> str:
    if not useless:
        return f"{count_of(len(duplicates), 'seed')} stand{'s' if len(duplicates) == 1 else ''} twice in the list."
    of_all = f"{len(useless)} of " if facts.node else ""
    seeds = count_of(len(facts.node.dialing.seeds) if facts.node else len(useless), "seed")
    return f"{of_all}{seeds} cannot be dialed as configured: {some(sorted(useless))}."


_ACTION = {
    Reason.PRIVATE_IP_BLOCKED: "private",
    Reason.LOOPBACK_BLOCKED: "private",
    Reason.SELF_DIAL_BLOCKED: "own",
    Reason.INVALID_IPV4_ENDPOINT: "invalid",
    Reason.DNS_NOT_FOUND: "invalid",
    Reason.IPV6_BLOCKED: "ipv6",
    Reason.DNS_NO_USABLE_FAMILY: "ipv6",
}
"""Which next action mends it, by the placeholder in it."""


def _values(wrong: dict[Reason, list[str]], resolved: list[FailingPeer], duplicates: list[str]) -> dict[str, object]:
    values: dict[str, object] = {_ACTION[reason]: addrs[0] for reason, addrs in wrong.items()}
    values |= {_ACTION[peer.reason]: peer.addr for peer in resolved}
    return values | ({"twice": duplicates[0]} if duplicates else {})


CAUSE = Cause(
    code="seeds_misconfigured",
    title="The seed list holds addresses that cannot be dialed",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Seeds that policy forbids, as configured or once their name is resolved: private, loopback, our own, "
    "duplicate, invalid or of a family that is off.",
    next_actions=(
        "Use public addresses in seeds instead of {private}; in a network of your own allow it: allow_networks = "
        '["NETWORK/PREFIX"] or lan_mode = true under [node].',
        "Correct {invalid} in seeds: HOST:PORT with a port from 1 to 65535 and a name that getent ahosts HOST finds.",
        "If this machine has working IPv6 set ipv4_only = false under [node]; else take {ipv6} out of seeds.",
        "Take {twice} out of seeds once: it stands there twice.",
        "That {own} is this node itself does no harm; take it out of seeds to be rid of this line.",
    ),
    rule=_rule,
)
