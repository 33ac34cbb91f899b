"""Small packets pass, large ones vanish."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame

_DIRECTIONS = {
    "sent": "our large segments are never acknowledged, while small ones and new connections pass",
    "received": "small segments of the peer arrive, and the large one before them does not",
}


def _rule(facts: Facts) -> Case | None:
    by_direction: dict[str, list[FailingPeer]] = {}
    for peer in facts.failing_where(lambda peer: "large_segments_lost" in peer.evidence):
        direction: object = peer.evidence["large_segments_lost"]  # a caller may have put anything there
        if isinstance(direction, str) and direction in _DIRECTIONS:
            by_direction.setdefault(direction, []).append(peer)
    peers = [peer for each in by_direction.values() for peer in each]
    if not peers:
        return None
    return Case(
        summary=f"The way to {count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}) swallows large packets: "
        "connections stand, and the handshake does not get through.",
        confidence=confidence(KERNEL, peers),
        evidence=tuple(evidence_of(_DIRECTIONS[direction], each) for direction, each in by_direction.items()),
        peers=peers,
        values={"host": peers[0].host},
    )


CAUSE = Cause(
    code="path_mtu",
    title="Small packets pass, large ones vanish",
    severity=Severity.WARNING,
    blame=Blame.PATH,
    evidence_rule="The connection stands and the handshake ends in silence, while TCP_INFO shows a full segment lost again "
    "and again and small ones passing.",
    next_actions=(
        "Measure the largest packet that passes: tracepath -n {host}, or ping -M do -s 1400 -c 3 {host} and smaller.",
        "Let the kernel find it by itself: sysctl -w net.ipv4.tcp_mtu_probing=1",
        "Or set it: ip link set dev INTERFACE mtu 1280 (tunnels and PPPoE need less than 1500); and let ICMP "
        "fragmentation-needed (type 3 code 4) pass the firewalls.",
    ),
    rule=_rule,
    depends_on=("offline", "outbound_blocked"),
)
