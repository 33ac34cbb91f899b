"""The resolver of this machine answers, and its answers lead nowhere: a block list, or a portal that wants a login."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.address import Scope, parse_ip, scope_of
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.probe import Looks, Probe
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.model.wording.text import Sayable, Text, address, host, listed, say

MOST = 0.5
"""The cause is found if more than this share of the names that were looked up leads nowhere."""

UNRELATED = 2
"""How many unrelated names must get the same answer: those of one domain may well share a machine."""

_DOMAIN_LABELS = 2
"""Names whose last two labels agree count as related. Of a domain like example.co.uk that is too coarse, and then the
cause is found too seldom rather than too often."""

_LOCAL_NAMES = ("localhost", ".localhost")
"""These lead to this machine on purpose (RFC 6761 section 6.3)."""


class _Filtered(NamedTuple):
    """Peers known by name, by what the resolver said of the name."""

    nowhere: list[FailingPeer]
    """It led to 0.0.0.0 or ::, which nobody has."""
    here: list[FailingPeer]
    """It led to this machine itself."""
    together: dict[str, list[FailingPeer]]
    """By one address to which unrelated names led."""
    missing: list[FailingPeer]
    """It is that of a seed, and does not exist."""

    @property
    def peers(self) -> list[FailingPeer]:
        together = [peer for peers in self.together.values() for peer in peers]
        return list({peer.addr: peer for peer in (*self.nowhere, *self.here, *together, *self.missing)}.values())

    @property
    def are_only_missing(self) -> bool:
        return not (self.nowhere or self.here or self.together)


def led_to(peer: FailingPeer) -> tuple[str, ...]:
    """The addresses that the name of `peer` led to, as far as they were recorded."""
    recorded: object = peer.evidence.get("resolved_to")
    return tuple(str(addr) for addr in recorded) if isinstance(recorded, list | tuple) else ()


def _is_name(peer_host: str) -> bool:
    return parse_ip(peer_host) is None and not peer_host.endswith(_LOCAL_NAMES)


def _domain(name: str) -> str:
    return ".".join(name.rstrip(".").lower().rsplit(".", _DOMAIN_LABELS)[-_DOMAIN_LABELS:])


def _are_unrelated(peers: Sequence[FailingPeer]) -> bool:
    return len({_domain(peer.host) for peer in peers}) >= UNRELATED


def _scopes(peer: FailingPeer) -> set[Scope]:
    """Of the addresses that the name led to."""
    return {scope_of(ip) for ip in map(parse_ip, led_to(peer)) if ip is not None}


def _is_no_machine(peer: FailingPeer) -> bool:
    return all(ip is not None and ip.is_unspecified for ip in map(parse_ip, led_to(peer)))


def _sorted(peers: Sequence[FailingPeer]) -> _Filtered:
    resolved = [peer for peer in peers if led_to(peer)]
    nowhere = list(filter(_is_no_machine, resolved))
    here = [peer for peer in resolved if _scopes(peer) == {Scope.LOOPBACK}]
    by_addrs: defaultdict[tuple[str, ...], list[FailingPeer]] = defaultdict(list)
    taken = {peer.addr for peer in (*nowhere, *here)}
    for peer in resolved:
        if peer.addr not in taken:
            by_addrs[tuple(sorted(led_to(peer)))].append(peer)
    together = {addrs[0]: each for addrs, each in by_addrs.items() if _are_unrelated(each)}
    # Peers name many dead names to each other; whoever wrote a list of seeds looked them up.
    missing = [peer for peer in peers if peer.is_seed and peer.reason is Reason.DNS_NOT_FOUND]
    return _Filtered(nowhere, here if _are_unrelated(here) else [], together, missing)


def _looked_up(facts: Facts) -> tuple[list[FailingPeer], set[str]]:
    """The failing peers for whose names the resolver had an answer, and the names of those that work."""
    failing = [peer for peer in facts.failing if _is_name(peer.host)]
    answered = [
        peer for peer in failing if peer.reason not in signs.RESOLVER and peer.phase not in {Phase.POLICY, Phase.ANY}
    ]
    return answered, {peer.host for peer in facts.working if _is_name(peer.host)}


def _rule(facts: Facts) -> Case | None:
    looked_up, working = _looked_up(facts)
    found = _sorted(looked_up)
    peers = found.peers
    names, all_names = {peer.host for peer in peers}, {peer.host for peer in looked_up} | working
    if not peers or len(names) <= MOST * len(all_names):
        return None
    if found.are_only_missing and (len(names) < len(all_names) or not _are_unrelated(peers)):
        return None  # dead names are usual, and tell of a filter only if no name at all leads anywhere
    return Case(
        summary=say(
            "The resolver of this machine answers for {count} {count:name|names} with {answer}{beside}.",
            count=len(names),
            answer=_answer(found),
            beside=_beside(facts),
        ),
        title=say(_TITLE_MISSING if found.are_only_missing else _TITLE, count=len(names)),
        confidence=_confidence(facts, found),
        evidence=tuple(_evidence(facts, found)),
        peers=peers,
        values=_values(facts, found, peers),
    )


_TITLE = "The resolver of this machine answers wrongly for {count} {count:name|names} of peers"

_TITLE_MISSING = "The resolver of this machine knows none of the {count} names of peers"


def _answer(found: _Filtered) -> Text:
    if found.nowhere:
        return say("{addr}, which is no machine", addr=host(led_to(found.nowhere[0])[0]))
    if found.together:
        return say("one and the same address, {addr}", addr=host(next(iter(found.together))))
    if found.here:
        return say("an address of this machine itself, {addr}", addr=host(led_to(found.here[0])[0]))
    return say("no such name")


def _literals_work(facts: Facts) -> int:
    """How many peers with IP addresses work, or answer."""
    return len({peer.addr for peer in facts.overall.answered if parse_ip(peer.host) is not None})


def _beside(facts: Facts) -> Text:
    return say(", while peers with IP addresses answer") if _literals_work(facts) else say("")


def _confidence(facts: Facts, found: _Filtered) -> float:
    if found.are_only_missing:
        return 0.5  # a list of nothing but dead names looks the same
    doubt = NETWORK if found.nowhere or _literals_work(facts) else PATTERN
    return confidence(doubt, found.peers)


def _evidence(facts: Facts, found: _Filtered) -> Iterator[EvidenceItem]:
    if found.nowhere:
        yield evidence_of(
            "{count:name leads|names lead} to {addr}, which is no machine",
            found.nowhere,
            addr=host(led_to(found.nowhere[0])[0]),
        )
    for addr, peers in found.together.items():
        yield evidence_of("unrelated names lead to the same address, {addr}", peers, addr=host(addr))
    if found.here:
        yield evidence_of("unrelated names lead to this machine itself", found.here)
    if found.missing:
        yield evidence_of(
            "{count:name does|names do} not exist, as the resolver says; it knows no name of any peer"
            if found.are_only_missing
            else "{count:name does|names do} not exist, as the resolver says",
            found.missing,
        )
    if number := _literals_work(facts):
        yield stated("{count:peer|peers} with an IP address in place of a name {count:answers|answer}", count=number)


def _values(facts: Facts, found: _Filtered, peers: Sequence[FailingPeer]) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {"name": host(peers[0].host)}
    servers = facts.host.nameservers if facts.host is not None else ()
    if servers:
        values["servers"] = listed([host(server) for server in servers])
    else:
        values["unknown_server"] = host(peers[0].host)
    if found.together:
        addr, those = next(iter(found.together.items()))
        values["portal"] = host(addr)
        values["addr"] = address(those[0].addr)
    if found.are_only_missing:
        values["missing"] = host(peers[0].host)
    return values


CAUSE = Cause(
    code="dns_filtered",
    title="The resolver of this machine answers wrongly for names of peers",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="More than half of the names lead to 0.0.0.0, to this machine, or to one and the same address though they are "
    "unrelated; or of two or more unrelated seeds no name exists, and no other name leads anywhere.",
    next_actions=(
        Action(
            text="Compare with what another resolver says, such as 9.9.9.9 of Quad9. If the answers differ, yours filters.",
            command="nslookup {name} 9.9.9.9",
        ),
        Action(text="See what the resolver of this machine says.", command="getent ahosts {name}"),
        Action(
            text="The resolver is {servers}: ask its operator to take {name} off the block list, or put another one into "
            "/etc/resolv.conf."
        ),
        Action(
            text="See which resolver /etc/resolv.conf names: ask its operator to take {name} off the block list, or use "
            "another one.",
            command="cat /etc/resolv.conf",
            needs=("unknown_server",),
        ),
        Action(
            text="All these names lead to {portal}: if this network wants a login, open a page in a browser and log in.",
            command="curl -si http://{portal}/ --max-time 10",
        ),
        Action(text="Until then, put IP addresses instead of names into seeds under [node].", applies_to=NODE),
        Action(text="Until then, give the program IP addresses instead of names.", applies_to=OTHERS),
        Action(text="If the other resolver does not know {missing} either, correct the list of seeds."),
    ),
    rule=_rule,
    looks=Looks(frozenset({Probe.ROUTES, Probe.RESOLVER})),
    depends_on=("offline", "outbound_blocked", "local_exhaustion", "dns_broken"),
)
