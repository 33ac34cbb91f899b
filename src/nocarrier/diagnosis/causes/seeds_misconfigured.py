"""The seed list has addresses that cannot be dialed."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, host_of, stated, title_about
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.address import Scope, parse_ip, scope_of
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source
from nocarrier.model.wording.text import Sayable, Text, address, host, listed, network, say

_WHAT = {
    Reason.PRIVATE_IP_BLOCKED: "{count:a private address|private addresses}",
    Reason.LOOPBACK_BLOCKED: "{count:a loopback address|loopback addresses}",
    Reason.SELF_DIAL_BLOCKED: "this node's own address",
    Reason.INVALID_IPV4_ENDPOINT: "{count:an invalid endpoint|invalid endpoints}",
    Reason.IPV6_BLOCKED: "{count:an IPv6 address|IPv6 addresses}, while ipv4_only is on",
    Reason.DNS_NO_USABLE_FAMILY: "{count:a name|names} with IPv6 addresses only, while ipv4_only is on",
    Reason.DNS_NOT_FOUND: "{count:a name that does not exist|names that do not exist}",
}

_HARMLESS = frozenset({Reason.SELF_DIAL_BLOCKED})
"""If all nodes share one seed list, it includes each seed's own address. It does no harm as long as there are others."""


def _configured(facts: Facts) -> dict[Reason, list[str]]:
    """Seeds by what is wrong with them, as the node says; without a node, as policy skipped them."""
    wrong: dict[Reason, list[str]] = {}
    if facts.node is not None:
        pairs = [(seed.addr, seed.reason) for seed in facts.node.dialing.seeds]
    else:
        pairs = [(skip.addr, skip.reason) for skip in facts.skips(*_WHAT) if skip.source is Source.SEED]
    for addr, reason in dict.fromkeys(pairs):
        if reason in _WHAT:
            wrong.setdefault(reason, []).append(addr)
    return wrong


class _Wrong(NamedTuple):
    """What is wrong with the seeds."""

    configured: dict[Reason, list[str]]
    resolved: list[FailingPeer]
    """Their names do not exist, or lead to addresses that cannot be dialed."""
    duplicates: list[str]

    @property
    def addrs(self) -> frozenset[str]:
        return frozenset(addr for addrs in self.configured.values() for addr in addrs)

    @property
    def useless(self) -> frozenset[str]:
        """Configured so, or found to be so."""
        return self.addrs | {peer.addr for peer in self.resolved}

    @property
    def reasons(self) -> set[Reason]:
        return {*self.configured, *(peer.reason for peer in self.resolved)}


def _leads_nowhere(peer: FailingPeer) -> bool:
    """Whether the name of `peer` was the fault, or led to this node itself, as the handshake has shown."""
    return peer.reason in _WHAT and (peer.phase is Phase.RESOLVE or peer.reason is Reason.SELF_DIAL_BLOCKED)


def _severity(facts: Facts, wrong: _Wrong) -> Severity | None:
    if wrong.reasons - _HARMLESS:
        return None
    return Severity.WARNING if _is_its_only_seed(facts, wrong) else Severity.INFO


def _is_its_only_seed(facts: Facts, wrong: _Wrong) -> bool:
    """Whether a node without any peer has no seed but itself."""
    if facts.node is None or not facts.is_cut_off or wrong.reasons != _HARMLESS:
        return False
    return {seed.addr for seed in facts.node.dialing.seeds} <= wrong.useless


def _rule(facts: Facts) -> Case | None:
    wrong = _Wrong(
        _configured(facts),
        [peer for peer in facts.failing if peer.is_seed and _leads_nowhere(peer)],
        [seed.addr for seed in facts.node.dialing.seeds if seed.is_duplicate] if facts.node else [],
    )
    if not any(wrong):
        return None
    return Case(
        summary=_summary(facts, wrong),
        title=_title(wrong),
        confidence=confidence(KERNEL, wrong.resolved) if wrong.resolved else 0.99,
        evidence=tuple(_evidence(wrong)),
        peers=wrong.resolved,
        addrs=wrong.addrs,
        since_unix=facts.node.info.started_at_unix if facts.node else None,
        severity=_severity(facts, wrong),
        values=_values(facts, wrong),
    )


def _evidence(wrong: _Wrong) -> Iterator[EvidenceItem]:
    for reason, addrs in wrong.configured.items():
        yield stated("{count:seed is|seeds are} " + _WHAT[reason], addrs)
    for reason in dict.fromkeys(peer.reason for peer in wrong.resolved):
        peers = [peer for peer in wrong.resolved if peer.reason is reason]
        yield evidence_of("{count:seed is or resolves to|seeds are or resolve to} " + _WHAT[reason], peers)
    if wrong.duplicates:
        yield stated("{count:seed is|seeds are} in the list twice", wrong.duplicates)


_TWICE = "{count} {count:seed is|seeds are} in the list twice."

_USELESS = "{count} {count:seed|seeds} cannot be dialed as configured: {addrs}."

_SOME_USELESS = "{count} of {all} {all:seed|seeds} cannot be dialed as configured: {addrs}."


def _summary(facts: Facts, wrong: _Wrong) -> Text:
    useless = sorted(wrong.useless)
    if not useless:
        return say(_TWICE, count=len(wrong.duplicates))
    addrs = listed([address(addr) for addr in useless])
    if facts.node is None:
        return say(_USELESS, count=len(useless), addrs=addrs)
    return say(_SOME_USELESS, count=len(useless), all=len(facts.node.dialing.seeds), addrs=addrs)


def _title(wrong: _Wrong) -> Text:
    useless = wrong.useless
    if not useless:
        return title_about("{They} {count:is|are} in the list twice", wrong.duplicates, "seed|seeds")
    if not wrong.reasons - _HARMLESS:
        return title_about("{They} {count:is|are} this node itself", useless, "seed|seeds")
    return title_about("{They} cannot be dialed as configured", useless, "seed|seeds")


_ACTION = {
    Reason.PRIVATE_IP_BLOCKED: "private",
    Reason.LOOPBACK_BLOCKED: "private",
    Reason.SELF_DIAL_BLOCKED: "own",
    Reason.INVALID_IPV4_ENDPOINT: "invalid",
    Reason.DNS_NOT_FOUND: "unknown",
    Reason.IPV6_BLOCKED: "ipv6",
    Reason.DNS_NO_USABLE_FAMILY: "ipv6",
}
"""The placeholder of the next action that fixes it."""


def _values(facts: Facts, wrong: _Wrong) -> dict[str, Sayable]:
    examples = {_ACTION[reason]: addrs[0] for reason, addrs in wrong.configured.items()}
    examples |= {_ACTION[peer.reason]: peer.addr for peer in wrong.resolved}
    if _is_its_only_seed(facts, wrong):
        examples["only_own"] = examples.pop("own")
    if wrong.duplicates:
        examples["twice"] = wrong.duplicates[0]
    values: dict[str, Sayable] = {name: address(addr) for name, addr in examples.items()}
    local = local_network(examples.get("private", ""))
    if local is not None:
        values["network"] = network(local)
    if (unknown := host_of(examples.get("unknown", ""))) is not None:
        values["unknown_name"] = host(unknown)
    return values


def local_network(addr: str) -> str | None:
    """The network around a private or loopback address, as CIDR text; None: `addr` is neither."""
    ip = parse_ip(host_of(addr) or "")
    if ip is None or scope_of(ip) not in {Scope.PRIVATE, Scope.LOOPBACK}:
        return None
    return str(ip_network((ip, _LOCAL_PREFIX[ip.version]), strict=False))


_LOCAL_PREFIX = {4: 24, 6: 64}
"""How many bits of the address are usually the same throughout a home or office network."""


CAUSE = Cause(
    code="seeds_misconfigured",
    title="The seed list has addresses that cannot be dialed",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Seeds that cannot be dialed, as configured or after their names are looked up: private, loopback, this "
    "node's own, duplicate, invalid, nonexistent, or IPv6 while ipv4_only is on.",
    next_actions=(
        Action(text="Use a public address in seeds instead of {private}."),
        Action(
            text="If this network is your own, allow {network}.",
            settings="[node]\nallow_networks = [{network}]",
            applies_to=NODE,
            needs=("private",),
        ),
        Action(
            text="Or allow all private and loopback addresses.",
            settings="[node]\nlan_mode = true",
            applies_to=NODE,
            needs=("private",),
        ),
        Action(text="Correct {invalid} in seeds: a host, a colon, and a port from 1 to 65535."),
        Action(text="Correct {unknown} in seeds: no such name exists."),
        Action(text="See what the resolver answers for that name.", command="getent ahosts {unknown_name}"),
        Action(
            text="If IPv6 works on this machine, allow it; otherwise remove {ipv6} from seeds.",
            settings="[node]\nipv4_only = false",
            applies_to=NODE,
        ),
        Action(text="If IPv6 works on this machine, allow it; otherwise remove {ipv6} from seeds.", applies_to=OTHERS),
        Action(text="Remove the duplicate of {twice} from seeds."),
        Action(
            text="{only_own} leads to this node itself: name another node of the network in seeds, and restart. If this is "
            "the first node, let others dial it.",
            applies_to=NODE,
        ),
        Action(
            text="{own} is this node's own address, which is harmless. Remove it from seeds to silence this notice."
        ),
    ),
    rule=_rule,
    looks=looks.OURS,
    depends_on=("dns_broken", "dns_filtered"),
)
