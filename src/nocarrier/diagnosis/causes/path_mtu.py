"""Large packets get lost on the path, while small ones pass."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about, us
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Sayable, host, say, word

_DIRECTIONS = {
    "sent": "{count:peer never acknowledges|peers never acknowledge} large segments, while small ones and new connections pass",
    "received": "{count:peer|peers} sent small segments that arrived, and a large one before them that did not",
}


def _rule(facts: Facts) -> Case | None:
    by_direction: dict[str, list[FailingPeer]] = {}
    swallowed = [peer for peer in facts.failing if "large_segments_lost" in peer.evidence]
    for peer in swallowed:
        direction: object = peer.evidence["large_segments_lost"]  # a program that records may put anything there
        if isinstance(direction, str) and direction in _DIRECTIONS:
            by_direction.setdefault(direction, []).append(peer)
    peers = [peer for each in by_direction.values() for peer in each]
    if not peers:
        return None
    return Case(
        summary=say(
            "Large packets get lost on the path to {count} {count:peer|peers} ({addrs}): connections open, but the handshake "
            "does not get through.",
            count=len(peers),
            addrs=addresses(peers),
        ),
        title=title_about("Large packets get lost between {us} and {they}", (peer.addr for peer in peers), **us(facts)),
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence_of(_DIRECTIONS[direction], each) for direction, each in by_direction.items()),
        peers=peers,
        values=_values(facts, peers),
    )


def _values(facts: Facts, peers: list[FailingPeer]) -> dict[str, Sayable]:
    values: dict[str, Sayable] = {"host": host(peers[0].host)}
    up = facts.host.interfaces_up if facts.host is not None else None
    return values | ({"interface": word(up[0])} if up is not None and len(up) == 1 else {})


CAUSE = Cause(
    code="path_mtu",
    title="Large packets get lost on the path to peers",
    severity=Severity.WARNING,
    blame=Blame.PATH,
    evidence_rule="The connection opens and the handshake ends in silence, while TCP_INFO shows that a full segment is lost "
    "again and again and small ones pass.",
    next_actions=(
        Action(text="Measure the largest packet that passes.", command="tracepath -n {host}"),
        Action(text="Or lower the size step by step until an answer comes.", command="ping -M do -s 1400 -c 3 {host}"),
        Action(
            text="Let the kernel find the right size by itself, as root.",
            command="sysctl -w net.ipv4.tcp_mtu_probing=1",
        ),
        Action(
            text="Or lower the MTU of {interface}, as root. Tunnels and PPPoE need less than 1500.",
            command="ip link set dev {interface} mtu 1280",
        ),
        Action(text="Let ICMP fragmentation-needed (type 3, code 4) through the firewalls."),
    ),
    rule=_rule,
    looks=Looks(why_none="only large packets get lost, and the packets of probes are small."),
    depends_on=("offline", "outbound_blocked"),
)
